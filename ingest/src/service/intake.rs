//! Polling Kafka, and collecting what arrives into batches.

use super::ROLE;
use super::callbacks::{Callbacks, is_cooperative};
use super::config::IngestConfig;
use super::ends::Ends;
use super::error::ServiceError;
use super::lane::{Epoch, Lane, Lanes, TopicNames};
use super::placing::{Placed, RESTART};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use rdkafka::{Message, Offset, TopicPartitionList};
use service::health::Component;
use service::kafka::{Access, Error, KafkaConfig, NextOffset, NextOffsets, committed_offsets};
use std::collections::HashSet;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How long a poll waits when there is nothing to do: the time within which a cancelled token is seen.
const IDLE: Duration = Duration::from_millis(100);
/// How long it waits while a start is looked up, or while a batch is at hand that the next stage can't take yet.
const BUSY: Duration = Duration::from_millis(1);
/// How long a full batch waits before the partitions pause. Pausing drops what the client has fetched ahead, so it is for
/// stages that are held up, not for those that are merely busy. Until then nobody polls: it is half of the shortest
/// `max.poll.interval.ms` that goes with the session's length.
const PAUSE_AFTER: Duration = Duration::from_secs(5);
/// How long a poll waits while they are paused.
const PAUSED: Duration = Duration::from_millis(10);
/// How long the broker may take to answer.
const ANSWER: Duration = Duration::from_secs(5);
/// How often a run that stops at the end asks how far other members are.
const LOOK_AT_OTHERS: Duration = Duration::from_millis(200);

pub(super) type LaneConsumer = BaseConsumer<Callbacks>;

/// A record, and by which assignment it was read.
pub(super) struct Taken<'c> {
    pub(super) message: BorrowedMessage<'c>,
    pub(super) lane: Lane,
    pub(super) epoch: Epoch,
}

/// Records on their way to the stores.
#[derive(Default)]
pub(super) struct Batch<'c> {
    pub(super) records: Vec<Taken<'c>>,
    /// Partitions of which everything before these offsets was read.
    pub(super) read_up_to: Vec<(Lane, Epoch, i64)>,
    /// Whether files are to be ended with this batch.
    pub(super) ends_files: bool,
    bytes: usize,
}

impl Batch<'_> {
    fn is_empty(&self) -> bool {
        self.records.is_empty() && self.read_up_to.is_empty() && !self.ends_files
    }

    /// Takes out what was read of a partition.
    fn remove(&mut self, lane: Lane) {
        self.records.retain(|taken| taken.lane != lane);
        self.bytes = self.records.iter().map(|taken| size_bytes(&taken.message)).sum();
    }

    fn is_full(&self, config: &IngestConfig) -> bool {
        self.records.len() >= config.batch_max_records || self.bytes >= config.batch_max_bytes
    }
}

fn size_bytes(message: &BorrowedMessage<'_>) -> usize {
    message.payload_len() + message.key_len()
}

/// Joins the consumer group.
pub(super) fn subscribe(kafka: &KafkaConfig, names: &TopicNames, callbacks: Callbacks) -> Result<LaneConsumer, Error> {
    let mut config = kafka.consumer(ROLE);
    // A position that the topic doesn't hold is never passed over in silence.
    config.set("auto.offset.reset", "error");
    config.set("enable.partition.eof", "true");
    if !kafka.properties.contains_key("statistics.interval.ms") {
        config.set("statistics.interval.ms", if callbacks.ends.is_some() { "100" } else { "5000" });
    }
    let consumer: LaneConsumer =
        config.create_with_context(callbacks).map_err(|source| Error::client("create a consumer", source))?;
    consumer.subscribe(&names.all()).map_err(|source| Error::client("subscribe", source))?;
    Ok(consumer)
}

pub(super) struct Intake<'c, 'p> {
    pub(super) consumer: &'c LaneConsumer,
    pub(super) group: &'p str,
    pub(super) names: &'p TopicNames,
    pub(super) lanes: &'p Lanes,
    pub(super) config: &'p IngestConfig,
    pub(super) ends: Option<&'p Ends>,
    pub(super) health: &'p Component,
    pub(super) placed: Receiver<Placed>,
    /// Partitions whose files another writer went on with: they begin anew.
    pub(super) to_restart: Receiver<Lane>,
    /// Those among them that are being placed.
    pub(super) restarting: HashSet<Lane>,
    pub(super) looked_at_others: Option<Instant>,
    pub(super) ended_files: bool,
}

impl<'c> Intake<'c, '_> {
    /// Polls until the token is cancelled, or the end is reached and all of it is written.
    pub(super) fn run(mut self, stop: &CancellationToken, batches: &SyncSender<Batch<'c>>) -> Result<(), ServiceError> {
        let mut batch = Batch::default();
        while !stop.is_cancelled() {
            self.begin_what_is_placed(&mut batch)?;
            self.restart_what_lost();
            let is_waiting = self.consumer.context().placing().lanes.is_some() || !self.restarting.is_empty();
            let wait = match batch.is_empty() {
                true if is_waiting => BUSY,
                true => IDLE,
                false => Duration::ZERO,
            };
            let began = Instant::now();
            let came = self.poll(wait, &mut batch)?;
            // A poll that did not wait to its end may have met statistics, with records behind them.
            let is_silent = !came && batch.records.is_empty() && wait == IDLE && began.elapsed() >= IDLE;
            if is_silent && self.ends.is_some() && self.has_reached_the_end(&mut batch)? {
                break;
            }
            if batch.is_empty() || came && !batch.is_full(self.config) {
                continue;
            }
            // Either nothing more is at hand, or the batch is full.
            batch = match self.hand_over(batch, batches, stop)? {
                Some(batch) => batch,
                None => break,
            };
        }
        self.leave_nothing_waiting();
        Ok(())
    }

    /// Gives partitions to the client whose starts are known by now.
    fn begin_what_is_placed(&mut self, batch: &mut Batch<'c>) -> Result<(), ServiceError> {
        while let Ok(Placed { number, starts }) = self.placed.try_recv() {
            let is_assignment = {
                let mut placing = self.consumer.context().placing();
                number != RESTART && placing.number == number && placing.lanes.take().is_some()
            };
            if is_assignment {
                let mut list = TopicPartitionList::new();
                for (lane, start) in &starts {
                    list.add_partition_offset(
                        self.names.topic(lane.dataset),
                        lane.partition,
                        Offset::Offset(start.from),
                    )
                    .map_err(|source| Error::client("list offsets", source))?;
                    // The client remembers that a partition was paused when it was given up: it would never be read again.
                    let epoch = self.lanes.begin(*lane, *start);
                    self.note_start(*lane, epoch, start.from, batch);
                }
                let done = self.consumer.resume(&list).and(if is_cooperative(self.consumer) {
                    self.consumer.incremental_assign(&list)
                } else {
                    self.consumer.assign(&list)
                });
                done.map_err(|source| Error::client("take on the assigned partitions", source))?;
                self.lanes.assigned();
                self.health.ready();
                tracing::info!("reads {} partitions more", starts.len());
                continue;
            }
            if number != RESTART {
                // The group has taken them back.
                continue;
            }
            for (lane, start) in starts {
                if !self.restarting.remove(&lane) || self.lanes.owned(lane).is_none() {
                    continue;
                }
                let topic = self.names.topic(lane.dataset);
                match self.consumer.seek(topic, lane.partition, Offset::Offset(start.from), ANSWER) {
                    Ok(()) => {
                        let epoch = self.lanes.begin(lane, start);
                        self.note_start(lane, epoch, start.from, batch);
                    }
                    // From where it is it must not go on: records would be left out.
                    Err(error) => {
                        tracing::warn!("{} could not begin anew: {error}", self.names.partition(lane));
                        self.join_anew()?;
                    }
                }
            }
        }
        Ok(())
    }

    fn note_start(&self, lane: Lane, epoch: Epoch, from: i64, batch: &mut Batch<'c>) {
        // What was read by an earlier assignment will be read again.
        batch.remove(lane);
        if let Some(ends) = self.ends {
            ends.begin_anew();
            ends.read_up_to(lane, epoch, from);
            batch.read_up_to.push((lane, epoch, from));
        }
    }

    /// Asks where partitions begin now whose next file is somebody else's.
    fn restart_what_lost(&mut self) {
        while let Ok(lane) = self.to_restart.try_recv() {
            self.restart(lane);
        }
    }

    fn restart(&mut self, lane: Lane) {
        if self.lanes.owned(lane).is_some() && self.restarting.insert(lane) {
            self.consumer.context().request_restart(lane);
        }
    }

    /// Leaves the group and joins it again: the next assignment finds out where each partition begins. A client that has no
    /// valid position for a partition can't be told one otherwise.
    fn join_anew(&mut self) -> Result<(), Error> {
        self.restarting.clear();
        let owned = self.lanes.all();
        if owned.is_empty() {
            // It is on its way already: each partition tells the same.
            return Ok(());
        }
        self.health.not_ready("joins the consumer group anew");
        // What is still fetched of them is not theirs to write.
        owned.into_iter().for_each(|(lane, _)| self.lanes.end(lane));
        self.consumer.unsubscribe();
        self.consumer.subscribe(&self.names.all()).map_err(|source| Error::client("subscribe", source))
    }

    /// Gives the batch to the next stage; while that is busy, goes on collecting. When the batch is full and the wait is long,
    /// the partitions pause and polling goes on: the group hears from this member, and can take partitions from it.
    /// What can't be given before the worker is told to stop stays in Kafka.
    fn hand_over(
        &mut self,
        mut batch: Batch<'c>,
        batches: &SyncSender<Batch<'c>>,
        stop: &CancellationToken,
    ) -> Result<Option<Batch<'c>>, ServiceError> {
        let mut full_since = None;
        let mut paused = false;
        let sent = loop {
            match batches.try_send(batch) {
                Ok(()) => break true,
                Err(TrySendError::Disconnected(_)) => break false,
                Err(TrySendError::Full(_)) if stop.is_cancelled() => break false,
                Err(TrySendError::Full(unsent)) => batch = unsent,
            }
            self.begin_what_is_placed(&mut batch)?;
            let full_for = batch.is_full(self.config).then(|| full_since.get_or_insert_with(Instant::now).elapsed());
            if full_for.is_none() {
                full_since = None;
                if !self.poll(Duration::ZERO, &mut batch)? {
                    std::thread::park_timeout(BUSY);
                }
            } else if full_for.is_some_and(|full_for| full_for < PAUSE_AFTER) {
                std::thread::park_timeout(BUSY);
            } else {
                // Again each time: a partition may have come meanwhile.
                self.set_paused(true)?;
                paused = true;
                self.poll(PAUSED, &mut batch)?;
            }
        };
        if paused {
            self.set_paused(false)?;
            if let Some(ends) = self.ends {
                ends.begin_anew();
            }
        }
        Ok(sent.then(Batch::default))
    }

    fn set_paused(&self, paused: bool) -> Result<(), Error> {
        let assigned = self.consumer.assignment().map_err(|source| Error::client("read the assignment", source))?;
        if paused { self.consumer.pause(&assigned) } else { self.consumer.resume(&assigned) }
            .map_err(|source| Error::client("pause or resume partitions", source))
    }

    /// Waits for one record; false when none came.
    fn poll(&mut self, wait: Duration, batch: &mut Batch<'c>) -> Result<bool, ServiceError> {
        match self.consumer.poll(wait) {
            None => Ok(false),
            Some(Ok(message)) => {
                self.take(message, batch);
                Ok(true)
            }
            // Statistics tell of which topic.
            Some(Err(KafkaError::PartitionEOF(_))) => Ok(true),
            Some(Err(KafkaError::MessageConsumption(RDKafkaErrorCode::AutoOffsetReset))) => {
                tracing::warn!("a position lies outside of what a topic holds: joins the group anew");
                self.join_anew()?;
                Ok(false)
            }
            Some(Err(error)) => {
                let mut needs: Vec<Access> = self.names.all().map(Access::read_topic).into();
                needs.push(Access::read_group(self.group));
                let is_gone = matches!(
                    error.rdkafka_error_code(),
                    Some(
                        RDKafkaErrorCode::UnknownTopicOrPartition
                            | RDKafkaErrorCode::UnknownTopic
                            | RDKafkaErrorCode::Fenced
                            | RDKafkaErrorCode::FencedInstanceId
                    )
                );
                let is_fatal = is_gone || matches!(error, KafkaError::MessageConsumptionFatal(_));
                let error = Error::refused_or_client("read records", error, &needs);
                if is_fatal || matches!(error, Error::NotAllowed { .. }) {
                    return Err(error.into());
                }
                tracing::warn!("reading will go on after: {error}");
                Ok(false)
            }
        }
    }

    fn take(&mut self, message: BorrowedMessage<'c>, batch: &mut Batch<'c>) {
        let Some(lane) = self.names.lane(message.topic(), message.partition()) else { return };
        // A record that was fetched before its partition was given up belongs to the next owner.
        let Some(owned) = self.lanes.owned(lane) else { return };
        let epoch = owned.epoch;
        if let Some(ends) = self.ends {
            ends.read_up_to(lane, epoch, NextOffset::after(message.offset()).0);
            if message.offset() >= ends.of(lane) {
                return;
            }
        }
        batch.bytes += size_bytes(&message);
        batch.records.push(Taken { message, lane, epoch });
    }

    /// Whether all topics are done: our partitions read to their ends, those of others committed by them. Files are ended
    /// as soon as ours are, for others may wait for our commits as we do for theirs.
    fn has_reached_the_end(&mut self, batch: &mut Batch<'c>) -> Result<bool, ServiceError> {
        let Some(ends) = self.ends else { return Ok(false) };
        batch.read_up_to.extend(ends.nothing_is_left(self.lanes));
        let is_placing = self.consumer.context().placing().lanes.is_some() || !self.restarting.is_empty();
        if !batch.records.is_empty() || !self.lanes.was_assigned() || is_placing {
            return Ok(false);
        }
        let Some(others) = ends.left_to_others(self.lanes) else {
            self.ended_files = false;
            return Ok(false);
        };
        if !self.ended_files {
            self.ended_files = true;
            batch.ends_files = true;
            return Ok(false);
        }
        // Ours are on their way; should another writer win one of the files, the partition begins anew.
        let ours_are_written = self.lanes.all().into_iter().all(|(lane, owned)| owned.done >= ends.of(lane));
        if !ours_are_written || !batch.is_empty() {
            return Ok(false);
        }
        if others.is_empty() {
            return Ok(true);
        }
        if self.looked_at_others.is_some_and(|last| last.elapsed() < LOOK_AT_OTHERS) {
            return Ok(false);
        }
        self.looked_at_others = Some(Instant::now());
        let mut list = TopicPartitionList::new();
        for (lane, _) in &others {
            list.add_partition(self.names.topic(lane.dataset), lane.partition);
        }
        let committed = match committed_offsets(self.consumer, list, ANSWER) {
            Ok(list) => NextOffsets::from_list(&list),
            // The next look may find the group's coordinator.
            Err(_) => return Ok(false),
        };
        let is_done = |&(lane, end): &(Lane, i64)| {
            committed.get(self.names.topic(lane.dataset), lane.partition).is_some_and(|next| next.0 >= end)
        };
        Ok(others.iter().all(is_done))
    }

    /// The client would wait at its end for an assignment that is still being placed.
    fn leave_nothing_waiting(&self) {
        if self.consumer.context().placing().lanes.take().is_some()
            && let Err(error) = self.consumer.unassign()
        {
            tracing::debug!("an assignment was not given up: {error}");
        }
    }
}
