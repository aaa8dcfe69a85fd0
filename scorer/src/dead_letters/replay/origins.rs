//! The topics that letters came from, as they are now, and the records as they were before they died.

use super::report::{Obstacle, Refusal};
use crate::dead_letters::headers::{ATTEMPTS, RECORD_OVERHEAD, header_bytes};
use crate::dead_letters::letter::own_headers;
use crate::dead_letters::{Letter, Origin};
use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Header, OwnedHeaders};
use rdkafka::producer::BaseRecord;
use service::kafka::admin::{describe, max_message_bytes};
use service::kafka::{Error as KafkaFailure, KafkaConfig};
use std::collections::BTreeMap;

/// A record as it was before it died.
pub(super) struct Revived {
    pub(super) letter: Letter,
    pub(super) topic: String,
    /// None where the topic has no such partition any more: then the key chooses.
    partition: Option<i32>,
    key: Option<Vec<u8>>,
    payload: Option<Vec<u8>>,
    headers: OwnedHeaders,
    /// No less than it takes on the wire.
    pub(super) size_bytes: usize,
    /// The largest batch that its topic accepts.
    pub(super) max_batch_bytes: usize,
}

impl Revived {
    pub(super) fn to_send(&self) -> BaseRecord<'_, [u8], [u8]> {
        let mut record = BaseRecord::to(&self.topic).headers(self.headers.clone());
        record.partition = self.partition;
        record.key = self.key.as_deref();
        record.payload = self.payload.as_deref();
        record
    }
}

/// What is known of the topics.
pub(super) struct Origins<'k> {
    kafka: &'k KafkaConfig,
    known: BTreeMap<String, Result<OriginTopic, Refusal>>,
}

#[derive(Clone, Copy)]
struct OriginTopic {
    partitions: i32,
    max_bytes: usize,
}

impl<'k> Origins<'k> {
    pub(super) fn new(kafka: &'k KafkaConfig) -> Self {
        Self { kafka, known: BTreeMap::new() }
    }

    /// The letter's record, or why it cannot be sent.
    pub(super) fn revive(
        &mut self,
        record: &BorrowedMessage<'_>,
        letter: &Letter,
    ) -> Result<Result<Revived, Refusal>, KafkaFailure> {
        if letter.payload_omitted {
            return Ok(Err(Refusal::because(Obstacle::PayloadOmitted)));
        }
        let Some(Origin { topic, partition, .. }) = &letter.origin else {
            return Ok(Err(Refusal::because(Obstacle::NoOrigin)));
        };
        let origin = match self.find(topic)? {
            Ok(origin) => origin,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let attempts = letter.attempts.to_string();
        let mut headers = OwnedHeaders::new();
        let mut size_bytes =
            RECORD_OVERHEAD + record.key_len() + record.payload_len() + header_bytes(ATTEMPTS, attempts.len());
        for header in own_headers(record) {
            size_bytes += header_bytes(header.key, header.value.map_or(0, <[u8]>::len));
            headers = headers.insert(header);
        }
        if size_bytes > origin.max_bytes {
            return Ok(Err(Refusal::because(Obstacle::TooLarge)));
        }
        Ok(Ok(Revived {
            letter: letter.clone(),
            topic: topic.clone(),
            partition: Some(*partition).filter(|partition| (0..origin.partitions).contains(partition)),
            key: record.key().map(<[u8]>::to_vec),
            payload: record.payload().map(<[u8]>::to_vec),
            headers: headers.insert(Header { key: ATTEMPTS, value: Some(&attempts) }),
            size_bytes,
            max_batch_bytes: origin.max_bytes,
        }))
    }

    /// Nothing is sent to this topic any more.
    pub(super) fn close(&mut self, topic: &str, refusal: Refusal) {
        self.known.insert(topic.to_owned(), Err(refusal));
    }

    /// Looks at a topic again, after a transaction that wrote to it has failed. A cluster that does not answer says nothing.
    pub(super) fn look_again(&mut self, topic: &str) {
        if let Some(before) = self.known.remove(topic)
            && self.find(topic).is_err()
        {
            self.known.insert(topic.to_owned(), before);
        }
    }

    /// Why this record cannot be sent, by what is known now.
    pub(super) fn refusal(&self, record: &Revived) -> Option<Refusal> {
        match self.known.get(&record.topic)? {
            Ok(origin) => (record.size_bytes > origin.max_bytes).then(|| Refusal::because(Obstacle::TooLarge)),
            Err(refusal) => Some(refusal.clone()),
        }
    }

    fn find(&mut self, topic: &str) -> Result<Result<OriginTopic, Refusal>, KafkaFailure> {
        if let Some(known) = self.known.get(topic) {
            return Ok(known.clone());
        }
        let found = match describe(self.kafka, &[topic])?.remove(topic) {
            Some(description) => {
                let [max_bytes] = max_message_bytes(self.kafka, [topic])?;
                Ok(OriginTopic { partitions: description.partitions, max_bytes })
            }
            None => match self.kafka.check_visible(&[topic]) {
                Ok(()) => Err(Refusal::because(Obstacle::OriginMissing)),
                Err(error @ KafkaFailure::NotAllowed { .. }) => Err(not_allowed(&error)),
                Err(error) => return Err(error),
            },
        };
        self.known.insert(topic.to_owned(), found.clone());
        Ok(found)
    }
}

/// An ACL is missing.
pub(super) fn not_allowed(error: &KafkaFailure) -> Refusal {
    Refusal { reason: Obstacle::NotAllowed, message: Some(error.to_string()) }
}
