//! The names and help texts of the ingest's metrics, and the few functions that record them.

use crate::service::UpdateCounts;
use feature_store::offline::store::Dataset;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use std::time::Duration;

/// Records that were written, by dataset.
pub const RECORDS: &str = "plaudit_ingest_records_total";
/// Records that could not be decoded and stand in the files as they came, by dataset and cause.
pub const MALFORMED: &str = "plaudit_ingest_malformed_total";
/// Records that were deleted before they were read.
pub const LOST_RECORDS: &str = "plaudit_ingest_lost_records_total";
/// Files that another writer had created first.
pub const LOST_RACES: &str = "plaudit_ingest_lost_races_total";
/// Records between what is written and the ends of the partitions that this process reads, by dataset.
pub const LAG_RECORDS: &str = "plaudit_ingest_lag_records";
/// Records per batch.
pub const BATCH_RECORDS: &str = "plaudit_ingest_batch_records";
/// Bytes of each file.
pub const FILE_BYTES: &str = "plaudit_ingest_file_bytes";
/// From the first byte of a file to its being there for good.
pub const WRITE_SECONDS: &str = "plaudit_ingest_write_seconds";
/// Updates of products and users in the online store, by outcome.
pub const UPDATES: &str = "plaudit_ingest_updates_total";
/// From sending a batch of updates to its answer, waiting for a store that is away included.
pub const UPDATE_SECONDS: &str = "plaudit_ingest_update_seconds";
/// Bytes of files in the making.
pub const IN_HAND_BYTES: &str = "plaudit_ingest_in_hand_bytes";

/// Gives the recorder the help texts, and the counters that may never count anything: an alert on them needs a zero.
pub fn describe() {
    describe_counter!(RECORDS, "Records that were written, by dataset");
    describe_counter!(MALFORMED, "Records that could not be decoded, by dataset and cause");
    describe_counter!(LOST_RECORDS, "Records that were deleted before they were read");
    describe_counter!(LOST_RACES, "Files that another writer had created first");
    describe_gauge!(LAG_RECORDS, "Records between what is written and the ends of the partitions read, by dataset");
    describe_histogram!(BATCH_RECORDS, "Records per batch");
    describe_histogram!(FILE_BYTES, "Bytes of each file");
    describe_histogram!(WRITE_SECONDS, "Seconds that creating a file takes");
    describe_counter!(UPDATES, "Updates of products and users in the online store, by outcome");
    describe_histogram!(UPDATE_SECONDS, "Seconds from sending a batch of updates to its answer");
    describe_gauge!(IN_HAND_BYTES, "Bytes of files in the making");
    for counter in [counter!(LOST_RECORDS), counter!(LOST_RACES)] {
        counter.increment(0);
    }
}

pub(crate) fn count_records(dataset: Dataset, records: u64) {
    counter!(RECORDS, "dataset" => dataset.name()).increment(records);
}

pub(crate) fn count_malformed(dataset: Dataset, cause: &'static str) {
    counter!(MALFORMED, "dataset" => dataset.name(), "cause" => cause).increment(1);
}

pub(crate) fn count_lost_records(records: u64) {
    counter!(LOST_RECORDS).increment(records);
}

pub(crate) fn count_lost_race() {
    counter!(LOST_RACES).increment(1);
}

pub(crate) fn set_lag(records: [u64; 3]) {
    for (dataset, records) in Dataset::ALL.into_iter().zip(records) {
        gauge!(LAG_RECORDS, "dataset" => dataset.name()).set(records as f64);
    }
}

pub(crate) fn record_batch(records: usize) {
    histogram!(BATCH_RECORDS).record(records as f64);
}

pub(crate) fn record_file(size_bytes: usize, took: Duration) {
    histogram!(FILE_BYTES).record(size_bytes as f64);
    histogram!(WRITE_SECONDS).record(took.as_secs_f64());
}

pub(crate) fn record_updates(counts: &UpdateCounts, took: Duration) {
    for (outcome, count) in [
        ("applied", counts.applied),
        ("replayed", counts.replayed),
        ("unusable", counts.unusable),
        ("label_without_review", counts.labels_without_review),
        ("future", counts.future),
    ] {
        counter!(UPDATES, "outcome" => outcome).increment(count);
    }
    histogram!(UPDATE_SECONDS).record(took.as_secs_f64());
}

pub(crate) fn set_in_hand(size_bytes: usize) {
    gauge!(IN_HAND_BYTES).set(size_bytes as f64);
}
