//! The topic `models` as a reader sees it that belongs to no group: all partitions from the beginning, again and again where that
//! is asked for. A broker that is away is waited for, in steps that a stop need not wait for.

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use rdkafka::{ClientContext, Offset, TopicPartitionList};
use service::kafka::{Access, Error, KafkaConfig};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// What the broker is asked for takes at most so long, before it is asked whether to stop.
const STEP: Duration = Duration::from_millis(200);

/// The group that its ACLs know already; whoever is assigned partitions does not join it.
const GROUP: &str = "score";

/// A consumer of the topic.
pub(super) struct ModelsTopic {
    consumer: BaseConsumer<Quiet>,
    name: String,
    partitions: Vec<i32>,
    /// Those whose end has not been seen since the beginning.
    open: BTreeSet<i32>,
}

impl ModelsTopic {
    /// Connects, finds the topic and begins with its first record. None when it is to stop; the error is one sentence.
    pub(super) fn open(kafka: &KafkaConfig, name: &str, token: &CancellationToken) -> Result<Option<Self>, Error> {
        let mut config = kafka.consumer(GROUP);
        // The end of a partition that ends with a transaction's marker shows in no record.
        config.set("enable.partition.eof", "true");
        // A start waits for that end, and an answer without records takes so long.
        config.set("fetch.wait.max.ms", "100");
        let consumer: BaseConsumer<Quiet> = config
            .create_with_context(Quiet::default())
            .map_err(|source| Error::client("create a consumer", source))?;
        let deadline = Instant::now() + kafka.connect_timeout();
        loop {
            if token.is_cancelled() {
                return Ok(None);
            }
            if let Ok(answer) = consumer.fetch_metadata(Some(name), STEP)
                && let Some(topic) = answer.topics().iter().find(|topic| topic.name() == name)
            {
                if let Some(code) = topic.error().map(RDKafkaErrorCode::from) {
                    let needs = [Access::read_topic(name)];
                    match Error::refused_or_client("find a topic", KafkaError::MetadataFetch(code), &needs) {
                        error @ Error::NotAllowed { .. } => return Err(error),
                        _ if Instant::now() >= deadline || code == RDKafkaErrorCode::UnknownTopicOrPartition => {
                            return Err(missing(kafka, name));
                        }
                        // Its leaders are being elected.
                        _ => {}
                    }
                } else if !topic.partitions().is_empty() {
                    let partitions = topic.partitions().iter().map(|partition| partition.id()).collect();
                    let mut topic = Self { consumer, name: name.to_owned(), partitions, open: BTreeSet::new() };
                    topic.begin()?;
                    topic.consumer.context().is_found.store(true, Ordering::Relaxed);
                    return Ok(Some(topic));
                }
            }
            if Instant::now() >= deadline {
                let cause = consumer.context().last.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let brokers = kafka.brokers.clone();
                return Err(Error::Unreachable { brokers, within: kafka.connect_timeout(), cause });
            }
        }
    }

    /// Goes back to the first record.
    pub(super) fn begin(&mut self) -> Result<(), Error> {
        let mut list = TopicPartitionList::new();
        for &partition in &self.partitions {
            list.add_partition_offset(&self.name, partition, Offset::Beginning)
                .map_err(|source| Error::client("assign partitions", source))?;
        }
        self.consumer.assign(&list).map_err(|source| Error::client("assign partitions", source))?;
        self.open = self.partitions.iter().copied().collect();
        Ok(())
    }

    /// Whether all has been read that was there since the beginning.
    pub(super) fn is_read(&self) -> bool {
        self.open.is_empty()
    }

    /// The next record, if one comes within this time. The error is that there is no topic any more, or that it may not be read.
    pub(super) fn next(&mut self, within: Duration) -> Result<Option<BorrowedMessage<'_>>, Error> {
        match self.consumer.poll(within) {
            None => Ok(None),
            Some(Ok(record)) => {
                self.consumer.context().is_down.store(false, Ordering::Relaxed);
                Ok(Some(record))
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                self.consumer.context().is_down.store(false, Ordering::Relaxed);
                self.open.remove(&partition);
                Ok(None)
            }
            Some(Err(source)) => {
                let is_gone = matches!(
                    source.rdkafka_error_code(),
                    Some(
                        RDKafkaErrorCode::UnknownTopicOrPartition
                            | RDKafkaErrorCode::UnknownTopic
                            | RDKafkaErrorCode::UnknownPartition
                            | RDKafkaErrorCode::TopicAuthorizationFailed
                    )
                );
                if is_gone {
                    let needs = [Access::read_topic(&self.name)];
                    return Err(Error::refused_or_client("read a topic", source, &needs));
                }
                // librdkafka connects again by itself.
                tracing::debug!("reading topic \"{}\": {source}", self.name);
                Ok(None)
            }
        }
    }
}

fn missing(kafka: &KafkaConfig, name: &str) -> Error {
    let advice = "plaudit topics create makes it".to_owned();
    Error::MissingTopics { topics: vec![name.to_owned()], brokers: kafka.brokers.clone(), advice }
}

/// Keeps what librdkafka says last of a connection: what is wrong is said once.
#[derive(Default)]
struct Quiet {
    last: Mutex<String>,
    /// The topic has been found: from now on nobody else says that brokers are away.
    is_found: AtomicBool,
    /// They are, and it has been said.
    is_down: AtomicBool,
}

impl ClientContext for Quiet {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(target: "librdkafka", "librdkafka: {facility} {message}");
    }

    fn error(&self, event: KafkaError, reason: &str) {
        if event.rdkafka_error_code() != Some(RDKafkaErrorCode::PartitionEOF) {
            tracing::debug!(target: "librdkafka", "{event}: {reason}");
            let is_down = event.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown);
            if is_down && self.is_found.load(Ordering::Relaxed) && !self.is_down.swap(true, Ordering::Relaxed) {
                tracing::warn!("no Kafka broker answers, and online updates come again when one does: {reason}");
            }
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = reason.to_owned();
        }
    }
}

impl ConsumerContext for Quiet {}
