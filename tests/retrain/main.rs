//! `plaudit retrain` from outside: on an offline store that is written here, with schedulers and alerts on Apache Kafka.

#![expect(clippy::unwrap_used, reason = "in a test every failure is the test's")]

mod bucket;
mod crash;
mod once;
mod refusals;
#[path = "../support/s3.rs"]
#[expect(dead_code, reason = "others use the rest")]
mod s3;
mod schedulers;
mod service;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "others use the rest")]
mod support;
mod world;
