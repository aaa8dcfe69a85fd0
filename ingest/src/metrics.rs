//! The ingest's metrics: their names, what they mean, and the few functions that record them.

use crate::service::UpdateCounts;
use feature_store::offline::store::Dataset;
use metrics::{counter, gauge, histogram};
use service::metrics::Metric;
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

/// All of them.
pub const METRICS: &[Metric] = &[
    Metric::counter(
        RECORDS,
        &["dataset"],
        "Records that were written",
        "A rate of zero while plaudit_ingest_lag_records grows: the store is away, or the process waits for its partitions.",
    ),
    Metric::counter(
        MALFORMED,
        &["dataset", "cause"],
        "Records that could not be decoded",
        "They stand in the files as they came. See who produces them; of reviews, `plaudit dlq list` says more.",
    ),
    Metric::counter(
        LOST_RECORDS,
        &[],
        "Records that were deleted before they were read",
        "Retention was faster: raise retention.ms of the topics, or start more of `plaudit ingest`.",
    ),
    Metric::counter(
        LOST_RACES,
        &[],
        "Files that another writer had created first",
        "Some are usual when partitions move. When they go on, two groups write to one store: give each its own.",
    ),
    Metric::gauge(
        LAG_RECORDS,
        &["dataset"],
        "Records between what is written and the ends of the partitions that this process reads",
        "Up to what comes within ingest.file_max_seconds is usual; more and growing: start more of `plaudit ingest`.",
    ),
    Metric::histogram(
        BATCH_RECORDS,
        &[],
        "Records per batch",
        "At ingest.batch_max_records all the time: it works off a backlog.",
    ),
    Metric::histogram(
        FILE_BYTES,
        &[],
        "Bytes of each file",
        "Small files make reading slow: raise ingest.file_max_seconds, and see `plaudit features compact`.",
    ),
    Metric::histogram(
        WRITE_SECONDS,
        &[],
        "How long creating a file takes",
        "When it grows, the disk or the bucket is slow; lag follows.",
    ),
    Metric::counter(
        UPDATES,
        &["outcome"],
        "Updates of products and users in the online store",
        "`unusable`: another program's values stand under the keys. `label_without_review`: labels whose review is not known.",
    ),
    Metric::histogram(
        UPDATE_SECONDS,
        &[],
        "From sending a batch of updates to its answer, waiting for a store that is away included",
        "When it grows, features are as much older; look at the online store.",
    ),
    Metric::gauge(
        IN_HAND_BYTES,
        &[],
        "Bytes of files in the making",
        "Near half of ingest.memory_max_bytes files end early and are small.",
    ),
];

/// Tells the recorder of all metrics.
pub fn describe() {
    service::metrics::describe(METRICS);
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
