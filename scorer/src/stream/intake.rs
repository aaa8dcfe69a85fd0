//! Polling Kafka, and collecting what arrives into batches.

use super::batch::Batch;
use super::config::StreamConfig;
use super::end::End;
use super::ownership::{Callbacks, Epoch, Owned, Ownership};
use super::positions::Positions;
use super::presence::Presence;
use super::silence::Silence;
use super::stage::Stage;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use rdkafka::{Message, Offset, TopicPartitionList};
use service::kafka::{Access, Error, NextOffset, NextOffsets, OnLostRange};
use std::cell::OnceCell;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How long a poll waits when there is nothing to do: the time within which a cancelled token is seen.
const IDLE: Duration = Duration::from_millis(100);

/// How long the brokers may take to tell where partitions end: nobody polls meanwhile.
const LOOK_ANSWER: Duration = Duration::from_secs(1);

/// How long a full batch waits before the partitions pause. Pausing drops what the client has fetched ahead, so it is for
/// stages that are held up, not for those that are merely busy.
const PAUSE_AFTER: Duration = Duration::from_millis(500);

/// How long it waits when a batch is at hand that the next stage can't take yet.
const BUSY: Duration = Duration::from_millis(1);

/// While so many batches are at work, a batch that is not full goes on growing: in a queue it would be a transaction more, and
/// wait as long.
const AT_WORK: isize = 2;

/// So many records are read before the clock and the token are looked at again: a small part of a millisecond.
const POLLS_PER_LOOK: usize = 64;

pub(super) type ReviewConsumer = BaseConsumer<Callbacks>;

pub(super) struct Intake<'c> {
    pub(super) consumer: &'c ReviewConsumer,
    pub(super) topic: &'c str,
    pub(super) group: &'c str,
    pub(super) ownership: &'c Ownership,
    pub(super) config: &'c StreamConfig,
    pub(super) on_lost_range: OnLostRange,
    pub(super) end: Option<End>,
    pub(super) silence: Silence,
    pub(super) positions: Positions,
    pub(super) presence: Presence,
}

impl<'c> Intake<'c> {
    /// Sends batches on until the token is cancelled, the end is reached, or the next stage is gone. The end of this is the end of
    /// the stages behind, which publish what they have; until then this one stays in the group.
    pub(super) fn run(mut self, stop: &CancellationToken, batches: SyncSender<Batch<'c>>) -> Result<(), Error> {
        let taken = self.take_all(stop, &batches);
        self.ownership.stages.enter(Stage::Draining);
        drop(batches);
        taken?;
        // Nothing more is wanted. What comes all the same, as of a partition that was given to this member just now, is left to
        // its next owner.
        let _ = self.set_paused(true);
        while !stop.is_cancelled() {
            let _ = self.consumer.poll(IDLE);
        }
        Ok(())
    }

    fn take_all(&mut self, stop: &CancellationToken, batches: &SyncSender<Batch<'c>>) -> Result<(), Error> {
        let mut batch = Batch::new();
        while !stop.is_cancelled() {
            let wait = if batch.is_empty() { IDLE } else { Duration::ZERO };
            let came = self.collect(wait, &mut batch)?;
            if self.silence.is_due(Instant::now()) {
                self.look_for_silence();
            }
            self.presence.look(self.consumer, self.topic);
            if batch.is_empty() {
                if !came {
                    self.confirm_ends();
                }
                // Each of these looks may take its time.
                if !stop.is_cancelled() && self.has_reached_the_end() {
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

    /// Gives the batch to the next stage; while the stages are busy, goes on collecting. When the batch is full and the wait is long,
    /// the partitions pause and polling goes on: the group hears from this member, and can take partitions from it.
    /// What can't be given before the worker is told to stop is left to the next owner.
    fn hand_over(
        &mut self,
        mut batch: Batch<'c>,
        batches: &SyncSender<Batch<'c>>,
        stop: &CancellationToken,
    ) -> Result<Option<Batch<'c>>, Error> {
        let (mut full_since, mut paused_since) = (None, None);
        let sent = loop {
            if batch.is_full(self.config) || self.ownership.progress.batches() < AT_WORK {
                let (records, bytes) = batch.size();
                match batches.try_send(batch) {
                    Ok(()) => {
                        self.ownership.progress.taken(records, bytes);
                        break true;
                    }
                    Err(TrySendError::Disconnected(_)) => break false,
                    Err(TrySendError::Full(unsent)) => batch = unsent,
                }
            }
            if stop.is_cancelled() {
                break false;
            }
            if !batch.is_full(self.config) {
                // Polling with a wait of a millisecond or less would spin through it.
                if !self.collect(Duration::ZERO, &mut batch)? {
                    std::thread::park_timeout(BUSY);
                }
            } else if full_since.get_or_insert_with(Instant::now).elapsed() < PAUSE_AFTER {
                std::thread::park_timeout(BUSY);
            } else {
                // Again each time: a partition may have come meanwhile.
                self.set_paused(true)?;
                paused_since.get_or_insert_with(Instant::now);
                self.collect(IDLE, &mut batch)?;
            }
        };
        if let Some(since) = paused_since {
            self.set_paused(false)?;
            self.silence.paused(since.elapsed());
        }
        Ok(sent.then(Batch::new))
    }

    fn set_paused(&self, paused: bool) -> Result<(), Error> {
        let assigned = self.consumer.assignment().map_err(|source| Error::client("read the assignment", source))?;
        if paused { self.consumer.pause(&assigned) } else { self.consumer.resume(&assigned) }
            .map_err(|source| Error::client("pause or resume partitions", source))
    }

    /// Waits for a record, and takes those that have come with it; false when no more is at hand.
    fn collect(&mut self, wait: Duration, batch: &mut Batch<'c>) -> Result<bool, Error> {
        let mut run = None;
        let mut came = self.poll(wait, batch, &mut run)?;
        for _ in 1..POLLS_PER_LOOK {
            if !came || batch.is_full(self.config) {
                break;
            }
            came = self.poll(Duration::ZERO, batch, &mut run)?;
        }
        self.note_lost(batch)?;
        Ok(came)
    }

    /// Waits for one record; false when none came.
    fn poll(&mut self, wait: Duration, batch: &mut Batch<'c>, run: &mut Option<Run>) -> Result<bool, Error> {
        match self.consumer.poll(wait) {
            None => Ok(false),
            Some(Ok(message)) => {
                self.take(message, batch, run);
                Ok(true)
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                self.note_end(partition);
                *run = None;
                // Other partitions may have more at hand.
                Ok(true)
            }
            Some(Err(KafkaError::MessageConsumption(RDKafkaErrorCode::AutoOffsetReset))) => {
                tracing::warn!("a position lies outside of what \"{}\" holds: joins the group anew", self.topic);
                self.consumer.context().starts.look_at_ranges(self.consumer, self.topic)?;
                self.ownership.left();
                Ok(false)
            }
            // A run until the end would wait for records that are gone.
            Some(Err(error)) if is_missing(&error) && self.end.is_none() => {
                self.presence.missing(self.topic);
                Ok(false)
            }
            Some(Err(error)) => {
                if is_fatal(&error) || is_missing(&error) {
                    let needs = [Access::read_topic(self.topic), Access::read_group(self.group)];
                    return Err(Error::refused_or_client("read reviews", error, &needs));
                }
                tracing::warn!("reading reviews will go on after: {error}");
                Ok(false)
            }
        }
    }

    fn take(&mut self, message: BorrowedMessage<'c>, batch: &mut Batch<'c>, run: &mut Option<Run>) {
        let partition = message.partition();
        let known = run.filter(|run| run.partition == partition && run.change == self.ownership.change());
        let Some(run) = known.or_else(|| self.begin_run(partition, batch, run)) else { return };
        if let Some(end) = &mut self.end {
            end.came(partition);
            if message.offset() + 1 >= run.end {
                end.reached(partition, run.epoch);
            }
            if message.offset() >= run.end {
                return;
            }
        }
        if !self.positions.advance(partition, run.epoch, message.offset()) {
            tracing::warn!(
                "the client brings \"{}\" partition {partition} offset {} again",
                self.topic,
                message.offset()
            );
            return;
        }
        batch.push(message, run.at);
    }

    /// Looks up what holds for the records of a partition that come now.
    fn begin_run(&mut self, partition: i32, batch: &mut Batch<'c>, run: &mut Option<Run>) -> Option<Run> {
        let change = self.ownership.change();
        // A record that was fetched before its partition was given up belongs to the next owner. Its absence from the
        // batch's numbers would say so too late: the partition may be owned again by then, from an earlier offset.
        let epoch = self.ownership.now().epoch(partition)?;
        self.silence.record(partition, epoch);
        batch.enter(partition, epoch);
        let end = self.end.as_ref().map_or(i64::MAX, |end| end.of(partition));
        *run = Some(Run { partition, epoch, change, end, at: Instant::now() });
        *run
    }

    /// Tells which partitions hold records and bring none.
    fn look_for_silence(&mut self) {
        let owned = self.ownership.now().clone();
        let silent = self.silence.look(Instant::now(), &owned, leader_ends(self.consumer, self.topic, &owned));
        if !silent.is_empty() {
            tracing::warn!("partitions {silent:?} of \"{}\" hold records and bring none", self.topic);
        }
        self.ownership.progress.silent(&silent);
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

    /// The client has reached the end of a partition.
    fn note_end(&mut self, partition: i32) {
        let Some(epoch) = self.ownership.now().epoch(partition) else { return };
        self.silence.end(partition, epoch);
        if let Some(end) = &mut self.end {
            end.told(partition, epoch);
        }
    }

    /// Where the run ends behind transaction markers, no record shows it.
    fn confirm_ends(&mut self) {
        let Some(end) = &mut self.end else { return };
        let owned = self.ownership.now().clone();
        end.confirm(Instant::now(), leader_ends(self.consumer, self.topic, &owned));
    }

    fn has_reached_the_end(&mut self) -> bool {
        let Some(end) = &mut self.end else { return false };
        let owned = self.ownership.now().clone();
        end.is_reached(&owned, self.consumer, self.topic)
    }
}

/// Where partitions end, as their leaders tell: all are asked in one request when the first is wanted, since polling waits
/// meanwhile.
fn leader_ends(consumer: &ReviewConsumer, topic: &str, owned: &Owned) -> impl Fn(i32) -> Option<i64> {
    let ask = || -> KafkaResult<NextOffsets> {
        let mut list = TopicPartitionList::new();
        for partition in owned.partitions() {
            list.add_partition_offset(topic, partition, Offset::End)?;
        }
        // A time that is none: the end.
        let found = consumer.offsets_for_times(list, LOOK_ANSWER)?;
        Ok(NextOffsets::from_list(&found))
    };
    let ends = OnceCell::new();
    move |partition| {
        let ends = ends.get_or_init(|| ask().unwrap_or_default());
        ends.get(topic, partition).map(|NextOffset(end)| end)
    }
}

/// Records of one partition that come one after the other. It does not outlive the batch that it entered.
#[derive(Clone, Copy)]
struct Run {
    partition: i32,
    epoch: Epoch,
    /// The last change of what is owned before it.
    change: u64,
    /// Where the partition ends for this run of the program.
    end: i64,
    /// When it began.
    at: Instant,
}

/// What no waiting heals. The rest is a cluster in trouble: librdkafka goes on trying, and its log says so.
fn is_fatal(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    let is_refusal = |code| {
        matches!(
            code,
            Code::TopicAuthorizationFailed | Code::GroupAuthorizationFailed | Code::Fenced | Code::FencedInstanceId
        )
    };
    matches!(error, KafkaError::MessageConsumptionFatal(_)) || error.rdkafka_error_code().is_some_and(is_refusal)
}

/// The topic was there when the process began.
fn is_missing(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(error.rdkafka_error_code(), Some(Code::UnknownTopicOrPartition | Code::UnknownTopic))
}
