//! The names and help texts of the learner's metrics, and the few functions that record them.

use crate::influence::InfluenceReport;
use crate::service::Outcomes;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use schemas::Timestamp;
use std::time::Duration;

/// Labels by what became of them, once that is committed.
pub const LABELS: &str = "plaudit_learn_labels_total";
/// Records that were taken and committed.
pub const RECORDS: &str = "plaudit_learn_records_total";
/// Labels that wait for their review, or for what was scored of it.
pub const WAITING: &str = "plaudit_learn_waiting_labels";
/// Reviews that a label can find.
pub const KNOWN_REVIEWS: &str = "plaudit_learn_known_reviews";
/// The number of the last update, by model and version.
pub const UPDATE: &str = "plaudit_learn_update";
/// When the last update was published, in seconds since 1970.
pub const UPDATED_AT: &str = "plaudit_learn_last_update_timestamp_seconds";
/// Bytes of each update.
pub const UPDATE_BYTES: &str = "plaudit_learn_update_bytes";
/// Seconds from the start of a transaction to its commit.
pub const TRANSACTION_SECONDS: &str = "plaudit_learn_transaction_seconds";
/// Attempts at a transaction that failed.
pub const ABORTS: &str = "plaudit_learn_aborts_total";
/// Checkpoints that could not be written.
pub const CHECKPOINT_FAILURES: &str = "plaudit_learn_checkpoint_failures_total";
/// When the last checkpoint was written, in seconds since 1970.
pub const CHECKPOINT_AT: &str = "plaudit_learn_last_checkpoint_timestamp_seconds";
/// Those that are in quarantine, by kind.
pub const QUARANTINED: &str = "plaudit_learn_quarantined";
/// Records that were deleted before they were read.
pub const LOST_RECORDS: &str = "plaudit_learn_lost_records_total";

/// Gives the recorder the help texts, and the counters that may never count anything: an alert on them needs a zero.
pub fn describe() {
    describe_counter!(LABELS, "Labels by what became of them");
    describe_counter!(RECORDS, "Records that were taken and committed");
    describe_gauge!(WAITING, "Labels that wait for their review or for what was scored of it");
    describe_gauge!(KNOWN_REVIEWS, "Reviews that a label can find");
    describe_gauge!(UPDATE, "Number of the last update, by model and version");
    describe_gauge!(UPDATED_AT, "When the last update was published, in seconds since 1970");
    describe_histogram!(UPDATE_BYTES, "Bytes of each update");
    describe_histogram!(TRANSACTION_SECONDS, "Seconds from the start of a transaction to its commit");
    describe_counter!(ABORTS, "Attempts at a transaction that failed");
    describe_counter!(CHECKPOINT_FAILURES, "Checkpoints that could not be written");
    describe_gauge!(CHECKPOINT_AT, "When the last checkpoint was written, in seconds since 1970");
    describe_gauge!(QUARANTINED, "Users and products in quarantine, by kind");
    describe_counter!(LOST_RECORDS, "Records that were deleted before they were read");
    for counter in [counter!(ABORTS), counter!(CHECKPOINT_FAILURES), counter!(LOST_RECORDS)] {
        counter.increment(0);
    }
}

pub(crate) fn count_labels(outcomes: &Outcomes) {
    for (outcome, labels) in outcomes.iter() {
        counter!(LABELS, "outcome" => outcome).increment(labels);
    }
}

pub(crate) fn count_records(records: u64) {
    counter!(RECORDS).increment(records);
}

pub(crate) fn set_join(waiting: usize, known_reviews: usize) {
    gauge!(WAITING).set(waiting as f64);
    gauge!(KNOWN_REVIEWS).set(known_reviews as f64);
}

pub(crate) fn record_update(model: &schemas::ModelRef, bytes: usize) {
    gauge!(UPDATE, "model" => model.name.to_string(), "version" => model.version.to_string()).set(model.update as f64);
    gauge!(UPDATED_AT).set(Timestamp::now().epoch_millis() as f64 / 1000.0);
    histogram!(UPDATE_BYTES).record(bytes as f64);
}

pub(crate) fn record_transaction(took: Duration) {
    histogram!(TRANSACTION_SECONDS).record(took);
}

pub(crate) fn count_abort() {
    counter!(ABORTS).increment(1);
}

pub(crate) fn count_checkpoint_failure() {
    counter!(CHECKPOINT_FAILURES).increment(1);
}

pub(crate) fn checkpoint_written() {
    gauge!(CHECKPOINT_AT).set(Timestamp::now().epoch_millis() as f64 / 1000.0);
}

pub(crate) fn set_quarantined(report: &InfluenceReport) {
    gauge!(QUARANTINED, "kind" => "user").set(report.users_in_quarantine as f64);
    gauge!(QUARANTINED, "kind" => "product").set(report.products_in_quarantine as f64);
}

pub(crate) fn count_lost_records(records: u64) {
    counter!(LOST_RECORDS).increment(records);
}
