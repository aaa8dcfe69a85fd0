//! One partition of a topic, from its first record to the end that it had when it was opened.

use super::VerifyError;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::OwnedMessage;
use rdkafka::{Message, Offset, TopicPartitionList};
use service::kafka::events::Events;
use service::kafka::{Access, Error, ErrorKind, KafkaConfig};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// In its consumer group's name.
const ROLE: &str = "replay";

/// How long a poll waits: the time within which a cancelled token is seen.
const POLL: Duration = Duration::from_millis(100);

/// A broker that delivers nothing for so long is not coming back by itself.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Partition {
    topic: String,
    partition: i32,
    consumer: BaseConsumer<Events>,
    /// The first offset that is left of it.
    start: i64,
    /// The offset to read next.
    next: i64,
    /// Behind the last offset.
    end: i64,
}

impl Partition {
    pub(super) fn open(kafka: &KafkaConfig, topic: &str, partition: i32) -> Result<Self, Error> {
        kafka.check_topics(&[topic], "what is to be verified has gone with it")?;
        let mut config = kafka.consumer(ROLE);
        config
            // The end of a partition that ends with a transaction's marker shows in no record.
            .set("enable.partition.eof", "true")
            // One such client is open for each partition that reviews come from.
            .set("queued.max.messages.kbytes", "4096")
            .set("fetch.wait.max.ms", "20");
        let consumer: BaseConsumer<Events> =
            config.create_with_context(Events).map_err(|source| Error::client("create a consumer", source))?;
        let (start, end) = consumer
            .fetch_watermarks(topic, partition, kafka.connect_timeout())
            .map_err(|source| Error::Bounds { topic: topic.to_owned(), partition, source })?;
        let mut opened = Self { topic: topic.to_owned(), partition, consumer, start, next: start, end };
        opened.assign(start)?;
        Ok(opened)
    }

    /// Goes on at this offset, or at the first that is left behind it.
    pub(super) fn go_to(&mut self, offset: i64) -> Result<(), Error> {
        // What lies a little ahead is read over faster than it is sought.
        const NEAR: i64 = 10_000;
        if offset < self.next || offset > self.next + NEAR {
            self.assign(offset.max(self.start))?;
        }
        Ok(())
    }

    fn assign(&mut self, offset: i64) -> Result<(), Error> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, self.partition, Offset::Offset(offset))
            .and_then(|()| self.consumer.assign(&list))
            .map_err(|source| Error::client("assign a partition", source))?;
        self.next = offset;
        Ok(())
    }

    /// The next record; none at the end, or when it is to stop.
    pub(super) fn next(&mut self, stop: &CancellationToken) -> Result<Option<OwnedMessage>, VerifyError> {
        self.next_up_to(self.end - 1, stop)
    }

    /// The next record whose offset is at most `last`.
    pub(super) fn next_up_to(
        &mut self,
        last: i64,
        stop: &CancellationToken,
    ) -> Result<Option<OwnedMessage>, VerifyError> {
        let asked = Instant::now();
        while self.next <= last && self.next < self.end && !stop.is_cancelled() {
            match self.consumer.poll(POLL) {
                Some(Ok(record)) => {
                    let record = record.detach();
                    self.next = record.offset() + 1;
                    if record.offset() <= last {
                        return Ok(Some(record));
                    }
                    // Markers and deleted records lie before it; it is wanted again, perhaps.
                    self.assign(record.offset())?;
                    return Ok(None);
                }
                Some(Err(KafkaError::PartitionEOF(_))) => {
                    self.next = self.end;
                }
                Some(Err(source)) => {
                    let needs = [Access::read_topic(&self.topic)];
                    let error = Error::refused_or_client("read a topic", source, &needs);
                    if error.kind() != ErrorKind::Retry {
                        return Err(error.into());
                    }
                }
                None => {}
            }
            if asked.elapsed() >= PATIENCE {
                let (topic, partition) = (self.topic.clone(), self.partition);
                return Err(VerifyError::Stalled { topic, partition, seconds: PATIENCE.as_secs() });
            }
        }
        Ok(None)
    }
}
