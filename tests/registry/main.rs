//! The registry from outside: in a bucket, carried in files, its log, and the gates before production.

#![expect(clippy::unwrap_used, reason = "in a test every failure is the test's")]

mod bucket;
mod gates;
#[path = "../support/s3.rs"]
#[expect(dead_code, reason = "others use the rest")]
mod s3;
mod verbs;
mod world;
