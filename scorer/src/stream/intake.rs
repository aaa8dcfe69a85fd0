//! Polling Kafka, and collecting what arrives into batches.

use super::config::{ROLE, StreamConfig};
use super::ownership::{Callbacks, Epoch, Owned, Ownership};
use super::silence::Silence;
use super::start::LostRange;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use rdkafka::{Message, TopicPartitionList};
use service::kafka::{Access, Error, ErrorKind, KafkaConfig, NextOffset, NextOffsets, OnLostRange, committed_offsets};
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How long a poll waits when there is nothing to do: the time within which a cancelled token is seen.
const IDLE: Duration = Duration::from_millis(100);

/// How often the run asks how far other members are, when its own partitions are done; and how long it waits for the answer.
const LOOK_AT_OTHERS: Duration = Duration::from_millis(200);
const ANSWER: Duration = Duration::from_secs(5);

/// Where transactions are short; librdkafka's default is five minutes.
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(60);

/// How long the broker may take to tell where a partition ends.
const LOOK_ANSWER: Duration = Duration::from_secs(1);

/// How long a full batch waits before the partitions pause. Pausing drops what the client has fetched ahead, so it is for
/// stages that are held up, not for those that are merely busy.
const PAUSE_AFTER: Duration = Duration::from_millis(500);

/// How long it waits when a batch is at hand that the next stage can't take yet.
const BUSY: Duration = Duration::from_millis(1);

pub(super) type ReviewConsumer = BaseConsumer<Callbacks>;

/// Joins the consumer group.
pub(super) fn subscribe(
    kafka: &KafkaConfig,
    topic: &str,
    transaction_timeout: Duration,
    callbacks: Callbacks,
) -> Result<ReviewConsumer, Error> {
    let mut config = kafka.consumer(ROLE);
    config.set("enable.partition.eof", "true");
    // A position that the topic doesn't hold is never passed over in silence; see `start`.
    config.set("auto.offset.reset", "error");
    let user = |key| kafka.properties.contains_key(key);
    if !user("max.poll.interval.ms") && !user("session.timeout.ms") {
        // Polling goes on whatever the stages do, save that a rebalance waits for the open transaction. After this time a group
        // that has lost sight of its members goes on without them. It may not be shorter than a session, whose length may be the user's.
        let longest = (2 * transaction_timeout).max(MAX_POLL_INTERVAL);
        config.set("max.poll.interval.ms", longest.as_millis().to_string());
    }
    if !user("client.id") {
        // Its name in the group's list of members says whose transactions are its.
        config.set("client.id", callbacks.starts.transactional_id());
    }
    let consumer: ReviewConsumer =
        config.create_with_context(callbacks).map_err(|source| Error::client("create a consumer", source))?;
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
    /// Partitions that end with transaction markers, which are never delivered: the positions behind them.
    pub(super) ends: Vec<(i32, NextOffset)>,
    /// What was deleted before it was scored.
    pub(super) lost: Vec<LostRange>,
    /// The assignments by which their partitions were owned.
    pub(super) epochs: HashMap<i32, Epoch>,
    bytes: usize,
}

impl<'c> Batch<'c> {
    fn new() -> Self {
        Self { records: Vec::new(), ends: Vec::new(), lost: Vec::new(), epochs: HashMap::new(), bytes: 0 }
    }

    fn push(&mut self, message: BorrowedMessage<'c>, epoch: Epoch) {
        self.enter(message.partition(), epoch);
        self.bytes += message.payload_len() + message.key_len();
        self.records.push(Taken { message, at: Instant::now() });
    }

    fn push_end(&mut self, partition: i32, next: NextOffset, epoch: Epoch) {
        self.enter(partition, epoch);
        self.ends.push((partition, next));
    }

    fn push_lost(&mut self, range: LostRange, epoch: Epoch) {
        self.push_end(range.partition, range.to, epoch);
        self.lost.push(range);
    }

    /// What follows comes by this assignment. Where the partition was given up and taken again within one batch, what was
    /// read before will be read again.
    fn enter(&mut self, partition: i32, epoch: Epoch) {
        if self.epochs.insert(partition, epoch).is_some_and(|earlier| earlier != epoch) {
            self.records.retain(|taken| taken.message.partition() != partition);
            self.ends.retain(|&(other, _)| other != partition);
            self.lost.retain(|range| range.partition != partition);
        }
    }

    /// Records, and their bytes.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.records.len(), self.bytes)
    }

    fn is_empty(&self) -> bool {
        self.records.is_empty() && self.ends.is_empty()
    }

    fn is_full(&self, config: &StreamConfig) -> bool {
        self.records.len() >= config.batch_max_records || self.bytes >= config.batch_max_bytes
    }
}

/// The offsets at which the run ends.
pub(super) struct End {
    offsets: HashMap<i32, i64>,
    /// The partitions that were read to their end, and by which assignment: after another one they begin anew.
    reached: HashMap<i32, Epoch>,
    looked_at_others: Option<Instant>,
}

impl End {
    /// The end of each partition as it is now.
    pub(super) fn now(kafka: &KafkaConfig, topic: &str) -> Result<Self, Error> {
        let ends = service::kafka::admin::end_offsets(kafka, topic)?;
        let offsets = ends.iter().map(|(_, partition, next)| (partition, next.0)).filter(|(_, end)| *end > 0).collect();
        Ok(Self { offsets, reached: HashMap::new(), looked_at_others: None })
    }

    /// Whether the record came after the start; notes that its partition is done if it is the last before.
    fn is_beyond(&mut self, partition: i32, offset: i64, epoch: Epoch) -> bool {
        let end = self.offsets.get(&partition).copied().unwrap_or(0);
        if offset + 1 >= end {
            self.reached.insert(partition, epoch);
        }
        offset >= end
    }

    /// The partitions that somebody else has to finish, with their ends; none when one of our own is not done.
    fn left_to_others(&self, owned: &Owned) -> Option<Vec<(i32, i64)>> {
        let mut others = Vec::new();
        for (&partition, &end) in &self.offsets {
            match owned.epoch(partition) {
                Some(epoch) if self.reached.get(&partition) == Some(&epoch) => {}
                Some(_) => return None,
                None => others.push((partition, end)),
            }
        }
        Some(others)
    }
}

pub(super) struct Intake<'c> {
    pub(super) consumer: &'c ReviewConsumer,
    pub(super) topic: &'c str,
    pub(super) group: &'c str,
    pub(super) ownership: &'c Ownership,
    pub(super) config: &'c StreamConfig,
    pub(super) on_lost_range: OnLostRange,
    pub(super) end: Option<End>,
    pub(super) silence: Silence,
}

impl<'c> Intake<'c> {
    /// Sends batches on until the token is cancelled, the end is reached, or the next stage is gone.
    pub(super) fn run(mut self, stop: &CancellationToken, batches: &SyncSender<Batch<'c>>) -> Result<(), Error> {
        let mut batch = Batch::new();
        while !stop.is_cancelled() {
            let wait = if batch.is_empty() { IDLE } else { Duration::ZERO };
            let came = self.poll(wait, &mut batch)?;
            if self.silence.is_due() {
                self.look_for_silence();
            }
            if batch.is_empty() {
                if self.has_reached_the_end()? {
                    return Ok(());
                }
                continue;
            }
            if came && !batch.is_full(self.config) {
                continue;
            }
            // Either nothing more is at hand, or the batch is full.
            batch = match self.hand_over(batch, batches, stop)? {
                Some(batch) => batch,
                None => return Ok(()),
            };
        }
        Ok(())
    }

    /// Gives the batch to the next stage; while that is busy, goes on collecting. When the batch is full and the wait is long,
    /// the partitions pause and polling goes on: the group hears from this member, and can take partitions from it.
    /// What can't be given before the worker is told to stop is left to the next owner.
    fn hand_over(
        &mut self,
        mut batch: Batch<'c>,
        batches: &SyncSender<Batch<'c>>,
        stop: &CancellationToken,
    ) -> Result<Option<Batch<'c>>, Error> {
        let began = Instant::now();
        let mut paused = false;
        let sent = loop {
            let (records, bytes) = batch.size();
            match batches.try_send(batch) {
                Ok(()) => {
                    self.ownership.progress.taken(records, bytes);
                    break true;
                }
                Err(TrySendError::Disconnected(_)) => break false,
                Err(TrySendError::Full(_)) if stop.is_cancelled() => break false,
                Err(TrySendError::Full(unsent)) => batch = unsent,
            }
            if !batch.is_full(self.config) {
                // Polling with a wait of a millisecond or less would spin through it.
                if !self.poll(Duration::ZERO, &mut batch)? {
                    std::thread::park_timeout(BUSY);
                }
            } else if began.elapsed() < PAUSE_AFTER {
                std::thread::park_timeout(BUSY);
            } else {
                // Again each time: a partition may have come meanwhile.
                self.set_paused(true)?;
                paused = true;
                self.poll(IDLE, &mut batch)?;
            }
        };
        if paused {
            self.set_paused(false)?;
            self.silence.begin_anew();
        }
        Ok(sent.then(Batch::new))
    }

    fn set_paused(&self, paused: bool) -> Result<(), Error> {
        let assigned = self.consumer.assignment().map_err(|source| Error::client("read the assignment", source))?;
        if paused { self.consumer.pause(&assigned) } else { self.consumer.resume(&assigned) }
            .map_err(|source| Error::client("pause or resume partitions", source))
    }

    /// Waits for one record; false when none came.
    fn poll(&mut self, wait: Duration, batch: &mut Batch<'c>) -> Result<bool, Error> {
        let polled = self.consumer.poll(wait);
        self.note_lost(batch)?;
        match polled {
            None => Ok(false),
            Some(Ok(message)) => {
                self.take(message, batch);
                Ok(true)
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                self.note_end(partition, batch);
                Ok(false)
            }
            Some(Err(KafkaError::MessageConsumption(RDKafkaErrorCode::AutoOffsetReset))) => {
                tracing::warn!("a position lies outside of what \"{}\" holds: joins the group anew", self.topic);
                self.consumer.context().starts.look_at_ranges(self.consumer, self.topic)?;
                self.ownership.left();
                Ok(false)
            }
            Some(Err(error)) => {
                if is_fatal(&error) {
                    let needs = [Access::read_topic(self.topic), Access::read_group(self.group)];
                    return Err(Error::refused_or_client("read reviews", error, &needs));
                }
                tracing::warn!("reading reviews will go on after: {error}");
                Ok(false)
            }
        }
    }

    fn take(&mut self, message: BorrowedMessage<'c>, batch: &mut Batch<'c>) {
        let partition = message.partition();
        // A record that was fetched before its partition was given up belongs to the next owner. Its absence from the
        // batch's numbers would say so too late: the partition may be owned again by then, from an earlier offset.
        let Some(epoch) = self.ownership.now().epoch(partition) else { return };
        self.silence.record(partition, epoch);
        if self.end.as_mut().is_some_and(|end| end.is_beyond(partition, message.offset(), epoch)) {
            return;
        }
        batch.push(message, epoch);
    }

    /// Tells which partitions hold records and bring none.
    fn look_for_silence(&mut self) {
        let owned = self.ownership.now().clone();
        let answers = Cell::new(true);
        let silent = self.silence.look(&owned, |partition| {
            // Polling waits meanwhile: a broker that does not answer is asked once.
            let found = answers.get().then(|| self.consumer.fetch_watermarks(self.topic, partition, LOOK_ANSWER));
            answers.set(matches!(found, Some(Ok(_))));
            found?.ok().map(|(_, end)| end)
        });
        if !silent.is_empty() {
            tracing::warn!("partitions {silent:?} of \"{}\" hold records and bring none", self.topic);
        }
        self.ownership.progress.silent(silent);
    }

    /// Takes note of what an assignment found to be gone.
    fn note_lost(&self, batch: &mut Batch<'c>) -> Result<(), Error> {
        for range in self.consumer.context().starts.take_lost()? {
            let error = range.error(self.topic);
            if self.on_lost_range == OnLostRange::Stop {
                return Err(error);
            }
            tracing::error!("{error}");
            if let Some(epoch) = self.ownership.now().epoch(range.partition) {
                batch.push_lost(range, epoch);
            }
        }
        Ok(())
    }

    /// The client has reached the end of a partition. Where records did not show it, markers stand between the last record and
    /// the end; the position behind them is committed, so that other members see that the partition is done.
    fn note_end(&mut self, partition: i32, batch: &mut Batch<'c>) {
        let Some(epoch) = self.ownership.now().epoch(partition) else { return };
        self.silence.end(partition, epoch);
        let Some(end) = &mut self.end else { return };
        let Some(&offset) = end.offsets.get(&partition) else { return };
        if end.reached.insert(partition, epoch) != Some(epoch) {
            batch.push_end(partition, NextOffset(offset), epoch);
        }
    }

    /// Whether the whole topic is done: our partitions read to their ends, those of others committed by them. A partition
    /// that nobody finishes comes to us when the group notices that its owner is gone.
    fn has_reached_the_end(&mut self) -> Result<bool, Error> {
        let Some(end) = &mut self.end else { return Ok(false) };
        let others = {
            let owned = self.ownership.now();
            if !owned.was_assigned() {
                return Ok(false);
            }
            match end.left_to_others(&owned) {
                None => return Ok(false),
                Some(others) if others.is_empty() => return Ok(true),
                Some(others) => others,
            }
        };
        if end.looked_at_others.is_some_and(|last| last.elapsed() < LOOK_AT_OTHERS) {
            return Ok(false);
        }
        end.looked_at_others = Some(Instant::now());
        let mut list = TopicPartitionList::new();
        for (partition, _) in &others {
            list.add_partition(self.topic, *partition);
        }
        let committed = match committed_offsets(self.consumer, list, ANSWER) {
            Ok(list) => NextOffsets::from_list(&list),
            // The next look may find the group's coordinator.
            Err(_) => return Ok(false),
        };
        let is_done = |&(partition, end): &(i32, i64)| {
            committed.get(self.topic, partition).is_some_and(|next| next >= NextOffset(end))
        };
        Ok(others.iter().all(is_done))
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
