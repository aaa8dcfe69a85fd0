//! The written store: what writers, compactions and readers may do at the same time.

#![expect(clippy::unwrap_used, reason = "in a test every failure is the test's")]

mod compaction;
mod store;
mod stores;
