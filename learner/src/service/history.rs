//! What the topic `models` says of a model when a learner begins: from where to go on, and which numbers are taken.

use super::error::ServiceError;
use super::inputs::ROLE;
use super::pointer::Pointer;
use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::BorrowedMessage;
use schemas::{ModelName, ModelState, ModelVersion, ModelsKey, ModelsKind, update_headers};
use service::kafka::events::Events;
use service::kafka::headers::text;
use service::kafka::{Error, ErrorKind, KafkaConfig, admin};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(100);

/// Nothing came of the topic for so long: it is not to be read.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) pointer: Option<Pointer>,
    /// The highest number of a version's updates.
    numbers: BTreeMap<ModelVersion, u64>,
}

impl History {
    /// Reads the topic to its end; nothing of it is kept but this.
    pub(super) fn read(kafka: &KafkaConfig, topic: &str, name: &ModelName) -> Result<Self, ServiceError> {
        let ends = admin::end_offsets(kafka, topic)?;
        let mut open: BTreeSet<i32> = ends.iter().filter(|(.., end)| end.0 > 0).map(|(_, id, _)| id).collect();
        let mut config = kafka.consumer(ROLE);
        config.set("enable.partition.eof", "true");
        let consumer: BaseConsumer<Events> =
            config.create_with_context(Events).map_err(|source| Error::client("create a consumer", source))?;
        let mut list = rdkafka::TopicPartitionList::new();
        for partition in &open {
            list.add_partition_offset(topic, *partition, rdkafka::Offset::Beginning)
                .map_err(|source| Error::client("list partitions", source))?;
        }
        consumer.assign(&list).map_err(|source| Error::client("assign partitions", source))?;
        let mut history = Self::default();
        let mut moved = Instant::now();
        while !open.is_empty() {
            match consumer.poll(POLL) {
                None if moved.elapsed() < PATIENCE => continue,
                None => {
                    let reason = format!("nothing came for {} s", PATIENCE.as_secs());
                    return Err(Error::Topic { action: "read", topic: topic.to_owned(), reason }.into());
                }
                Some(Ok(record)) => {
                    history.note(name, topic, &record)?;
                    let end = ends.get(topic, record.partition());
                    if end.is_some_and(|end| record.offset() + 1 >= end.0) {
                        open.remove(&record.partition());
                    }
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => _ = open.remove(&partition),
                Some(Err(source)) => {
                    let error = Error::client("read the topic of models", source);
                    if error.kind() != ErrorKind::Retry {
                        return Err(error.into());
                    }
                    continue;
                }
            }
            moved = Instant::now();
        }
        Ok(history)
    }

    fn note(&mut self, name: &ModelName, topic: &str, record: &BorrowedMessage<'_>) -> Result<(), ServiceError> {
        let Some(key) = record.key().and_then(ModelsKey::parse).filter(|key| key.name == *name) else { return Ok(()) };
        let value = record.payload().unwrap_or_default();
        match key.kind {
            // A tombstone: somebody wants it to begin anew.
            ModelsKind::Checkpoint if value.is_empty() => self.pointer = None,
            ModelsKind::Checkpoint => {
                self.pointer = Some(Pointer::decode(value).map_err(|error| ServiceError::Pointer {
                    topic: topic.to_owned(),
                    key: key.to_string(),
                    error,
                })?);
            }
            ModelsKind::Snapshot => {
                if let Ok(ModelState { version, update, .. }) = ModelState::decode(value) {
                    self.taken(version, update);
                }
            }
            ModelsKind::Update { .. } => {
                let header = |key| record.headers().and_then(|headers| text(headers, key));
                let version = header(update_headers::VERSION).and_then(|text| text.parse().ok());
                let number = header(update_headers::NUMBER).and_then(|text| text.parse().ok());
                if let (Some(version), Some(number)) = (version, number) {
                    self.taken(version, number);
                }
            }
            ModelsKind::Pointer => {}
        }
        Ok(())
    }

    /// The number is that of an update.
    pub(super) fn taken(&mut self, version: ModelVersion, number: u64) {
        let highest = self.numbers.entry(version).or_default();
        *highest = number.max(*highest);
    }

    /// The highest number that an update of this version has; 0 where there is none.
    pub(super) fn highest(&self, version: ModelVersion) -> u64 {
        self.numbers.get(&version).copied().unwrap_or(0)
    }
}
