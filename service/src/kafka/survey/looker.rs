//! A consumer that only looks. Many partitions are asked about in one request to each broker.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::{Offset, TopicPartitionList};

use crate::kafka::access::Access;
use crate::kafka::error::{Error, ErrorKind};
use crate::kafka::offset::{NextOffset, NextOffsets};

/// What is asked of a broker in one look, at most so much of each partition: records are looked at, not worked off.
const SETTINGS: [(&str, &str); 5] = [
    ("enable.partition.eof", "true"),
    // A partition that has nothing to bring says so at once.
    ("fetch.wait.max.ms", "10"),
    ("max.partition.fetch.bytes", "65536"),
    ("queued.max.messages.kbytes", "8192"),
    // A look is over before a connection that was refused would be tried again by default.
    ("reconnect.backoff.max.ms", "200"),
];

/// How long librdkafka may wait before the deadline is looked at.
const POLL: Duration = Duration::from_millis(20);

pub(super) struct Looker {
    pub(super) consumer: BaseConsumer<Silent>,
    needs: Vec<Access>,
    deadline: Instant,
}

/// The offsets between which partitions hold records.
pub(super) struct Extents {
    pub(super) start: NextOffsets,
    /// Where a read_committed reader ends for now.
    pub(super) end: NextOffsets,
}

/// Whether more of a partition is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    More,
    Enough,
}

impl Looker {
    /// Does not connect yet. What its calls take is named where a broker refuses it.
    pub(super) fn new(mut config: ClientConfig, needs: Vec<Access>, within: Duration) -> Result<Self, Error> {
        config.extend(SETTINGS.map(|(key, value)| (key.to_owned(), value.to_owned())));
        let consumer =
            config.create_with_context(Silent).map_err(|source| Error::client("create a consumer", source))?;
        Ok(Self { consumer, needs, deadline: Instant::now() + within })
    }

    /// The time that is left; never none at all, which librdkafka would take for a poll.
    pub(super) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
    }

    pub(super) fn is_over(&self) -> bool {
        Instant::now() >= self.deadline
    }

    pub(super) fn failed(&self, action: &'static str) -> impl Fn(KafkaError) -> Error + '_ {
        move |source| Error::refused_or_client(action, source, &self.needs)
    }

    /// The partitions of these topics that can be read now: those without a leader would hold up the answer for all.
    pub(super) fn partitions(&self, topics: &[&str]) -> Result<TopicPartitionList, Error> {
        let metadata = self.consumer.fetch_metadata(None, self.left()).map_err(self.failed("ask for topics"))?;
        let mut list = TopicPartitionList::new();
        for topic in metadata.topics().iter().filter(|topic| topics.contains(&topic.name())) {
            for partition in topic.partitions().iter().filter(|partition| partition.leader() >= 0) {
                list.add_partition(topic.name(), partition.id());
            }
        }
        Ok(list)
    }

    /// Where these partitions begin and end.
    pub(super) fn extents(&self, partitions: &TopicPartitionList) -> Result<Extents, Error> {
        let ask = |bound| self.bound(partitions, bound).map_err(self.failed("ask where partitions begin and end"));
        Ok(Extents { start: ask(Offset::Beginning)?, end: ask(Offset::End)? })
    }

    /// A question for the offset of a time, where Kafka knows two that are none: its beginning and its end.
    fn bound(&self, partitions: &TopicPartitionList, bound: Offset) -> KafkaResult<NextOffsets> {
        if partitions.count() == 0 {
            return Ok(NextOffsets::new());
        }
        let mut question = partitions.clone();
        question.set_all_offsets(bound)?;
        let answer = self.consumer.offsets_for_times(question, self.left())?;
        for element in answer.elements() {
            element.error()?;
        }
        Ok(NextOffsets::from_list(&answer))
    }

    /// Reads partitions of a topic from these positions on, each until `each` has enough of it, its end, or the end of the
    /// time. Answers those that did not get so far.
    pub(super) fn read(
        &self,
        topic: &str,
        from: &BTreeMap<i32, NextOffset>,
        mut each: impl FnMut(&BorrowedMessage<'_>) -> Reading,
    ) -> Result<BTreeSet<i32>, Error> {
        let mut positions = NextOffsets::new();
        from.iter().for_each(|(partition, next)| positions.set(topic, *partition, *next));
        self.consumer.assign(&positions.to_list()?).map_err(self.failed("assign partitions"))?;
        let mut open: BTreeSet<i32> = from.keys().copied().collect();
        while !open.is_empty() && !self.is_over() {
            let done = match self.consumer.poll(POLL.min(self.left())) {
                None => continue,
                Some(Ok(record)) => (each(&record) == Reading::Enough).then(|| record.partition()),
                Some(Err(KafkaError::PartitionEOF(partition))) => Some(partition),
                Some(Err(source)) => {
                    let error = self.failed("read records")(source);
                    if error.kind() != ErrorKind::Retry {
                        return Err(error);
                    }
                    None
                }
            };
            if let Some(partition) = done.filter(|partition| open.remove(partition)) {
                let mut list = TopicPartitionList::new();
                list.add_partition(topic, partition);
                self.consumer.pause(&list).map_err(self.failed("pause a partition"))?;
            }
        }
        Ok(open)
    }
}

/// It keeps what librdkafka says to itself: what could not be reached is told once, by who asked.
pub(super) struct Silent;

impl ClientContext for Silent {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(target: "librdkafka", "{facility} {message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", "{error}: {reason}");
    }
}

impl ConsumerContext for Silent {}
