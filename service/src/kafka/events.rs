//! What librdkafka reports about a client as a whole. None of it ends anything, for librdkafka goes on trying; what a caller
//! must act on comes as the error of a call.

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;

/// Logs an event; the end of a partition is none, where a consumer has asked to be told of it.
pub fn log(event: &KafkaError, reason: &str) {
    if !matches!(event, KafkaError::PartitionEOF(_)) && event.rdkafka_error_code() != Some(END_OF_PARTITION) {
        tracing::warn!(target: "librdkafka", "{event}: {reason}");
    }
}

/// Hands on a line of librdkafka's log, as contexts without a method of their own do.
pub(super) fn log_line(level: RDKafkaLogLevel, facility: &str, message: &str) {
    use RDKafkaLogLevel as Level;
    match level {
        Level::Emerg | Level::Alert | Level::Critical | Level::Error => {
            tracing::error!(target: "librdkafka", "librdkafka: {facility} {message}");
        }
        Level::Warning => tracing::warn!(target: "librdkafka", "librdkafka: {facility} {message}"),
        Level::Notice | Level::Info => tracing::info!(target: "librdkafka", "librdkafka: {facility} {message}"),
        Level::Debug => tracing::debug!(target: "librdkafka", "librdkafka: {facility} {message}"),
    }
}

const END_OF_PARTITION: rdkafka::types::RDKafkaErrorCode = rdkafka::types::RDKafkaErrorCode::PartitionEOF;

/// The context of a consumer that needs no callbacks of its own.
pub struct Events;

impl ClientContext for Events {
    fn error(&self, event: KafkaError, reason: &str) {
        log(&event, reason);
    }
}

impl ConsumerContext for Events {}
