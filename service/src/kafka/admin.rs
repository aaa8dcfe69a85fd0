//! Topics: creating and describing them, and the offsets between which they hold records. Calls block, at most the
//! connect timeout each.

use std::collections::BTreeMap;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;

use super::config::KafkaConfig;
use super::error::Error;
use super::offset::{NextOffset, NextOffsets};
use super::reachable::metadata;

/// A topic to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// Its name.
    pub name: String,
    /// How many partitions; -1 leaves it to the broker.
    pub partitions: i32,
    /// On how many brokers; -1 leaves it to the broker.
    pub replication: i32,
    /// Settings such as `cleanup.policy`.
    pub config: BTreeMap<String, String>,
}

/// What became of a [`TopicSpec`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// The topic is new.
    New,
    /// A topic of this name was there, and stays as it is.
    Existed,
}

/// A topic as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicDescription {
    /// How many partitions.
    pub partitions: i32,
    /// Copies of the partition that has fewest.
    pub replication: usize,
}

/// The offsets between which a topic holds records.
pub(super) struct Bounds {
    /// The first record that has not been deleted.
    pub(super) start: NextOffsets,
    /// Where a read_committed reader ends for now: before the first open transaction.
    pub(super) end: NextOffsets,
}

/// Creates the topics that don't exist; says of each, in order, whether it is new.
pub fn create_topics(kafka: &KafkaConfig, specs: &[TopicSpec]) -> Result<Vec<Created>, Error> {
    // An admin request to an absent broker only says that it timed out.
    kafka.check_reachable(kafka.connect_timeout())?;
    let client: AdminClient<DefaultClientContext> =
        kafka.admin().create().map_err(|source| Error::client("create an admin client", source))?;
    let topics: Vec<NewTopic<'_>> = specs
        .iter()
        .map(|spec| {
            let topic = NewTopic::new(&spec.name, spec.partitions, TopicReplication::Fixed(spec.replication));
            spec.config.iter().fold(topic, |topic, (key, value)| topic.set(key, value))
        })
        .collect();
    let timeout = Some(kafka.connect_timeout());
    let options = AdminOptions::new().request_timeout(timeout).operation_timeout(timeout);
    let outcomes = futures::executor::block_on(client.create_topics(&topics, &options))
        .map_err(|source| Error::client("create topics", source))?;
    outcomes
        .into_iter()
        .map(|outcome| match outcome {
            Ok(_) => Ok(Created::New),
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => Ok(Created::Existed),
            Err((topic, code)) => Err(Error::Topic { action: "create", topic, reason: code.to_string() }),
        })
        .collect()
}

/// The topics that exist among these.
pub fn describe(kafka: &KafkaConfig, topics: &[&str]) -> Result<BTreeMap<String, TopicDescription>, Error> {
    let metadata = metadata(kafka, kafka.connect_timeout())?;
    let found = metadata.topics().iter().filter(|topic| topics.contains(&topic.name()));
    Ok(found
        .map(|topic| {
            let partitions = topic.partitions();
            let description = TopicDescription {
                partitions: partitions.len() as i32,
                replication: partitions.iter().map(|partition| partition.replicas().len()).min().unwrap_or(0),
            };
            (topic.name().to_owned(), description)
        })
        .collect())
}

/// Kafka's own default of `max.message.bytes`.
const DEFAULT_MAX_MESSAGE_BYTES: usize = 1_048_588;

/// The largest record, or batch of records, that each topic accepts. Where the broker doesn't say, because this client may
/// not ask or it doesn't know the question, it is Kafka's default.
pub fn max_message_bytes<const N: usize>(kafka: &KafkaConfig, topics: [&str; N]) -> Result<[usize; N], Error> {
    // A limit of the client's own holds for all topics, and needs no question; the in-process broker would not answer one.
    if let Some(bytes) = kafka.properties.get("message.max.bytes").and_then(|value| value.parse().ok()) {
        return Ok([bytes; N]);
    }
    let client: AdminClient<DefaultClientContext> =
        kafka.admin().create().map_err(|source| Error::client("create an admin client", source))?;
    let resources = topics.map(ResourceSpecifier::Topic);
    let options = AdminOptions::new().request_timeout(Some(kafka.connect_timeout()));
    let answers = futures::executor::block_on(client.describe_configs(&resources, &options)).unwrap_or_default();
    let mut limits = [DEFAULT_MAX_MESSAGE_BYTES; N];
    for (limit, answer) in limits.iter_mut().zip(answers) {
        let value = answer.ok().and_then(|topic| topic.get("max.message.bytes")?.value.clone());
        if let Some(bytes) = value.and_then(|value| value.parse().ok()) {
            *limit = bytes;
        }
    }
    Ok(limits)
}

/// Where a read_committed reader of this topic ends now: before the first open transaction.
///
/// A transaction leaves a marker behind its records, which takes an offset of its own and is never delivered: a reader
/// has reached the end when its next offset is the end, or when the client reports the end of the partition.
pub fn end_offsets(kafka: &KafkaConfig, topic: &str) -> Result<NextOffsets, Error> {
    bounds(kafka, topic).map(|bounds| bounds.end)
}

/// Where a topic begins and ends now. A topic that does not exist is an error.
pub(super) fn bounds(kafka: &KafkaConfig, topic: &str) -> Result<Bounds, Error> {
    let Some(description) = describe(kafka, &[topic])?.remove(topic) else {
        let (brokers, advice) = (kafka.brokers.clone(), "create it first".to_owned());
        return Err(Error::MissingTopics { topics: vec![topic.to_owned()], brokers, advice });
    };
    let consumer: BaseConsumer =
        kafka.reader().create().map_err(|source| Error::client("create a consumer", source))?;
    let mut bounds = Bounds { start: NextOffsets::new(), end: NextOffsets::new() };
    for partition in 0..description.partitions {
        let (start, end) = consumer
            .fetch_watermarks(topic, partition, kafka.connect_timeout())
            .map_err(|source| Error::client("read the bounds of a partition", source))?;
        bounds.start.set(topic, partition, NextOffset(start));
        bounds.end.set(topic, partition, NextOffset(end));
    }
    Ok(bounds)
}
