//! Polling Kafka, and collecting what arrives into batches.

use super::ROLE;
use super::batch::Batch;
use super::callbacks::{Callbacks, is_cooperative};
use super::config::IngestConfig;
use super::ends::Ends;
use super::error::ServiceError;
use super::lane::{Epoch, Lane, Lanes, TopicNames};
use super::liveness::Liveness;
use super::placing::Placed;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use rdkafka::{Message, Offset, TopicPartitionList};
use service::health::Component;
use service::kafka::{Access, Error, KafkaConfig, NextOffset, NextOffsets, committed_offsets};
use std::collections::HashMap;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How long a poll waits when there is nothing to do: the time within which a cancelled token is seen.
const IDLE: Duration = Duration::from_millis(100);
/// How long it waits while a start is looked up or the last files are written, or while a batch is at hand that the next stage
/// can't take yet.
const BUSY: Duration = Duration::from_millis(1);
/// How long a full batch waits before the partitions pause. Pausing drops what the client has fetched ahead, so it is for
/// stages that are held up, not for those that are merely busy.
const PAUSE_AFTER: Duration = Duration::from_millis(500);
/// So many records are read before the clock, the token and the other threads' news are looked at again: a small part of a
/// millisecond.
const POLLS_PER_LOOK: usize = 64;
/// How long the broker may take to answer.
const ANSWER: Duration = Duration::from_secs(5);
/// How long it may take to tell where a partition ends; polling waits meanwhile.
const LOOK_ANSWER: Duration = Duration::from_secs(1);
/// How often a run that stops at the end asks how far other members are.
const LOOK_AT_OTHERS: Duration = Duration::from_millis(200);

pub(super) type LaneConsumer = BaseConsumer<Callbacks>;

/// Joins the consumer group.
pub(super) fn subscribe(kafka: &KafkaConfig, names: &TopicNames, callbacks: Callbacks) -> Result<LaneConsumer, Error> {
    let mut config = kafka.consumer(ROLE);
    // A position that the topic doesn't hold is never passed over in silence.
    config.set("auto.offset.reset", "error");
    if !kafka.properties.contains_key("statistics.interval.ms") {
        config.set("statistics.interval.ms", "5000");
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
    pub(super) liveness: Liveness,
    pub(super) placed: Receiver<Placed>,
    /// Partitions whose files another writer went on with: they begin anew.
    pub(super) to_restart: Receiver<Lane>,
    /// Up to where each partition was read by its assignment.
    pub(super) read: HashMap<Lane, (Epoch, i64)>,
    pub(super) looked_at_positions: Instant,
    pub(super) looked_at_others: Option<Instant>,
    pub(super) ended_files: bool,
}

impl<'c> Intake<'c, '_> {
    /// Polls until the token is cancelled, or the end is reached and all of it is written.
    pub(super) fn run(mut self, stop: &CancellationToken, batches: &SyncSender<Batch<'c>>) -> Result<(), ServiceError> {
        let mut batch = Batch::default();
        while !stop.is_cancelled() {
            self.follow_changes(&mut batch)?;
            let wait = match batch.is_empty() {
                true if self.lanes.is_expecting() || self.ended_files => BUSY,
                true => IDLE,
                false => Duration::ZERO,
            };
            let came = self.collect(wait, &mut batch)?;
            if !came {
                self.note_positions(&mut batch)?;
            }
            if batch.is_empty() && self.has_reached_the_end(&mut batch)? {
                break;
            }
            if batch.is_empty() || came && batch.records() > 0 && !batch.is_full(self.config) {
                continue;
            }
            // Nothing more is at hand, or the batch is full, or there is nothing in it that could wait for more.
            batch = match self.hand_over(batch, batches, stop)? {
                Some(batch) => batch,
                None => break,
            };
        }
        Ok(())
    }

    /// Gives partitions to the client whose starts are known by now, and takes those from it that begin anew.
    fn follow_changes(&mut self, batch: &mut Batch<'c>) -> Result<(), ServiceError> {
        while let Ok(lane) = self.to_restart.try_recv() {
            self.restart(lane)?;
        }
        let mut begun = Vec::new();
        while let Ok(Placed { lane, epoch, start }) = self.placed.try_recv() {
            // Otherwise the group has taken it back.
            if self.lanes.begin(lane, epoch, start) {
                // What was read by an earlier assignment will be read again.
                batch.remove(lane);
                self.read.insert(lane, (epoch, start.from));
                // Others see then that it is done up to there.
                batch.read_up_to.push((lane, epoch, start.from));
                begun.push(lane);
            }
        }
        if !begun.is_empty() {
            self.give(&begun).map_err(|source| Error::client("take on the assigned partitions", source))?;
            tracing::info!("reads {} partitions more", begun.len());
            if !self.lanes.is_expecting() {
                self.health.ready();
            }
        }
        self.liveness.look(self.lanes, &self.read, |lane| {
            let topic = self.names.topic(lane.dataset);
            self.consumer.fetch_watermarks(topic, lane.partition, LOOK_ANSWER).ok().map(|(_, end)| end)
        });
        Ok(())
    }

    /// Partitions with the offsets at which they go on.
    fn positions(&self, lanes: impl IntoIterator<Item = Lane>) -> KafkaResult<TopicPartitionList> {
        let mut list = TopicPartitionList::new();
        for lane in lanes {
            let Some((_, next)) = self.read.get(&lane) else { continue };
            list.add_partition_offset(self.names.topic(lane.dataset), lane.partition, Offset::Offset(*next))?;
        }
        Ok(list)
    }

    fn owned(&self) -> Vec<Lane> {
        self.lanes.all().into_iter().map(|(lane, _)| lane).collect()
    }

    fn give(&self, begun: &[Lane]) -> KafkaResult<()> {
        let list = self.positions(begun.iter().copied())?;
        // The client remembers that a partition was paused when it was given up: it would never be read again.
        self.consumer.resume(&list)?;
        match is_cooperative(self.consumer) {
            true => self.consumer.incremental_assign(&list),
            false => self.consumer.assign(&self.positions(self.owned())?),
        }
    }

    /// Begins anew with a partition whose next file is somebody else's.
    fn restart(&self, lane: Lane) -> Result<(), ServiceError> {
        if self.lanes.owned(lane).is_none() {
            return Ok(());
        }
        let list = self.positions([lane]).and_then(|list| {
            self.consumer.context().request(lane);
            match is_cooperative(self.consumer) {
                true => self.consumer.incremental_unassign(&list),
                false => self.consumer.assign(&self.positions(self.owned())?),
            }
        });
        Ok(list.map_err(|source| Error::client("begin anew with a partition", source))?)
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
            self.follow_changes(&mut batch)?;
            if !batch.is_full(self.config) {
                full_since = None;
                // Polling with a wait of a millisecond or less would spin through it.
                if !self.collect(Duration::ZERO, &mut batch)? {
                    std::thread::park_timeout(BUSY);
                }
            } else if full_since.get_or_insert_with(Instant::now).elapsed() < PAUSE_AFTER {
                std::thread::park_timeout(BUSY);
            } else {
                // Again each time: a partition may have come meanwhile.
                self.set_paused(true)?;
                paused = true;
                self.liveness.begin_anew();
                self.collect(IDLE, &mut batch)?;
            }
        };
        if paused {
            self.set_paused(false)?;
        }
        Ok(sent.then(Batch::default))
    }

    fn set_paused(&self, paused: bool) -> Result<(), Error> {
        let assigned = self.consumer.assignment().map_err(|source| Error::client("read the assignment", source))?;
        if paused { self.consumer.pause(&assigned) } else { self.consumer.resume(&assigned) }
            .map_err(|source| Error::client("pause or resume partitions", source))
    }

    /// Waits for a record, and takes those that have come with it; false when no more is at hand.
    fn collect(&mut self, wait: Duration, batch: &mut Batch<'c>) -> Result<bool, ServiceError> {
        let mut run = None;
        let mut came = self.poll(wait, batch, &mut run)?;
        for _ in 1..POLLS_PER_LOOK {
            if !came || batch.is_full(self.config) {
                break;
            }
            came = self.poll(Duration::ZERO, batch, &mut run)?;
        }
        self.end_run(run);
        Ok(came)
    }

    /// Waits for one record; false when none came.
    fn poll(&mut self, wait: Duration, batch: &mut Batch<'c>, run: &mut Option<Reading>) -> Result<bool, ServiceError> {
        match self.consumer.poll(wait) {
            None => Ok(false),
            Some(Ok(message)) => {
                self.take(message, batch, run);
                Ok(true)
            }
            Some(Err(KafkaError::MessageConsumption(RDKafkaErrorCode::AutoOffsetReset))) => {
                tracing::warn!("a position lies outside of what a topic holds: begins anew with all partitions");
                self.owned().into_iter().try_for_each(|lane| self.restart(lane))?;
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

    fn take(&mut self, message: BorrowedMessage<'c>, batch: &mut Batch<'c>, run: &mut Option<Reading>) {
        let is_known = run.as_ref().is_some_and(|run| {
            run.change == self.lanes.change()
                && run.lane.partition == message.partition()
                && self.names.topic(run.lane.dataset) == message.topic()
        });
        if !is_known {
            self.end_run(run.take());
            *run = self.begin_run(&message, batch);
        }
        let Some(run) = run else { return };
        let offset = message.offset();
        // Within an assignment offsets only rise; a client whose broker was in trouble may bring records again.
        if offset < run.next {
            tracing::warn!("the client brings {} offset {offset} again", self.names.partition(run.lane));
            return;
        }
        run.next = NextOffset::after(offset).0.min(run.end);
        if offset < run.end {
            batch.push(run.at, message);
        }
    }

    /// Looks up what holds for the records of a partition that come now.
    fn begin_run(&self, message: &BorrowedMessage<'c>, batch: &mut Batch<'c>) -> Option<Reading> {
        let change = self.lanes.change();
        let lane = self.names.lane(message.topic(), message.partition())?;
        // A record that was fetched before its partition was given up belongs to the next owner.
        let owned = self.lanes.owned(lane)?;
        let read = self.read.get(&lane).filter(|(epoch, _)| *epoch == owned.epoch);
        let next = read.map_or(owned.start.from, |(_, next)| *next);
        let at = batch.run(lane, owned.epoch, owned.start.files_from);
        let end = self.ends.map_or(i64::MAX, |ends| ends.of(lane));
        Some(Reading { lane, epoch: owned.epoch, change, at, end, next })
    }

    fn end_run(&mut self, run: Option<Reading>) {
        if let Some(Reading { lane, epoch, next, .. }) = run {
            self.read.insert(lane, (epoch, next));
        }
    }

    /// What is read reaches beyond the last record: the markers of transactions take offsets and are not delivered. The client
    /// knows when it has passed them.
    fn note_positions(&mut self, batch: &mut Batch<'c>) -> Result<(), Error> {
        if self.looked_at_positions.elapsed() < IDLE {
            return Ok(());
        }
        self.looked_at_positions = Instant::now();
        let positions = self.consumer.position().map_err(|source| Error::client("read the positions", source))?;
        for found in positions.elements() {
            let Offset::Offset(next) = found.offset() else { continue };
            let Some(lane) = self.names.lane(found.topic(), found.partition()) else { continue };
            let next = self.ends.map_or(next, |ends| next.min(ends.of(lane)));
            if let Some((epoch, read)) = self.read.get_mut(&lane)
                && self.lanes.is_owned(lane, *epoch)
                && next > *read
            {
                *read = next;
                batch.read_up_to.push((lane, *epoch, next));
            }
        }
        Ok(())
    }

    /// Whether all topics are done: our partitions read to their ends, those of others committed by them. Files are ended
    /// as soon as ours are, for others may wait for our commits as we do for theirs.
    fn has_reached_the_end(&mut self, batch: &mut Batch<'c>) -> Result<bool, ServiceError> {
        let Some(ends) = self.ends else { return Ok(false) };
        if self.lanes.unassigned().is_some() || self.lanes.is_expecting() {
            return Ok(false);
        }
        let owned = self.lanes.all();
        let is_read =
            |lane, epoch| self.read.get(lane).is_some_and(|&(of, next)| of == epoch && next >= ends.of(*lane));
        if !owned.iter().all(|(lane, owned)| is_read(lane, owned.epoch)) {
            self.ended_files = false;
            return Ok(false);
        }
        if !self.ended_files {
            self.ended_files = true;
            batch.ends_files = true;
            return Ok(false);
        }
        // Ours are on their way; should another writer win one of the files, the partition begins anew.
        if owned.iter().any(|(lane, owned)| owned.done < ends.of(*lane)) {
            return Ok(false);
        }
        let others = ends.of_others(self.lanes);
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
        // Where there is no answer, the next look may find the group's coordinator.
        let Ok(committed) = committed_offsets(self.consumer, list, ANSWER) else { return Ok(false) };
        let committed = NextOffsets::from_list(&committed);
        let is_done = |&(lane, end): &(Lane, i64)| {
            committed.get(self.names.topic(lane.dataset), lane.partition).is_some_and(|next| next.0 >= end)
        };
        Ok(others.iter().all(is_done))
    }
}

/// Records of one partition that come one after the other. It does not outlive a call that collects.
struct Reading {
    lane: Lane,
    epoch: Epoch,
    /// The last change of what is read before it.
    change: u64,
    /// Its run in the batch.
    at: usize,
    /// Where the partition ends for this run of the program.
    end: i64,
    next: i64,
}
