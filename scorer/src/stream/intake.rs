//! Polling Kafka, and collecting what arrives into batches.

use super::config::{ROLE, StreamConfig};
use super::ownership::{Callbacks, Epoch, Ownership};
use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use service::kafka::{Error, ErrorKind, KafkaConfig};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How long a poll waits when there is nothing to do: the time within which a cancelled token is seen.
const IDLE: Duration = Duration::from_millis(100);

/// How long it waits when a batch is at hand that the next stage can't take yet.
const BUSY: Duration = Duration::from_millis(1);

pub(super) type ReviewConsumer = BaseConsumer<Callbacks>;

/// Joins the consumer group.
pub(super) fn subscribe(
    kafka: &KafkaConfig,
    topic: &str,
    ownership: Arc<Ownership>,
    until_end: bool,
) -> Result<ReviewConsumer, Error> {
    let mut config = kafka.consumer(ROLE);
    if until_end {
        config.set("enable.partition.eof", "true");
    }
    let consumer: ReviewConsumer = config
        .create_with_context(Callbacks(ownership))
        .map_err(|source| Error::client("create a consumer", source))?;
    consumer.subscribe(&[topic]).map_err(|source| Error::client("subscribe", source))?;
    Ok(consumer)
}

/// A record, and when it was read.
pub(super) struct Taken<'c> {
    pub(super) message: BorrowedMessage<'c>,
    pub(super) at: Instant,
}

/// Records on their way through the stages.
pub(super) struct Batch<'c> {
    pub(super) records: Vec<Taken<'c>>,
    /// The assignments by which their partitions were owned.
    pub(super) epochs: HashMap<i32, Epoch>,
    bytes: usize,
}

impl<'c> Batch<'c> {
    fn new() -> Self {
        Self { records: Vec::new(), epochs: HashMap::new(), bytes: 0 }
    }

    fn push(&mut self, message: BorrowedMessage<'c>, epoch: Epoch) {
        self.bytes += message.payload_len() + message.key_len();
        self.epochs.insert(message.partition(), epoch);
        self.records.push(Taken { message, at: Instant::now() });
    }

    fn is_full(&self, config: &StreamConfig) -> bool {
        self.records.len() >= config.batch_max_records || self.bytes >= config.batch_max_bytes
    }
}

/// The offsets at which the run ends.
pub(super) struct End {
    offsets: HashMap<i32, i64>,
    reached: HashSet<i32>,
}

impl End {
    /// The end of each partition as it is now.
    pub(super) fn now(kafka: &KafkaConfig, topic: &str) -> Result<Self, Error> {
        let ends = service::kafka::admin::end_offsets(kafka, topic)?;
        let offsets: HashMap<i32, i64> = ends.iter().map(|(_, partition, next)| (partition, next.0)).collect();
        Ok(Self { offsets, reached: HashSet::new() })
    }

    /// Whether the record came after the start; notes that its partition is done if it is the last before.
    fn is_beyond(&mut self, partition: i32, offset: i64) -> bool {
        let end = self.offsets.get(&partition).copied().unwrap_or(0);
        if offset + 1 >= end {
            self.reached.insert(partition);
        }
        offset >= end
    }
}

pub(super) struct Intake<'c> {
    pub(super) consumer: &'c ReviewConsumer,
    pub(super) ownership: &'c Ownership,
    pub(super) config: &'c StreamConfig,
    pub(super) end: Option<End>,
}

impl<'c> Intake<'c> {
    /// Sends batches on until the token is cancelled, the end is reached, or the next stage is gone.
    pub(super) fn run(mut self, stop: &CancellationToken, batches: &SyncSender<Batch<'c>>) -> Result<(), Error> {
        let mut batch = Batch::new();
        while !stop.is_cancelled() {
            let wait = if batch.records.is_empty() { IDLE } else { Duration::ZERO };
            if self.poll(wait, &mut batch)? {
                if !batch.is_full(self.config) {
                    continue;
                }
            } else if batch.records.is_empty() {
                if self.has_reached_the_end() {
                    return Ok(());
                }
                continue;
            }
            // Either nothing more is at hand, or the batch is full.
            batch = match self.hand_over(batch, batches)? {
                Some(batch) => batch,
                None => return Ok(()),
            };
        }
        Ok(())
    }

    /// Gives the batch to the next stage; while that is busy, goes on collecting.
    fn hand_over(&mut self, mut batch: Batch<'c>, batches: &SyncSender<Batch<'c>>) -> Result<Option<Batch<'c>>, Error> {
        loop {
            if batch.is_full(self.config) {
                // Waiting is bounded by the transactions of the batches before, far below max.poll.interval.ms.
                return Ok(batches.send(batch).is_ok().then(Batch::new));
            }
            match batches.try_send(batch) {
                Ok(()) => return Ok(Some(Batch::new())),
                Err(TrySendError::Disconnected(_)) => return Ok(None),
                Err(TrySendError::Full(unsent)) => batch = unsent,
            }
            self.poll(BUSY, &mut batch)?;
        }
    }

    /// Waits for one record; false when none came.
    fn poll(&mut self, wait: Duration, batch: &mut Batch<'c>) -> Result<bool, Error> {
        match self.consumer.poll(wait) {
            None => Ok(false),
            Some(Ok(message)) => {
                self.take(message, batch);
                Ok(true)
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                if let Some(end) = &mut self.end {
                    end.reached.insert(partition);
                }
                Ok(false)
            }
            Some(Err(error)) => {
                if is_fatal(&error) {
                    return Err(Error::client("read reviews", error));
                }
                tracing::warn!("reading reviews will go on after: {error}");
                Ok(false)
            }
        }
    }

    fn take(&mut self, message: BorrowedMessage<'c>, batch: &mut Batch<'c>) {
        let partition = message.partition();
        if self.end.as_mut().is_some_and(|end| end.is_beyond(partition, message.offset())) {
            return;
        }
        // A record that was fetched before its partition was given up belongs to the next owner. Its absence from the
        // batch's numbers would say so too late: the partition may be owned again by then, from an earlier offset.
        let Some(epoch) = self.ownership.now().epoch(partition) else { return };
        if batch.epochs.get(&partition).is_some_and(|&earlier| earlier != epoch) {
            // Given up and taken again within one batch: what was read before the gap will be read again.
            batch.records.retain(|taken| taken.message.partition() != partition);
        }
        batch.push(message, epoch);
    }

    fn has_reached_the_end(&self) -> bool {
        let Some(end) = &self.end else { return false };
        let owned = self.ownership.now();
        owned.was_assigned()
            && owned.partitions().all(|partition| {
                end.reached.contains(&partition) || end.offsets.get(&partition).is_none_or(|&offset| offset == 0)
            })
    }
}

/// What no waiting heals. The rest is a cluster in trouble: librdkafka goes on trying, and its log says so.
fn is_fatal(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    let is_refusal = error.rdkafka_error_code().is_some_and(|code| {
        matches!(
            code,
            Code::TopicAuthorizationFailed
                | Code::GroupAuthorizationFailed
                | Code::UnknownTopicOrPartition
                | Code::UnknownTopic
                | Code::Fenced
                | Code::FencedInstanceId
        )
    });
    is_refusal
        || Error::client("read reviews", error.clone()).kind() == ErrorKind::Fatal
            && matches!(error, KafkaError::MessageConsumptionFatal(_))
}
