//! The scorer's metrics: their names, what they mean, and the few functions that record them.

use metrics::{Counter, counter, gauge, histogram};
use schemas::{Label, ModelRef};
use service::metrics::Metric;
use std::time::Duration;

/// Requests answered by the gateway, by route and status.
pub const GATEWAY_REQUESTS: &str = "plaudit_gateway_requests_total";
/// From the arrival of a request's header to the answer, by route.
pub const GATEWAY_REQUEST_SECONDS: &str = "plaudit_gateway_request_seconds";
/// Predictions made by the gateway, by label.
pub const GATEWAY_PREDICTIONS: &str = "plaudit_gateway_predictions_total";
/// The number of the model version in use, by model.
pub const MODEL_VERSION: &str = "plaudit_model_version";
/// How often a changed model could not be loaded.
pub const MODEL_LOAD_FAILURES: &str = "plaudit_model_load_failures_total";
/// The number of the online update that the model in use is at, by model; 0 as trained.
pub const MODEL_UPDATE: &str = "plaudit_model_update";
/// When the last update that was applied was sent, in seconds since 1970.
pub const MODEL_UPDATE_TIME: &str = "plaudit_model_update_timestamp_seconds";
/// Online updates that were applied.
pub const MODEL_UPDATES: &str = "plaudit_model_updates_total";
/// Records of the topic of models that could not be used.
pub const MODEL_UPDATES_REFUSED: &str = "plaudit_model_updates_refused_total";
/// How often updates were missing.
pub const MODEL_UPDATE_GAPS: &str = "plaudit_model_update_gaps_total";
/// Reads of the online store that failed or came too late.
pub const FEATURE_READ_FAILURES: &str = "plaudit_feature_read_failures_total";
/// 1 while the online store is left alone because it keeps failing.
pub const FEATURES_CIRCUIT_OPEN: &str = "plaudit_features_circuit_open";
/// Entities whose values in the online store could not be decoded.
pub const UNDECODABLE_FEATURES: &str = "plaudit_undecodable_features_total";

/// Reviews that had no value of a feature that their model takes, by feature.
pub const MISSING_FEATURES: &str = "plaudit_features_missing_total";

/// Predictions committed by the stream, by label.
pub const STREAM_PREDICTIONS: &str = "plaudit_stream_predictions_total";
/// Dead letters committed by the stream, by cause.
pub const STREAM_DEAD_LETTERS: &str = "plaudit_stream_dead_letters_total";
/// Reviews that were deleted before the stream had read them.
pub const STREAM_LOST_RECORDS: &str = "plaudit_stream_lost_records_total";
/// 1 for the stage that the stream's worker is in: joining, running, fenced or draining.
pub const STREAM_STAGE: &str = "plaudit_stream_stage";
/// Reviews that were taken and are not committed yet.
pub const STREAM_IN_FLIGHT_RECORDS: &str = "plaudit_stream_in_flight_records";
/// Their bytes.
pub const STREAM_IN_FLIGHT_BYTES: &str = "plaudit_stream_in_flight_bytes";
/// From the start of a transaction to its commit.
pub const STREAM_TRANSACTION_SECONDS: &str = "plaudit_stream_transaction_seconds";
/// Records per transaction.
pub const STREAM_TRANSACTION_RECORDS: &str = "plaudit_stream_transaction_records";
/// Attempts at a transaction that failed.
pub const STREAM_ABORTS: &str = "plaudit_stream_aborts_total";

/// All of them.
pub const METRICS: &[Metric] = &[
    Metric::counter(
        GATEWAY_REQUESTS,
        &["route", "status"],
        "Requests answered by the gateway",
        "Many with a status of 5xx: the gateway's log has their cause. Many 4xx: a caller sends what the gateway refuses.",
    ),
    Metric::histogram(
        GATEWAY_REQUEST_SECONDS,
        &["route"],
        "From a request's header to its answer",
        "When it grows with the load, start another gateway; when the online store is slow, see redis.deadline_ms.",
    ),
    Metric::counter(
        GATEWAY_PREDICTIONS,
        &["label"],
        "Predictions made by the gateway",
        "A share of a label that moves is what `plaudit monitor` explains.",
    ),
    Metric::gauge(
        MODEL_VERSION,
        &["model"],
        "Number of the model version in use",
        "When processes differ for longer than registry.poll_interval_ms, see plaudit_model_load_failures_total.",
    ),
    Metric::counter(
        MODEL_LOAD_FAILURES,
        &[],
        "How often a changed model could not be loaded",
        "The one before stays in use. The log says why; promote a version that can be loaded, or roll back.",
    ),
    Metric::gauge(
        MODEL_UPDATE,
        &["model"],
        "Number of the online update that the model in use is at; 0 as trained",
        "When processes differ for long, compare plaudit_model_update_timestamp_seconds.",
    ),
    Metric::gauge(
        MODEL_UPDATE_TIME,
        &[],
        "When the last update that was applied was sent",
        "When it stands still while labels come in, look whether `plaudit learn` runs.",
    ),
    Metric::counter(MODEL_UPDATES, &[], "Online updates that were applied", "Its rate is that of the learner."),
    Metric::counter(
        MODEL_UPDATES_REFUSED,
        &[],
        "Records of the topic of models that could not be used",
        "Somebody else writes to the topic, or the learner is of another version of Plaudit.",
    ),
    Metric::counter(
        MODEL_UPDATE_GAPS,
        &[],
        "How often online updates were missing",
        "The next snapshot closes the gap. When they are many, see that retention of the topic keeps updates.",
    ),
    Metric::counter(
        FEATURE_READ_FAILURES,
        &[],
        "Reads of the online store that failed or came too late",
        "Predictions go on without features. Look at the store's latency and at redis.deadline_ms.",
    ),
    Metric::gauge(
        FEATURES_CIRCUIT_OPEN,
        &[],
        "1 while the online store is left alone because it keeps failing",
        "See that the store is up and can be reached from the scorer.",
    ),
    Metric::counter(
        UNDECODABLE_FEATURES,
        &[],
        "Entities whose values in the online store could not be decoded",
        "Somebody else writes under the same keys: give features.project a name of its own.",
    ),
    Metric::counter(
        MISSING_FEATURES,
        &["feature"],
        "Reviews without a value of a feature that their model takes",
        "When it moves as predictions do, the feature is never there: see features.views and that `plaudit ingest` runs.",
    ),
    Metric::counter(
        STREAM_PREDICTIONS,
        &["label"],
        "Predictions committed by the stream",
        "A rate of zero while reviews come in means that nothing is scored: see plaudit_stream_stage.",
    ),
    Metric::counter(
        STREAM_DEAD_LETTERS,
        &["cause"],
        "Dead letters committed by the stream",
        "`plaudit dlq list` shows them; once the cause is mended, `plaudit dlq replay` sends them again.",
    ),
    Metric::counter(
        STREAM_LOST_RECORDS,
        &[],
        "Reviews that were deleted before the stream had read them",
        "Retention was faster than the scorers: raise retention.ms, start more scorers, and replay from the source.",
    ),
    Metric::gauge(
        STREAM_STAGE,
        &["stage"],
        "1 for the stage that the stream's worker is in",
        "`joining` for long: the group rebalances or Kafka is away. `fenced`: another process took over.",
    ),
    Metric::gauge(
        STREAM_IN_FLIGHT_RECORDS,
        &[],
        "Reviews that were taken and are not committed yet",
        "When it stays high and nothing is committed, see plaudit_stream_transaction_seconds.",
    ),
    Metric::gauge(
        STREAM_IN_FLIGHT_BYTES,
        &[],
        "Their bytes",
        "What a scorer holds in memory; scorer.batch_max_bytes bounds a batch of it.",
    ),
    Metric::histogram(
        STREAM_TRANSACTION_SECONDS,
        &[],
        "From the start of a transaction to its commit",
        "Near scorer.transaction_timeout_ms the broker aborts it: look at the broker, or lower scorer.batch_max_records.",
    ),
    Metric::histogram(
        STREAM_TRANSACTION_RECORDS,
        &[],
        "Records per transaction",
        "Small while there is lag: the partitions bring little at a time. Large: the scorer works off a backlog.",
    ),
    Metric::counter(
        STREAM_ABORTS,
        &[],
        "Attempts at a transaction that failed",
        "Nothing is lost: the batch is written again. When they go on, the log says what the broker refuses.",
    ),
];

/// Tells the recorder of all metrics.
pub fn describe() {
    service::metrics::describe(METRICS);
}

pub(crate) fn record_gateway_request(route: &'static str, status: u16, took: Duration) {
    counter!(GATEWAY_REQUESTS, "route" => route, "status" => status.to_string()).increment(1);
    histogram!(GATEWAY_REQUEST_SECONDS, "route" => route).record(took);
}

pub(crate) fn count_gateway_prediction(label: Label) {
    counter!(GATEWAY_PREDICTIONS, "label" => label_name(label)).increment(1);
}

pub(crate) fn set_model_version(model: &ModelRef) {
    gauge!(MODEL_VERSION, "model" => model.name.to_string()).set(model.version.0 as f64);
}

pub(crate) fn set_model_update(model: &ModelRef) {
    gauge!(MODEL_UPDATE, "model" => model.name.to_string()).set(model.update as f64);
}

pub(crate) fn set_model_update_time(millis: i64) {
    gauge!(MODEL_UPDATE_TIME).set(millis as f64 / 1000.0);
}

pub(crate) fn count_model_updates(updates: u64) {
    counter!(MODEL_UPDATES).increment(updates);
}

pub(crate) fn count_refused_model_update() {
    counter!(MODEL_UPDATES_REFUSED).increment(1);
}

pub(crate) fn count_model_update_gap() {
    counter!(MODEL_UPDATE_GAPS).increment(1);
}

pub(crate) fn count_model_load_failure() {
    counter!(MODEL_LOAD_FAILURES).increment(1);
}

pub(crate) fn count_feature_read_failure() {
    counter!(FEATURE_READ_FAILURES).increment(1);
}

pub(crate) fn count_undecodable_features(entities: usize) {
    counter!(UNDECODABLE_FEATURES).increment(entities as u64);
}

pub(crate) fn set_features_circuit(is_open: bool) {
    gauge!(FEATURES_CIRCUIT_OPEN).set(if is_open { 1.0 } else { 0.0 });
}

/// The counter of a feature's missing values; at zero where it has counted none.
pub(crate) fn missing_feature(name: &str) -> Counter {
    let counter = counter!(MISSING_FEATURES, "feature" => name.to_owned());
    counter.increment(0);
    counter
}

pub(crate) fn record_transaction(records: usize, took: Duration) {
    histogram!(STREAM_TRANSACTION_SECONDS).record(took);
    histogram!(STREAM_TRANSACTION_RECORDS).record(records as f64);
}

pub(crate) fn count_abort() {
    counter!(STREAM_ABORTS).increment(1);
}

pub(crate) fn count_stream_predictions(label: Label, predictions: u64) {
    counter!(STREAM_PREDICTIONS, "label" => label_name(label)).increment(predictions);
}

pub(crate) fn set_stage(stage: &'static str, is_current: bool) {
    gauge!(STREAM_STAGE, "stage" => stage).set(if is_current { 1.0 } else { 0.0 });
}

pub(crate) fn set_in_flight(records: isize, bytes: isize) {
    gauge!(STREAM_IN_FLIGHT_RECORDS).set(records.max(0) as f64);
    gauge!(STREAM_IN_FLIGHT_BYTES).set(bytes.max(0) as f64);
}

pub(crate) fn count_lost_records(records: u64) {
    counter!(STREAM_LOST_RECORDS).increment(records);
}

pub(crate) fn count_dead_letter(cause: &'static str) {
    counter!(STREAM_DEAD_LETTERS, "cause" => cause).increment(1);
}

fn label_name(label: Label) -> &'static str {
    if label.is_positive() { "positive" } else { "negative" }
}
