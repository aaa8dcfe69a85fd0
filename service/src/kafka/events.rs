//! What librdkafka reports about a client as a whole. None of it ends anything, for librdkafka goes on trying; what a caller
//! must act on comes as the error of a call.

use rdkafka::ClientContext;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;

/// Logs an event; the end of a partition is none, where a consumer has asked to be told of it.
pub fn log(event: &KafkaError, reason: &str) {
    if !matches!(event, KafkaError::PartitionEOF(_)) && event.rdkafka_error_code() != Some(END_OF_PARTITION) {
        tracing::warn!(target: "librdkafka", "{event}: {reason}");
    }
}

const END_OF_PARTITION: rdkafka::types::RDKafkaErrorCode = rdkafka::types::RDKafkaErrorCode::PartitionEOF;

/// The context of a consumer that needs no callbacks of its own.
pub(super) struct Events;

impl ClientContext for Events {
    fn error(&self, event: KafkaError, reason: &str) {
        log(&event, reason);
    }
}

impl ConsumerContext for Events {}
