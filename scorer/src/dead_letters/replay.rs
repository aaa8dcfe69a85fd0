//! Sends dead letters back to where they came from, each once: one transaction holds the records and the marker that names
//! their letters. A fixed transactional id makes sure that of two replays at a time the later goes on alone, and knows all that
//! the earlier has done.

use super::headers::{ATTEMPTS, RECORD_OVERHEAD, header_bytes};
use super::letter::{Entry, own_headers};
use super::offset_set::OffsetSet;
use super::reader::{ROLE, Reader, Span};
use super::{DeadLetterTopic, Error, Letter, Origin, Progress, Selection, marker};
use crate::StreamConfig;
use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Header, OwnedHeaders};
use rdkafka::producer::BaseRecord;
use serde::Serialize;
use service::kafka::admin::{describe, max_message_bytes};
use service::kafka::{Error as KafkaFailure, ErrorKind, KafkaConfig, TransactionalProducer};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// A transaction is tried this often.
const MAX_ATTEMPTS: u32 = 8;

/// The first pause between attempts; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// A marker that lists so many letters one by one is far smaller than a topic accepts.
const MAX_LETTERS: usize = 10_000;

/// So many letters that cannot be sent are named in the report.
const MAX_EXAMPLES: usize = 20;

/// librdkafka's own default of `batch.size`.
const BATCH_BYTES: usize = 1_000_000;

/// What to replay.
#[derive(Debug)]
pub struct Replay {
    /// Where the letters are.
    pub topic: DeadLetterTopic,
    /// Which of them.
    pub selection: Selection,
    /// The bounds of a transaction.
    pub config: StreamConfig,
    /// Only tell what would be done.
    pub dry_run: bool,
}

/// Why a letter cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Obstacle {
    /// Its payload was too large to come along.
    PayloadOmitted,
    /// Its headers don't say where it came from.
    NoOrigin,
    /// The topic that it came from does not exist.
    OriginMissing,
    /// The topic that it came from accepts no record of this size.
    TooLarge,
}

impl Obstacle {
    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PayloadOmitted => "payload_omitted",
            Self::NoOrigin => "no_origin",
            Self::OriginMissing => "origin_missing",
            Self::TooLarge => "too_large",
        }
    }
}

/// What a replay did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ReplayReport {
    /// The dead letter topic.
    pub topic: String,
    /// Whether nothing was sent.
    pub dry_run: bool,
    /// Letters that were sent, or in a dry run would be.
    pub replayed: u64,
    /// The same by cause.
    pub by_cause: BTreeMap<String, u64>,
    /// Selected letters that an earlier replay has sent.
    pub replayed_earlier: u64,
    /// Selected letters that cannot be sent, by reason.
    pub not_replayable: BTreeMap<Obstacle, u64>,
    /// The first of them.
    pub examples: Vec<Example>,
    /// Letters that the selection left out.
    pub left_out: u64,
    /// How long it took.
    pub seconds: f64,
    /// Whether a signal ended it before the letters did.
    pub stopped: bool,
}

/// A letter that cannot be sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Example {
    /// Why.
    pub reason: Obstacle,
    /// Its partition of the dead letter topic.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Where the record came from.
    pub origin: Option<Origin>,
}

impl ReplayReport {
    fn refuse(&mut self, letter: &Letter, reason: Obstacle) {
        *self.not_replayable.entry(reason).or_default() += 1;
        if self.examples.len() < MAX_EXAMPLES {
            let Letter { partition, offset, origin, .. } = letter.clone();
            self.examples.push(Example { reason, partition, offset, origin });
        }
    }
}

impl Replay {
    /// Replays until the letters that are there now end or `stop` is cancelled. Blocks.
    pub fn run(&self, stop: &CancellationToken, progress: &mut dyn FnMut(Progress)) -> Result<ReplayReport, Error> {
        let started = Instant::now();
        let reader = Reader::open(&self.topic)?;
        // Before anything is read: what an earlier run has begun is over from here on.
        let producer = if self.dry_run { None } else { Some(self.producer()?) };
        let report = ReplayReport { topic: self.topic.name.clone(), dry_run: self.dry_run, ..ReplayReport::default() };
        let origins = Origins { kafka: &self.topic.kafka, known: BTreeMap::new() };
        let mut run = Run { replay: self, producer, stop, origins, batch: Batch::default(), report };
        if reader.settle(stop, |partition| progress(Progress::Waiting { partition }))?.is_continue() {
            let spans = reader.spans(self.selection.since)?;
            let total = 2 * spans.iter().map(Span::offsets).sum::<u64>();
            let mut passed = 0;
            for span in &spans {
                run.partition(&reader, span, &mut |read, replayed| {
                    progress(Progress::Reading { read: passed + read, total, replayed });
                })?;
                passed += 2 * span.offsets();
            }
        }
        let mut report = run.report;
        report.seconds = started.elapsed().as_secs_f64();
        report.stopped = stop.is_cancelled();
        Ok(report)
    }

    fn producer(&self) -> Result<TransactionalProducer, Error> {
        let DeadLetterTopic { kafka, name } = &self.topic;
        let source = name.strip_suffix(".dlq").unwrap_or(name);
        let limits = max_message_bytes(kafka, [source, name])?;
        let mut kafka = kafka.clone();
        // A batch that its topic refuses for its size would say nothing about the records in it.
        let batch_bytes = limits[0].min(limits[1]).min(BATCH_BYTES).to_string();
        kafka.properties.entry("batch.size".to_owned()).or_insert(batch_bytes);
        let transactional_id = format!("{}.{name}", kafka.group_of(ROLE));
        let timeout = Duration::from_millis(self.config.transaction_timeout_ms);
        Ok(TransactionalProducer::new(&kafka, &transactional_id, timeout)?)
    }
}

/// A replay under way.
struct Run<'r> {
    replay: &'r Replay,
    /// None in a dry run.
    producer: Option<TransactionalProducer>,
    stop: &'r CancellationToken,
    origins: Origins<'r>,
    batch: Batch,
    report: ReplayReport,
}

impl Run<'_> {
    fn partition(&mut self, reader: &Reader<'_>, span: &Span, progress: &mut dyn FnMut(u64, u64)) -> Result<(), Error> {
        if self.is_full() || self.stop.is_cancelled() {
            return Ok(());
        }
        let selection = &self.replay.selection;
        let (mut wanted, mut left_out) = (OffsetSet::default(), 0);
        let choose = |letter: &Letter| {
            if selection.matches(letter) {
                wanted.insert(letter.offset);
            } else {
                left_out += 1;
            }
        };
        let sent_before = self.report.replayed;
        let replayed =
            reader.survey(span, self.stop, choose, |offset| progress(offset.abs_diff(span.start), sent_before))?;
        if self.stop.is_cancelled() {
            // Markers that were not reached may name some of the letters.
            return Ok(());
        }
        self.report.left_out += left_out;
        self.report.replayed_earlier += wanted.subtract(&replayed);
        let Some((first, last)) = wanted.bounds() else { return Ok(()) };
        let rest = Span { partition: span.partition, start: first, end: last + 1 };
        reader.read(&rest, self.stop, |record| {
            if let Entry::Letter(letter) = Entry::of(record)
                && wanted.contains(letter.offset)
            {
                self.take(record, &letter)?;
            }
            progress(span.offsets() + record.offset().abs_diff(span.start), self.report.replayed);
            Ok::<_, Error>(if self.is_full() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        self.send(span.partition)
    }

    fn is_full(&self) -> bool {
        let taken = self.report.replayed + self.batch.records.len() as u64;
        self.replay.selection.limit.is_some_and(|limit| taken >= limit)
    }

    /// Puts the letter's record into the batch, which goes when it is large enough.
    fn take(&mut self, record: &BorrowedMessage<'_>, letter: &Letter) -> Result<(), Error> {
        match self.origins.revive(record, letter)? {
            Err(obstacle) => self.report.refuse(letter, obstacle),
            Ok(revived) => self.batch.push(letter, revived),
        }
        let config = &self.replay.config;
        let max_records = config.batch_max_records.min(MAX_LETTERS);
        if self.batch.records.len() >= max_records || self.batch.bytes >= config.batch_max_bytes {
            self.send(letter.partition)?;
        }
        Ok(())
    }

    /// Sends what is in the batch, unless it is too late for that.
    fn send(&mut self, partition: i32) -> Result<(), Error> {
        let batch = std::mem::take(&mut self.batch);
        if batch.records.is_empty() || self.stop.is_cancelled() {
            return Ok(());
        }
        if let Some(producer) = &self.producer {
            match self.commit(producer, &batch, partition) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(source) => return Err(self.given_up(source)),
            }
        }
        self.report.replayed += batch.records.len() as u64;
        for (cause, letters) in batch.by_cause {
            *self.report.by_cause.entry(cause).or_default() += letters;
        }
        Ok(())
    }

    fn given_up(&self, source: KafkaFailure) -> Error {
        let (topic, replayed) = (self.replay.topic.name.clone(), self.report.replayed);
        match source.kind() {
            ErrorKind::Fenced => Error::TakenOver { topic, replayed },
            _ => Error::Interrupted { replayed, source },
        }
    }

    /// One transaction, in as many attempts as it takes. False: a stop came between them.
    fn commit(&self, producer: &TransactionalProducer, batch: &Batch, partition: i32) -> Result<bool, KafkaFailure> {
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            let Err(error) = self.transact(producer, batch, partition) else { return Ok(true) };
            match error.kind() {
                ErrorKind::Fenced | ErrorKind::Fatal => return Err(error),
                ErrorKind::Abort | ErrorKind::Retry => producer.abort()?,
            }
            if attempt == MAX_ATTEMPTS {
                return Err(error);
            }
            if self.stop.is_cancelled() {
                break;
            }
            tracing::warn!("transaction aborted, attempt {attempt} of {MAX_ATTEMPTS}: {error}");
            std::thread::park_timeout(pause);
            pause *= 2;
        }
        Ok(false)
    }

    fn transact(&self, producer: &TransactionalProducer, batch: &Batch, partition: i32) -> Result<(), KafkaFailure> {
        producer.begin()?;
        for record in &batch.records {
            producer.send(record.to_send())?;
        }
        producer.send(marker::record(&self.replay.topic.name, partition, &batch.offsets))?;
        producer.commit_records()
    }
}

/// Letters of one partition that go in one transaction.
#[derive(Default)]
struct Batch {
    records: Vec<Revived>,
    /// Of the letters.
    offsets: Vec<i64>,
    by_cause: BTreeMap<String, u64>,
    bytes: usize,
}

impl Batch {
    fn push(&mut self, letter: &Letter, record: Revived) {
        self.offsets.push(letter.offset);
        *self.by_cause.entry(letter.cause.clone()).or_default() += 1;
        self.bytes += record.size_bytes;
        self.records.push(record);
    }
}

/// A record as it was before it died.
struct Revived {
    topic: String,
    /// None where the topic has no such partition any more: then the key chooses.
    partition: Option<i32>,
    key: Option<Vec<u8>>,
    payload: Option<Vec<u8>>,
    headers: OwnedHeaders,
    size_bytes: usize,
}

impl Revived {
    fn to_send(&self) -> BaseRecord<'_, [u8], [u8]> {
        let mut record = BaseRecord::to(&self.topic).headers(self.headers.clone());
        record.partition = self.partition;
        record.key = self.key.as_deref();
        record.payload = self.payload.as_deref();
        record
    }
}

/// The topics that letters came from.
struct Origins<'k> {
    kafka: &'k KafkaConfig,
    /// None for those that don't exist.
    known: BTreeMap<String, Option<OriginTopic>>,
}

#[derive(Clone, Copy)]
struct OriginTopic {
    partitions: i32,
    max_bytes: usize,
}

impl Origins<'_> {
    fn revive(
        &mut self,
        record: &BorrowedMessage<'_>,
        letter: &Letter,
    ) -> Result<Result<Revived, Obstacle>, KafkaFailure> {
        if letter.payload_omitted {
            return Ok(Err(Obstacle::PayloadOmitted));
        }
        let Some(Origin { topic, partition, .. }) = &letter.origin else { return Ok(Err(Obstacle::NoOrigin)) };
        let Some(origin) = self.find(topic)? else { return Ok(Err(Obstacle::OriginMissing)) };
        let attempts = letter.attempts.to_string();
        let mut headers = OwnedHeaders::new();
        let mut size_bytes =
            RECORD_OVERHEAD + record.key_len() + record.payload_len() + header_bytes(ATTEMPTS, attempts.len());
        for header in own_headers(record) {
            size_bytes += header_bytes(header.key, header.value.map_or(0, <[u8]>::len));
            headers = headers.insert(header);
        }
        if size_bytes > origin.max_bytes {
            return Ok(Err(Obstacle::TooLarge));
        }
        Ok(Ok(Revived {
            topic: topic.clone(),
            partition: Some(*partition).filter(|partition| (0..origin.partitions).contains(partition)),
            key: record.key().map(<[u8]>::to_vec),
            payload: record.payload().map(<[u8]>::to_vec),
            headers: headers.insert(Header { key: ATTEMPTS, value: Some(&attempts) }),
            size_bytes,
        }))
    }

    fn find(&mut self, topic: &str) -> Result<Option<OriginTopic>, KafkaFailure> {
        if let Some(known) = self.known.get(topic) {
            return Ok(*known);
        }
        let found = match describe(self.kafka, &[topic])?.remove(topic) {
            Some(description) => {
                let [max_bytes] = max_message_bytes(self.kafka, [topic])?;
                Some(OriginTopic { partitions: description.partitions, max_bytes })
            }
            None => {
                self.kafka.check_visible(&[topic])?;
                None
            }
        };
        self.known.insert(topic.to_owned(), found);
        Ok(found)
    }
}
