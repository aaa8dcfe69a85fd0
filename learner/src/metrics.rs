//! The learner's metrics: their names, what they mean, and the few functions that record them.

use crate::influence::InfluenceReport;
use crate::service::Outcomes;
use metrics::{counter, gauge, histogram};
use schemas::Timestamp;
use service::metrics::Metric;
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

/// All of them.
pub const METRICS: &[Metric] = &[
    Metric::counter(
        LABELS,
        &["outcome"],
        "Labels by what became of them, once that is committed",
        "When few are learned from, the other outcomes say why; `plaudit learn --json` prints them too.",
    ),
    Metric::counter(
        RECORDS,
        &[],
        "Records that were taken and committed",
        "A rate of zero while labels come in: look whether the process runs, and at the lag of its group.",
    ),
    Metric::gauge(
        WAITING,
        &[],
        "Labels that wait for their review, or for what was scored of it",
        "When it grows, scorers lag, or labels come of reviews that this system never had.",
    ),
    Metric::gauge(KNOWN_REVIEWS, &[], "Reviews that a label can find", "It bounds how late a label may come."),
    Metric::gauge(
        UPDATE,
        &["model", "version"],
        "Number of the last update",
        "Scorers follow it: compare plaudit_model_update.",
    ),
    Metric::gauge(
        UPDATED_AT,
        &[],
        "When the last update was published",
        "When it stands still while labels come in, see plaudit_learn_labels_total.",
    ),
    Metric::histogram(
        UPDATE_BYTES,
        &[],
        "Bytes of each update",
        "Large updates are many labels at once; they bound how soon scorers have them.",
    ),
    Metric::histogram(
        TRANSACTION_SECONDS,
        &[],
        "From the start of a transaction to its commit",
        "When it grows, look at the brokers.",
    ),
    Metric::counter(
        ABORTS,
        &[],
        "Attempts at a transaction that failed",
        "Nothing is learned twice. When they go on, the log says what the broker refuses.",
    ),
    Metric::counter(
        CHECKPOINT_FAILURES,
        &[],
        "Checkpoints that could not be written",
        "A restart has as much more to read again. The log says why; see that the registry can be written.",
    ),
    Metric::gauge(
        CHECKPOINT_AT,
        &[],
        "When the last checkpoint was written",
        "When it is old, see plaudit_learn_checkpoint_failures_total.",
    ),
    Metric::gauge(
        QUARANTINED,
        &["kind"],
        "Users and products in quarantine",
        "Many at once are an attack, or limits that are too low: see learn.limits.",
    ),
    Metric::counter(
        LOST_RECORDS,
        &[],
        "Records that were deleted before they were read",
        "Retention was faster: raise retention.ms of the topics.",
    ),
];

/// Tells the recorder of all metrics.
pub fn describe() {
    service::metrics::describe(METRICS);
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
