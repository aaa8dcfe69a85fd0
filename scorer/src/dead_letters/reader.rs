//! Reads a topic partition by partition, so that what comes out has one order and nothing is held in memory. Joins no group and
//! commits nothing.

use super::letter::Entry;
use super::offset_set::OffsetSet;
use super::{DeadLetterTopic, Error, Letter, marker};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::BorrowedMessage;
use rdkafka::{Message, Offset, TopicPartitionList};
use schemas::Timestamp;
use service::kafka::admin::describe;
use service::kafka::events::Events;
use service::kafka::{Access, Error as KafkaFailure, ErrorKind};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// In its consumer group's name, and in the transactional id of a replay.
pub(super) const ROLE: &str = "dlq";

/// How long a poll waits: the time within which a cancelled token is seen.
const POLL: Duration = Duration::from_millis(100);

/// A broker that delivers nothing for so long is not coming back by itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// The part of a partition that is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) partition: i32,
    pub(super) start: i64,
    /// Behind the last offset.
    pub(super) end: i64,
}

impl Span {
    pub(super) fn offsets(&self) -> u64 {
        u64::try_from(self.end - self.start).unwrap_or_default()
    }
}

pub(super) struct Reader<'t> {
    topic: &'t DeadLetterTopic,
    partitions: i32,
    consumer: BaseConsumer<Events>,
}

impl<'t> Reader<'t> {
    pub(super) fn open(topic: &'t DeadLetterTopic) -> Result<Self, Error> {
        let advice = "create it with `plaudit topics create`, or name another with --topic";
        topic.kafka.check_topics(&[&topic.name], advice)?;
        let description = describe(&topic.kafka, &[&topic.name])?.remove(&topic.name);
        let partitions = description.map_or(0, |description| description.partitions);
        Ok(Self { topic, partitions, consumer: consumer(topic, "read_committed")? })
    }

    /// Waits until a read_committed reader sees all that is in the topic now. A marker may lie behind a transaction that
    /// somebody else, such as a scorer that was killed, has left open in the same partition; overlooked, its letters would
    /// be sent again.
    pub(super) fn settle(
        &self,
        stop: &CancellationToken,
        mut waiting: impl FnMut(i32),
    ) -> Result<ControlFlow<()>, Error> {
        let uncommitted = consumer(self.topic, "read_uncommitted")?;
        for partition in 0..self.partitions {
            let (_, written) = self.watermarks(&uncommitted, partition)?;
            while self.watermarks(&self.consumer, partition)?.1 < written {
                if stop.is_cancelled() {
                    return Ok(ControlFlow::Break(()));
                }
                waiting(partition);
                std::thread::park_timeout(POLL);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// All partitions to the end that they have now, from the first record written at `since` or later.
    pub(super) fn spans(&self, since: Option<Timestamp>) -> Result<Vec<Span>, Error> {
        let mut spans = Vec::new();
        for partition in 0..self.partitions {
            let (start, end) = self.watermarks(&self.consumer, partition)?;
            spans.push(Span { partition, start, end });
        }
        if let Some(since) = since {
            let mut times = TopicPartitionList::new();
            for span in &spans {
                times
                    .add_partition_offset(&self.topic.name, span.partition, Offset::Offset(since.epoch_millis().max(0)))
                    .map_err(|source| KafkaFailure::client("list partitions", source))?;
            }
            let found = self
                .consumer
                .offsets_for_times(times, self.topic.kafka.connect_timeout())
                .map_err(|source| KafkaFailure::client("find offsets by time", source))?;
            for span in &mut spans {
                span.start = match found.find_partition(&self.topic.name, span.partition).map(|it| it.offset()) {
                    Some(Offset::Offset(offset)) => offset.clamp(span.start, span.end),
                    // Nothing is as young as that.
                    _ => span.end,
                };
            }
        }
        spans.retain(|span| span.start < span.end);
        Ok(spans)
    }

    /// Calls `each` with the records of the span, in order, until it breaks off, the token is cancelled or the span ends.
    pub(super) fn read<E: From<Error>>(
        &self,
        span: &Span,
        stop: &CancellationToken,
        mut each: impl FnMut(&BorrowedMessage<'_>) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        self.assign(span)?;
        let mut next = span.start;
        let mut last_sign = Instant::now();
        while next < span.end && !stop.is_cancelled() {
            match self.consumer.poll(POLL) {
                Some(Ok(record)) if record.partition() == span.partition => {
                    if record.offset() >= span.end {
                        break;
                    }
                    next = record.offset() + 1;
                    if each(&record)?.is_break() {
                        break;
                    }
                    last_sign = Instant::now();
                }
                // A transaction ends with an offset that is never delivered: the end of a span shows in no record.
                Some(Err(KafkaError::PartitionEOF(partition))) if partition == span.partition => break,
                Some(Err(source)) if !matches!(source, KafkaError::PartitionEOF(_)) => {
                    let group = self.topic.kafka.group_of(ROLE);
                    let needs = [Access::read_topic(&self.topic.name), Access::describe_group(group)];
                    let error = KafkaFailure::refused_or_client("read dead letters", source, &needs);
                    if error.kind() != ErrorKind::Retry {
                        return Err(Error::from(error).into());
                    }
                }
                _ => {}
            }
            if last_sign.elapsed() >= PATIENCE {
                let Span { partition, .. } = *span;
                let (topic, seconds) = (self.topic.name.clone(), PATIENCE.as_secs());
                return Err(Error::Stalled { topic, partition, offset: next - 1, seconds }.into());
            }
        }
        Ok(())
    }

    /// Reads the span for what was replayed of it, and calls `each` with every letter.
    pub(super) fn survey(
        &self,
        span: &Span,
        stop: &CancellationToken,
        mut each: impl FnMut(&Letter),
        mut read: impl FnMut(i64),
    ) -> Result<OffsetSet, Error> {
        let mut replayed = OffsetSet::default();
        self.read(span, stop, |record| {
            match Entry::of(record) {
                Entry::Marker(ranges) => marker::add(&mut replayed, ranges, span.start, record.offset()),
                Entry::Letter(letter) => each(&letter),
            }
            read(record.offset());
            Ok::<_, Error>(ControlFlow::Continue(()))
        })?;
        Ok(replayed)
    }

    fn assign(&self, span: &Span) -> Result<(), Error> {
        let mut list = TopicPartitionList::new();
        let outcome = list
            .add_partition_offset(&self.topic.name, span.partition, Offset::Offset(span.start))
            .and_then(|()| self.consumer.assign(&list));
        Ok(outcome.map_err(|source| KafkaFailure::client("assign a partition", source))?)
    }

    fn watermarks(&self, consumer: &BaseConsumer<Events>, partition: i32) -> Result<(i64, i64), Error> {
        let watermarks = consumer.fetch_watermarks(&self.topic.name, partition, self.topic.kafka.connect_timeout());
        Ok(watermarks.map_err(|source| KafkaFailure::client("read the bounds of a partition", source))?)
    }
}

fn consumer(topic: &DeadLetterTopic, isolation_level: &str) -> Result<BaseConsumer<Events>, Error> {
    let mut config = topic.kafka.consumer(ROLE);
    config
        .set("isolation.level", isolation_level)
        .set("enable.partition.eof", "true")
        // The end of each partition is waited for.
        .set("fetch.wait.max.ms", "20")
        // A replica near by may report an end that lies before that of the leader, and markers between the two.
        .remove("client.rack");
    Ok(config.create_with_context(Events).map_err(|source| KafkaFailure::client("create a consumer", source))?)
}
