//! What the client tells a transactional producer beside the answers of its calls: which record was not stored, and which topic
//! an ACL keeps out of the transaction.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::ProducerContext;

use crate::kafka::events;

/// Keeps the first record of the transaction that was not stored, and the first topic that an ACL keeps out of it.
#[derive(Default)]
pub(super) struct Deliveries {
    failure: Mutex<Option<DeliveryFailure>>,
    refused_topic: Mutex<Option<String>>,
}

pub(super) struct DeliveryFailure {
    pub(super) topic: String,
    pub(super) size_bytes: usize,
    pub(super) source: KafkaError,
}

impl Deliveries {
    pub(super) fn take_failure(&self) -> Option<DeliveryFailure> {
        hold(&self.failure).take()
    }

    pub(super) fn take_refused_topic(&self) -> Option<String> {
        hold(&self.refused_topic).take()
    }

    /// Another transaction begins.
    pub(super) fn forget(&self) {
        self.take_failure();
        self.take_refused_topic();
    }
}

fn hold<T>(kept: &Mutex<Option<T>>) -> MutexGuard<'_, Option<T>> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        // librdkafka tells nobody but its log which topic it was.
        if let Some(topic) = topic_refused_by(facility, message) {
            hold(&self.refused_topic).get_or_insert_with(|| topic.to_owned());
        }
        events::log_line(level, facility, message);
    }
}

/// The topic that a line of librdkafka's log names as refused, such as: ADDPARTS [thrd:main]: TxnCoordinator/1: Failed to add
/// partition "predictions" [1] to transaction: Broker: Topic authorization failed
fn topic_refused_by<'m>(facility: &str, message: &'m str) -> Option<&'m str> {
    if facility != "ADDPARTS" || !message.contains("Topic authorization failed") {
        return None;
    }
    message.split_once("Failed to add partition \"")?.1.split_once("\" [").map(|(topic, _)| topic)
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _: ()) {
        let Err((source, record)) = result else { return };
        hold(&self.failure).get_or_insert_with(|| DeliveryFailure {
            topic: record.topic().to_owned(),
            size_bytes: record.key_len() + record.payload_len(),
            source: source.clone(),
        });
    }
}
