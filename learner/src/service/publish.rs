//! One transaction: what changed, the labels that are dead, from where to go on, and the offsets of all that: together or not
//! at all.

use super::error::ServiceError;
use super::inputs::{Inputs, ROLE};
use super::join::DeadLabel;
use super::pointer::Pointer;
use super::positions::Source;
use super::record::Label;
use crate::metrics;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::BaseRecord;
use schemas::{ModelName, ModelState, ModelVersion, ModelsKey, ModelsKind, UPDATE_VALUE_BYTES, update_headers};
use service::kafka::dead_letter::{Failure, OMITTED_PAYLOAD, attempts_of};
use service::kafka::{Error, ErrorKind, KafkaConfig, TransactionalProducer};
use std::time::{Duration, Instant};

/// A transaction is tried so often,
const MAX_ATTEMPTS: u32 = 12;
/// with a pause that doubles from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Longest time that one transaction may take.
const TRANSACTION: Duration = Duration::from_secs(15);

/// All updates of all models go there: their order is what readers go by.
const PARTITION: i32 = 0;

/// What headers may take beside a dead letter's message.
const HEADER_BYTES: usize = 4096;

/// What goes into a transaction.
pub(super) struct Content {
    pub(super) update: Option<UpdateRecord>,
    /// The model in production, where it changed or a snapshot is published.
    pub(super) production: Option<ModelState>,
    pub(super) snapshot: Option<ModelState>,
    pub(super) pointer: Pointer,
    pub(super) dead: Vec<DeadLabel>,
}

/// An update that is stored in the registry.
pub(super) struct UpdateRecord {
    pub(super) version: ModelVersion,
    pub(super) sha256: String,
    pub(super) number: u64,
    pub(super) bytes: Vec<u8>,
}

pub(super) struct Publisher {
    producer: TransactionalProducer,
    name: ModelName,
    models: String,
    feedback: String,
    dead_letters: String,
    dead_letter_bytes: usize,
    group: String,
}

impl Publisher {
    /// Fences every learner of this model before this one, and ends what it left open.
    pub(super) fn new(kafka: &KafkaConfig, name: &ModelName, models: &str, feedback: &str) -> Result<Self, Error> {
        let group = kafka.group_of(ROLE);
        let dead_letters = schemas::Topics::dead_letters_of(feedback);
        let [dead_letter_bytes] = service::kafka::admin::max_message_bytes(kafka, [&dead_letters])?;
        let producer = TransactionalProducer::new(kafka, &format!("{group}.{name}"), TRANSACTION)?;
        let (models, feedback) = (models.to_owned(), feedback.to_owned());
        Ok(Self { producer, name: name.clone(), models, feedback, dead_letters, dead_letter_bytes, group })
    }

    /// Commits; tries again what fails in passing.
    pub(super) fn publish(&self, content: &Content, inputs: &Inputs) -> Result<(), ServiceError> {
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            let started = Instant::now();
            let error = match self.attempt(content, inputs) {
                Ok(()) => {
                    metrics::record_transaction(started.elapsed());
                    return Ok(());
                }
                Err(error) => error,
            };
            metrics::count_abort();
            let may_pass = matches!(error.kind(), ErrorKind::Abort | ErrorKind::Retry);
            let aborted = if may_pass { self.producer.abort() } else { Ok(()) };
            let error = aborted.err().unwrap_or(error);
            match error.kind() {
                ErrorKind::Fenced => {
                    return Err(ServiceError::Fenced { name: self.name.clone(), cause: error.to_string() });
                }
                ErrorKind::Fatal => return Err(error.into()),
                _ if attempt == MAX_ATTEMPTS || error.refused_topic().is_some() => return Err(error.into()),
                _ => tracing::warn!("transaction aborted, attempt {attempt} of {MAX_ATTEMPTS}: {error}"),
            }
            std::thread::park_timeout(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Ok(())
    }

    fn attempt(&self, content: &Content, inputs: &Inputs) -> Result<(), Error> {
        let Content { update, production, snapshot, pointer, dead } = content;
        self.producer.begin()?;
        for dead in dead {
            self.send_dead(dead)?;
        }
        if let Some(update) = update {
            self.send_update(update)?;
        }
        self.send(ModelsKind::Snapshot, snapshot.as_ref())?;
        self.send(ModelsKind::Pointer, production.as_ref())?;
        self.send(ModelsKind::Checkpoint, Some(pointer))?;
        self.producer.commit(&pointer.offsets(), &inputs.group()?)
    }

    fn send(&self, kind: ModelsKind, value: Option<&impl serde::Serialize>) -> Result<(), Error> {
        let Some(value) = value else { return Ok(()) };
        let key = ModelsKey { name: self.name.clone(), kind }.to_string();
        let value = serde_json::to_vec(value).expect("states have string keys");
        self.producer.send(BaseRecord::to(&self.models).partition(PARTITION).key(&key).payload(&value))
    }

    fn send_update(&self, update: &UpdateRecord) -> Result<(), Error> {
        let UpdateRecord { version, sha256, number, bytes } = update;
        let key = ModelsKey::update(self.name.clone(), *number).to_string();
        let mut headers = OwnedHeaders::new_with_capacity(3);
        let (version, number) = (version.to_string(), number.to_string());
        for (key, value) in
            [(update_headers::VERSION, &version), (update_headers::SHA256, sha256), (update_headers::NUMBER, &number)]
        {
            headers = headers.insert(Header { key, value: Some(value) });
        }
        // A larger one is fetched from the registry.
        let value: &[u8] = if bytes.len() <= UPDATE_VALUE_BYTES { bytes } else { &[] };
        let record = BaseRecord::to(&self.models).partition(PARTITION).key(&key).payload(value);
        self.producer.send(record.headers(headers))
    }

    fn send_dead(&self, dead: &DeadLabel) -> Result<(), Error> {
        let DeadLabel { label, cause, message, is_unreadable } = dead;
        let Label { partition, offset, key, payload, headers, .. } = label;
        let own = headers
            .iter()
            .fold(OwnedHeaders::new(), |all, (key, value)| all.insert(Header { key, value: value.as_ref() }));
        let failure = Failure {
            cause,
            message,
            stage: if *is_unreadable { "VALUE_CONVERTER" } else { "TRANSFORMATION" },
            class: "plaudit.schemas.Feedback",
            group: &self.group,
            topic: &self.feedback,
            partition: *partition,
            offset: *offset,
            attempts_before: attempts_of(&own).unwrap_or(0),
        };
        let payload_bytes = payload.as_ref().map_or(0, Vec::len);
        let own_bytes: usize = headers.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len)).sum();
        let whole = payload_bytes + key.as_ref().map_or(0, Vec::len) + own_bytes + 2 * message.len() + HEADER_BYTES;
        let fits = whole <= self.dead_letter_bytes;
        let mut headers = if fits { own } else { OwnedHeaders::new() };
        for (key, value) in &failure.headers() {
            headers = headers.insert(Header { key, value: Some(value) });
        }
        if !fits {
            headers = headers.insert(Header { key: OMITTED_PAYLOAD, value: Some(&payload_bytes.to_string()) });
        }
        let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(&self.dead_letters).headers(headers);
        record.key = key.as_deref().filter(|key| key.len() + HEADER_BYTES <= self.dead_letter_bytes);
        record.payload = payload.as_deref().filter(|_| fits);
        self.producer.send(record)
    }
}

/// The topics that a learner reads and writes.
pub(super) fn topics(topics: &schemas::Topics) -> [String; 5] {
    let schemas::Topics { reviews, predictions, feedback, models, .. } = topics;
    let dead_letters = schemas::Topics::dead_letters_of(feedback);
    [reviews.clone(), predictions.clone(), feedback.clone(), models.clone(), dead_letters]
}

/// What the offsets of a pointer are called.
pub(super) fn offsets(inputs: &Inputs, positions: &super::positions::Positions) -> ModelOffsets {
    let partitions = |source: Source| (0..).zip(positions.of(source).iter().copied()).collect();
    Source::ALL.into_iter().map(|source| (inputs.topic(source).to_owned(), partitions(source))).collect()
}

type ModelOffsets = std::collections::BTreeMap<String, std::collections::BTreeMap<i32, i64>>;
