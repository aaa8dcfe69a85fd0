//! Topics: creating and describing them, and the offsets between which they hold records. Calls block, at most the
//! connect timeout for each request.

mod bounds;
mod inspect;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::metadata::{Metadata, MetadataTopic};

use super::access::Access;
use super::config::KafkaConfig;
use super::error::Error;
use super::reachable::{Cluster, metadata};

pub(super) use bounds::bounds;
pub use bounds::end_offsets;
pub use inspect::{GROUP_OFFSETS, Inspection, Settings, TRANSACTION_STATE, TopicInspection, inspect};

/// Pause between two looks at a cluster that is not ready yet.
const PAUSE: Duration = Duration::from_millis(50);

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
    /// Partitions that nobody can read or write for now.
    pub leaderless: usize,
}

impl TopicDescription {
    fn of(topic: &MetadataTopic) -> Self {
        let partitions = topic.partitions();
        Self {
            partitions: partitions.len() as i32,
            replication: partitions.iter().map(|partition| partition.replicas().len()).min().unwrap_or(0),
            leaderless: partitions.iter().filter(|partition| partition.leader() < 0).count(),
        }
    }
}

/// Creates the topics that don't exist, and waits until all partitions of the new ones can be read and written; says of
/// each, in order, whether it is new.
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
    let created = outcomes
        .into_iter()
        .map(|outcome| match outcome {
            Ok(_) => Ok(Created::New),
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => Ok(Created::Existed),
            Err((topic, code)) => Err(Error::refused(code, &[Access::create_topic(&topic)])
                .unwrap_or_else(|| Error::Topic { action: "create", topic, reason: code.to_string() })),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let new = specs.iter().zip(&created).filter(|(_, created)| **created == Created::New).map(|(spec, _)| spec);
    await_leaders(kafka, new)?;
    Ok(created)
}

/// Kafka answers a creation before all brokers know of the topic and before its partitions have leaders.
fn await_leaders<'s>(kafka: &KafkaConfig, specs: impl Iterator<Item = &'s TopicSpec>) -> Result<(), Error> {
    let cluster = Cluster::new(kafka)?;
    let deadline = Instant::now() + kafka.connect_timeout();
    for spec in specs {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let found = descriptions(&cluster.metadata(left.max(PAUSE))?, &[&spec.name]).remove(&spec.name);
            if found.is_none() {
                cluster.check_visible(&[&spec.name], left)?;
            }
            // Where the broker chooses their number, there is one at least.
            let expected = spec.partitions.max(1);
            let ready = found.map_or(0, |found| found.partitions - found.leaderless as i32);
            if ready >= expected {
                break;
            }
            if left.is_zero() {
                let waited = kafka.connect_timeout().as_secs_f64();
                let reason = format!(
                    "it was created, but {ready} of its {expected} partitions have a leader after {waited} s; \
                     are all brokers up?"
                );
                return Err(Error::Topic { action: "use", topic: spec.name.clone(), reason });
            }
            std::thread::park_timeout(PAUSE.min(left));
        }
    }
    Ok(())
}

/// The topics that exist among these.
pub fn describe(kafka: &KafkaConfig, topics: &[&str]) -> Result<BTreeMap<String, TopicDescription>, Error> {
    Ok(descriptions(&metadata(kafka, kafka.connect_timeout())?, topics))
}

fn descriptions(metadata: &Metadata, topics: &[&str]) -> BTreeMap<String, TopicDescription> {
    let found = metadata.topics().iter().filter(|topic| topics.contains(&topic.name()));
    found.map(|topic| (topic.name().to_owned(), TopicDescription::of(topic))).collect()
}

/// Kafka's own default of `max.message.bytes`.
const DEFAULT_MAX_MESSAGE_BYTES: usize = 1_048_588;

/// The largest record, or batch of records, that each topic accepts and this client sends. Where the broker doesn't say,
/// because this client may not ask or it doesn't know the question, as the in-process one, it is the client's own limit, or
/// Kafka's default where it has none.
pub fn max_message_bytes<const N: usize>(kafka: &KafkaConfig, topics: [&str; N]) -> Result<[usize; N], Error> {
    let own: Option<usize> = kafka.properties.get("message.max.bytes").and_then(|value| value.parse().ok());
    let client: AdminClient<DefaultClientContext> =
        kafka.admin().create().map_err(|source| Error::client("create an admin client", source))?;
    let resources = topics.map(ResourceSpecifier::Topic);
    let options = AdminOptions::new().request_timeout(Some(kafka.connect_timeout()));
    let answers = futures::executor::block_on(client.describe_configs(&resources, &options)).unwrap_or_default();
    let mut limits = [own.unwrap_or(DEFAULT_MAX_MESSAGE_BYTES); N];
    for ((limit, name), answer) in limits.iter_mut().zip(topics).zip(answers) {
        let value = answer.ok().and_then(|topic| topic.get("max.message.bytes")?.value.clone());
        match (value.and_then(|value| value.parse().ok()), own) {
            (Some(bytes), Some(own)) => *limit = own.min(bytes),
            (Some(bytes), None) => *limit = bytes,
            (None, Some(_)) => {}
            (None, None) => tracing::warn!("\"{name}\" does not show its max.message.bytes: takes it for {limit}"),
        }
    }
    Ok(limits)
}

#[cfg(test)]
mod tests {
    use rdkafka::mocking::MockCluster;

    use super::*;

    fn spec(partitions: i32) -> TopicSpec {
        TopicSpec { name: "topic".to_owned(), partitions, replication: -1, config: BTreeMap::new() }
    }

    #[test]
    fn a_new_topic_is_waited_for_until_every_partition_has_a_leader() {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("topic", 2, 1).unwrap();
        cluster.partition_leader("topic", 1, None).unwrap();
        let mut kafka = KafkaConfig::new(cluster.bootstrap_servers(), "app");
        kafka.connect_timeout_ms = 700;
        let message = await_leaders(&kafka, [spec(2)].iter()).unwrap_err().to_string();
        assert_eq!(
            message,
            "cannot use topic \"topic\": it was created, but 1 of its 2 partitions have a leader after 0.7 s; \
             are all brokers up?"
        );

        kafka.connect_timeout_ms = 20_000;
        let waiting = std::thread::spawn(move || await_leaders(&kafka, [spec(2)].iter()));
        std::thread::park_timeout(Duration::from_millis(300));
        assert!(!waiting.is_finished(), "it waits for the second leader");
        cluster.partition_leader("topic", 1, Some(1)).unwrap();
        waiting.join().unwrap().unwrap();
    }
}
