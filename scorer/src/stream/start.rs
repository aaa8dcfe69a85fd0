//! Where a partition begins that the group has assigned: behind what was committed for it.
//!
//! Whoever commits offsets leaves its transactional id beside them. The next owner of the partition ends what that producer
//! may have left open if its member is gone; readers of the predictions would wait for the transaction's time-out otherwise.
//!
//! A committed offset can lie outside of what the topic still holds. The client would go on at the first record that is left
//! and say nothing; here it is an error, after which the assignment begins anew and the range that is gone is named.

use super::config::{ANSWER, ROLE};
use super::intake::ReviewConsumer;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaResult;
use rdkafka::{Offset, TopicPartitionList};
use schemas::{Alert, Timestamp, Window};
use service::kafka::{Error, KafkaConfig, NextOffset, TransactionalProducer, committed_offsets};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Offsets in a transaction that is still open are not told; a rebalance does not wait for its end.
const FIRST_ANSWER: Duration = Duration::from_secs(1);

/// The shortest time that librdkafka takes for more than none.
const SHORTEST: Duration = Duration::from_millis(1);

/// How often it is looked whether there is something to clear.
const LOOK: Duration = Duration::from_millis(100);
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Records of a partition that were deleted before they were scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LostRange {
    pub(super) partition: i32,
    /// The committed offset.
    pub(super) from: NextOffset,
    /// The first that the topic still holds.
    pub(super) to: NextOffset,
}

impl LostRange {
    /// The key of its alerts.
    pub(super) const MONITOR: &str = "lost-range";

    /// What goes to `drift`, in the transaction that takes the group past the range.
    pub(super) fn alert(&self, topic: &str) -> Alert {
        Alert {
            monitor: Self::MONITOR.to_owned(),
            statistic: "lost_records".to_owned(),
            value: self.records() as f64,
            threshold: 0.0,
            slice: Default::default(),
            window: Window {
                topic: topic.to_owned(),
                partition: Some(self.partition),
                from_offset: Some(self.from.0),
                to_offset: Some(self.to.0),
                records: Some(self.records()),
                ..Window::default()
            },
            message: self.error(topic).to_string(),
            since: Timestamp::now(),
        }
    }

    /// The same as an error.
    pub(super) fn error(&self, topic: &str) -> Error {
        Error::LostRange { topic: topic.to_owned(), partition: self.partition, from: self.from, to: self.to }
    }

    pub(super) fn records(&self) -> u64 {
        self.to.0.abs_diff(self.from.0)
    }
}

pub(super) struct Starts {
    kafka: KafkaConfig,
    transactional_id: String,
    transaction_timeout: Duration,
    /// A position was out of range: from then on assignments compare positions with what the topic holds.
    looks_at_ranges: AtomicBool,
    found: Mutex<Result<Vec<LostRange>, Error>>,
    to_clear: Mutex<ToClear>,
}

/// Whose transactions may be open in partitions that were assigned.
#[derive(Default)]
struct ToClear {
    /// The transactional ids that committed their offsets.
    writers: BTreeSet<String>,
    /// Partitions whose offsets an open transaction hides.
    hidden: Option<TopicPartitionList>,
}

impl Starts {
    pub(super) fn new(kafka: KafkaConfig, transactional_id: String, transaction_timeout: Duration) -> Self {
        let found = Mutex::new(Ok(Vec::new()));
        Self {
            kafka,
            transactional_id,
            transaction_timeout,
            looks_at_ranges: AtomicBool::new(false),
            found,
            to_clear: Mutex::default(),
        }
    }

    pub(super) fn transactional_id(&self) -> &str {
        &self.transactional_id
    }

    /// Joins the group anew: the next assignment says which records are gone.
    pub(super) fn look_at_ranges(&self, consumer: &ReviewConsumer, topic: &str) -> Result<(), Error> {
        self.looks_at_ranges.store(true, Ordering::Relaxed);
        consumer.unsubscribe();
        consumer.subscribe(&[topic]).map_err(|source| Error::client("subscribe", source))
    }

    /// What was found to be gone since the last call.
    pub(super) fn take_lost(&self) -> Result<Vec<LostRange>, Error> {
        std::mem::replace(&mut *self.found.lock().unwrap_or_else(PoisonError::into_inner), Ok(Vec::new()))
    }

    /// Sets where each partition of a new assignment begins. Called from the rebalance callback: it waits for the broker once, and
    /// where a position was out of range until one deadline for all partitions.
    pub(super) fn place<C: ConsumerContext>(&self, consumer: &BaseConsumer<C>, assigned: &mut TopicPartitionList) {
        let looks_at_ranges = self.looks_at_ranges.load(Ordering::Relaxed);
        let placed = committed_offsets(consumer, assigned.clone(), FIRST_ANSWER).and_then(|committed| {
            let deadline = Instant::now() + ANSWER;
            for element in committed.elements() {
                let (topic, partition) = (element.topic(), element.partition());
                let start = match element.offset() {
                    Offset::Offset(next) if looks_at_ranges => {
                        Offset::Offset(self.within_range(consumer, topic, partition, next, deadline)?)
                    }
                    Offset::Offset(next) => Offset::Offset(next),
                    // Nothing was ever committed: no record is left out.
                    _ => Offset::Beginning,
                };
                assigned.set_partition_offset(topic, partition, start)?;
            }
            Ok(committed)
        });
        let mut to_clear = self.to_clear.lock().unwrap_or_else(PoisonError::into_inner);
        match placed {
            Ok(committed) => to_clear.writers.extend(committed.elements().iter().map(|e| e.metadata().to_owned())),
            Err(error) => {
                // An open transaction hides offsets. The client goes on asking, and a position that it can't find comes back as an
                // error.
                tracing::info!("the committed offsets can't be read yet: {error}");
                to_clear.hidden = Some(assigned.clone());
            }
        }
    }

    /// Ends, until the token is cancelled, what the dead left open in partitions that were assigned.
    pub(super) fn clear<C: ConsumerContext>(&self, consumer: &BaseConsumer<C>, stop: &CancellationToken) {
        let mut open = ToClear::default();
        while !stop.is_cancelled() {
            let found = std::mem::take(&mut *self.to_clear.lock().unwrap_or_else(PoisonError::into_inner));
            open.writers.extend(found.writers);
            open.hidden = found.hidden.or(open.hidden);
            let pause = match self.clear_once(consumer, &mut open, stop) {
                Ok(()) => LOOK,
                // The coordinator moves, perhaps: what it was asked is asked again.
                Err(error) => {
                    tracing::warn!("whose transactions are open is unknown: {error}");
                    LOOK_AGAIN
                }
            };
            std::thread::park_timeout(pause);
        }
    }

    fn clear_once<C: ConsumerContext>(
        &self,
        consumer: &BaseConsumer<C>,
        open: &mut ToClear,
        stop: &CancellationToken,
    ) -> KafkaResult<()> {
        if let Some(partitions) = &open.hidden {
            open.writers.extend(self.writers_before(partitions.clone())?);
            open.hidden = None;
        }
        let prefix = format!("{}.", self.kafka.group_of(ROLE));
        open.writers.retain(|id| id.starts_with(&prefix) && *id != self.transactional_id);
        if !open.writers.is_empty() {
            self.end_what_the_dead_left_open(consumer, &open.writers, stop)?;
            open.writers.clear();
        }
        Ok(())
    }

    /// Who committed last, as those see it who also read what is not committed: the offsets before an open transaction.
    fn writers_before(&self, partitions: TopicPartitionList) -> KafkaResult<Vec<String>> {
        let mut config = self.kafka.consumer(ROLE);
        let before: BaseConsumer = config.set("isolation.level", "read_uncommitted").create()?;
        let committed = committed_offsets(&before, partitions, ANSWER)?;
        Ok(committed.elements().iter().map(|element| element.metadata().to_owned()).collect())
    }

    /// Fences the producers among these whose members are no longer in the group.
    fn end_what_the_dead_left_open<C: ConsumerContext>(
        &self,
        consumer: &BaseConsumer<C>,
        writers: &BTreeSet<String>,
        stop: &CancellationToken,
    ) -> KafkaResult<()> {
        let list = consumer.fetch_group_list(Some(&self.kafka.group_of(ROLE)), ANSWER)?;
        let members: BTreeSet<String> =
            list.groups().iter().flat_map(|g| g.members()).map(|m| m.client_id().to_owned()).collect();
        // A list without this member, as brokers give it for groups of the newer protocol, tells nothing about others.
        if !members.contains(&self.transactional_id) {
            return Ok(());
        }
        // Each may take its time; those that are left when the worker is told to stop are the next owner's.
        for id in writers.difference(&members).take_while(|_| !stop.is_cancelled()) {
            match TransactionalProducer::new(&self.kafka, id, self.transaction_timeout) {
                Ok(_) => tracing::info!("\"{id}\" has left the group; a transaction that it left open is over"),
                Err(error) => tracing::warn!("what \"{id}\" left open will end by its time-out: {error}"),
            }
        }
        Ok(())
    }

    /// The offset, or the first that is left where it was deleted.
    fn within_range<C: ConsumerContext>(
        &self,
        consumer: &BaseConsumer<C>,
        topic: &str,
        partition: i32,
        next: i64,
        deadline: Instant,
    ) -> KafkaResult<i64> {
        let left = deadline.saturating_duration_since(Instant::now()).max(SHORTEST);
        let (first, end) = consumer.fetch_watermarks(topic, partition, left)?;
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if next > end {
            *found = Err(Error::BeyondTheEnd {
                topic: topic.to_owned(),
                partition,
                committed: NextOffset(next),
                end: NextOffset(end),
                group: self.kafka.group_of(ROLE),
            });
        } else if next < first
            && let Ok(lost) = &mut *found
        {
            lost.push(LostRange { partition, from: NextOffset(next), to: NextOffset(first) });
        }
        Ok(next.max(first))
    }
}
