//! The names and help texts of the scorer's metrics, and the few functions that record them.

use metrics::{Counter, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use schemas::{Label, ModelRef};
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

/// Gives the recorder the help texts, and the counters that may never count anything: an alert on them needs a zero.
pub fn describe() {
    describe_counter!(GATEWAY_REQUESTS, "Requests answered by the gateway, by route and status");
    describe_histogram!(GATEWAY_REQUEST_SECONDS, "Seconds from a request's header to its answer, by route");
    describe_counter!(GATEWAY_PREDICTIONS, "Predictions made by the gateway, by label");
    describe_gauge!(MODEL_VERSION, "Number of the model version in use, by model");
    describe_counter!(MODEL_LOAD_FAILURES, "How often a changed model could not be loaded");
    describe_gauge!(MODEL_UPDATE, "Number of the online update that the model in use is at, by model");
    describe_gauge!(MODEL_UPDATE_TIME, "When the last applied update was sent, in seconds since 1970");
    describe_counter!(MODEL_UPDATES, "Online updates that were applied");
    describe_counter!(MODEL_UPDATES_REFUSED, "Records of the topic of models that could not be used");
    describe_counter!(MODEL_UPDATE_GAPS, "How often online updates were missing");
    describe_counter!(FEATURE_READ_FAILURES, "Reads of the online store that failed or came too late");
    describe_gauge!(FEATURES_CIRCUIT_OPEN, "1 while the online store is left alone because it keeps failing");
    describe_counter!(STREAM_PREDICTIONS, "Predictions committed by the stream, by label");
    describe_counter!(STREAM_DEAD_LETTERS, "Dead letters committed by the stream, by cause");
    describe_counter!(STREAM_LOST_RECORDS, "Reviews that were deleted before the stream had read them");
    describe_gauge!(STREAM_STAGE, "1 for the stage that the stream's worker is in");
    describe_gauge!(STREAM_IN_FLIGHT_RECORDS, "Reviews that were taken and are not committed yet");
    describe_gauge!(STREAM_IN_FLIGHT_BYTES, "Bytes of reviews that were taken and are not committed yet");
    describe_histogram!(STREAM_TRANSACTION_SECONDS, "Seconds from the start of a transaction to its commit");
    describe_histogram!(STREAM_TRANSACTION_RECORDS, "Records per transaction");
    describe_counter!(STREAM_ABORTS, "Attempts at a transaction that failed");
    describe_counter!(UNDECODABLE_FEATURES, "Entities whose values in the online store could not be decoded");
    describe_counter!(MISSING_FEATURES, "Reviews without a value of a feature that their model takes, by feature");
    for counter in [
        counter!(MODEL_LOAD_FAILURES),
        counter!(MODEL_UPDATES),
        counter!(MODEL_UPDATES_REFUSED),
        counter!(MODEL_UPDATE_GAPS),
        counter!(FEATURE_READ_FAILURES),
        counter!(UNDECODABLE_FEATURES),
        counter!(STREAM_LOST_RECORDS),
        counter!(STREAM_ABORTS),
    ] {
        counter.increment(0);
    }
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
