//! Three topics as one stream of records, in the order in which they were written: a label that is read before its prediction
//! has to wait, and what waits is bounded. Of each partition one record is looked at; the earliest goes first.

use super::watch::Role;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Message, OwnedMessage};
use rdkafka::{Offset, TopicPartitionList};
use service::kafka::events::Events;
use service::kafka::{Access, Error, ErrorKind, KafkaConfig, NextOffset};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A partition that neither brings a record nor says that it is at its end holds up the others for so long, until it brings one.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one waits for records that are on their way.
const COMING: Duration = Duration::from_millis(20);
/// How long one waits where all partitions are at their ends.
const IDLE: Duration = Duration::from_millis(50);
/// Partitions that were at their ends are looked at again after so many records of others.
const LOOK_AGAIN: u32 = 64;
/// Errors that pass are told no more often.
const TELL_AGAIN: Duration = Duration::from_secs(60);
/// What the client reads ahead of each partition, in kilobytes.
const READ_AHEAD: (&str, &str) = ("queued.max.messages.kbytes", "4096");

/// A partition of a topic, and where it is read from.
#[derive(Debug, Clone)]
pub(super) struct Start {
    pub(super) role: Role,
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) from: Offset,
    /// Where it is read to; none for a stream that does not end.
    pub(super) to: Option<NextOffset>,
}

/// See the module's description.
pub(super) struct Feed {
    lanes: Vec<Lane>,
    consumer: Arc<BaseConsumer<Events>>,
    needs: Vec<Access>,
    told: Option<Instant>,
    /// How many records came since partitions at their ends were looked at.
    since_look: u32,
}

struct Lane {
    role: Role,
    topic: String,
    partition: i32,
    to: Option<NextOffset>,
    queue: PartitionQueue<Events>,
    head: Option<OwnedMessage>,
    /// Nothing was behind what came last, when it was looked at.
    at_end: bool,
    /// Its end has been reached.
    is_over: bool,
    /// Since when nothing is known of what comes next.
    silent_since: Instant,
}

/// A record and what it is.
pub(super) struct Record {
    pub(super) role: Role,
    pub(super) message: OwnedMessage,
}

/// What a look at the partitions brings.
pub(super) enum Next {
    /// The earliest record.
    Record(Record),
    /// None for now.
    Nothing,
    /// None ever: every partition has reached its end.
    Over,
}

impl Feed {
    /// Begins to read. No group is joined: one monitor sees all partitions.
    pub(super) fn open(kafka: &KafkaConfig, role: &str, starts: &[Start]) -> Result<Self, Error> {
        let mut config = kafka.consumer(role);
        config.set("enable.partition.eof", "true");
        if !kafka.properties.contains_key(READ_AHEAD.0) {
            config.set(READ_AHEAD.0, READ_AHEAD.1);
        }
        let consumer: BaseConsumer<Events> =
            config.create_with_context(Events).map_err(|source| Error::client("create a consumer", source))?;
        let consumer = Arc::new(consumer);
        let (mut list, mut lanes) = (TopicPartitionList::new(), Vec::new());
        for Start { role, topic, partition, from, to } in starts {
            list.add_partition_offset(topic, *partition, *from)
                .map_err(|source| Error::client("list offsets", source))?;
            // Before anything is assigned: all that comes, comes through it.
            let queue = consumer.split_partition_queue(topic, *partition);
            lanes.push(Lane {
                role: *role,
                topic: topic.clone(),
                partition: *partition,
                to: *to,
                queue: queue.ok_or_else(|| Error::client("part the partitions", KafkaError::Canceled))?,
                head: None,
                at_end: false,
                is_over: *to == Some(NextOffset(0)),
                silent_since: Instant::now(),
            });
        }
        consumer.assign(&list).map_err(|source| Error::client("assign partitions", source))?;
        let mut needs: Vec<Access> = lanes.iter().map(|lane| Access::read_topic(&lane.topic)).collect();
        needs.push(Access::read_group(kafka.group_of(role)));
        Ok(Self { lanes, consumer, needs, told: None, since_look: 0 })
    }

    /// The client, for what it knows of its group.
    pub(super) fn consumer(&self) -> &BaseConsumer<Events> {
        &self.consumer
    }

    /// Whether every partition was at its end when it was looked at.
    pub(super) fn is_at_end(&self) -> bool {
        self.lanes.iter().all(|lane| lane.head.is_none() && (lane.at_end || lane.is_over))
    }

    /// The earliest record that is at hand. Waits for one for a part of a second.
    pub(super) fn next(&mut self) -> Result<Next, Error> {
        self.since_look += 1;
        let look_at_all = self.since_look >= LOOK_AGAIN || self.lanes.iter().all(|lane| lane.head.is_none());
        if look_at_all {
            self.since_look = 0;
            self.events(Duration::ZERO)?;
        }
        for place in 0..self.lanes.len() {
            if !self.lanes[place].at_end || look_at_all {
                self.fill(place, Duration::ZERO)?;
            }
        }
        // The earliest is known when all have said what comes next.
        while let Some(place) = self.lanes.iter().position(Lane::is_coming) {
            self.fill(place, COMING)?;
            if self.lanes[place].is_coming() {
                return Ok(Next::Nothing);
            }
        }
        let earliest = self.lanes.iter().enumerate().filter_map(|(place, lane)| {
            let head = lane.head.as_ref()?;
            Some((head.timestamp().to_millis().unwrap_or(0), lane.role, lane.partition, place))
        });
        if let Some((_, role, _, place)) = earliest.min()
            && let Some(message) = self.lanes[place].head.take()
        {
            self.lanes[place].has_given(message.offset());
            return Ok(Next::Record(Record { role, message }));
        }
        if self.lanes.iter().all(|lane| lane.is_over) {
            return Ok(Next::Over);
        }
        self.events(IDLE)?;
        Ok(Next::Nothing)
    }

    /// Takes the next record of a partition, or learns that there is none.
    fn fill(&mut self, place: usize, wait: Duration) -> Result<(), Error> {
        let lane = &mut self.lanes[place];
        if lane.head.is_some() || lane.is_over {
            return Ok(());
        }
        let polled = lane.queue.poll(wait).map(|polled| polled.map(|message| message.detach()));
        match polled {
            None => Ok(()),
            Some(Ok(message)) if lane.to.is_some_and(|to| message.offset() >= to.0) => {
                lane.is_over = true;
                Ok(())
            }
            Some(Ok(message)) => {
                lane.head = Some(message);
                lane.at_end = false;
                Ok(())
            }
            Some(Err(KafkaError::PartitionEOF(_))) => {
                lane.at_end = true;
                lane.is_over = lane.to.is_some();
                Ok(())
            }
            Some(Err(error)) => self.trouble(error),
        }
    }

    /// What the client has to say beside records.
    fn events(&mut self, wait: Duration) -> Result<(), Error> {
        match self.consumer.poll(wait) {
            Some(Err(KafkaError::PartitionEOF(_))) | None => Ok(()),
            Some(Err(error)) => self.trouble(error),
            // Every partition has a queue of its own.
            Some(Ok(_)) => Err(Error::client("part the partitions", KafkaError::Canceled)),
        }
    }

    fn trouble(&mut self, error: KafkaError) -> Result<(), Error> {
        let error = Error::refused_or_client("read records", error, &self.needs);
        if error.kind() != ErrorKind::Retry {
            return Err(error);
        }
        if self.told.is_none_or(|told| told.elapsed() > TELL_AGAIN) {
            self.told = Some(Instant::now());
            tracing::warn!("{error}; reading goes on");
        }
        Ok(())
    }
}

impl Lane {
    /// Whether others wait for what comes next here.
    fn is_coming(&self) -> bool {
        self.head.is_none() && !self.at_end && !self.is_over && self.silent_since.elapsed() < PATIENCE
    }

    fn has_given(&mut self, offset: i64) {
        self.silent_since = Instant::now();
        self.is_over = self.to.is_some_and(|to| NextOffset::after(offset) >= to);
    }
}
