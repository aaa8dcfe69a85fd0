//! `plaudit monitor` from outside, on Apache Kafka: what it says of predictions and labels that a test has written, and when it
//! raises alerts.

#![expect(clippy::unwrap_used, reason = "in a test every failure is the test's")]

mod alerts;
mod figures;
mod reference;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "others use the rest")]
mod support;
mod world;
