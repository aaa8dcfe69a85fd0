//! Topics and a broker with the settings that are in force on them, for those who judge whether they will do.

use std::collections::BTreeMap;

use rdkafka::admin::{AdminClient, AdminOptions, ConfigResource, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::{TopicDescription, descriptions};
use crate::kafka::config::KafkaConfig;
use crate::kafka::error::Error;
use crate::kafka::reachable::Cluster;

/// Settings by name, defaults included; or why this client does not see them.
pub type Settings = Result<BTreeMap<String, String>, String>;

/// A cluster as it is.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// How many brokers are up.
    pub brokers: usize,
    /// One broker's settings.
    pub broker_settings: Settings,
    /// The topics that exist among those asked for.
    pub topics: BTreeMap<String, TopicInspection>,
    /// Those of Kafka's own that this client may see: they are made when they are needed first.
    pub internal: BTreeMap<String, TopicInspection>,
}

/// Where the offsets of consumer groups are kept.
pub const GROUP_OFFSETS: &str = "__consumer_offsets";

/// Where the state of transactions is kept.
pub const TRANSACTION_STATE: &str = "__transaction_state";

/// A topic with its settings.
#[derive(Debug, Clone)]
pub struct TopicInspection {
    /// Its partitions.
    pub description: TopicDescription,
    /// Its settings, whether they are its own or the broker's.
    pub settings: Settings,
}

/// Looks at these topics and at the cluster that holds them. A topic that this client may not see is an error. Settings take
/// the permission DescribeConfigs.
pub fn inspect(kafka: &KafkaConfig, topics: &[&str]) -> Result<Inspection, Error> {
    let cluster = Cluster::new(kafka)?;
    let metadata = cluster.metadata(kafka.connect_timeout())?;
    let found = descriptions(&metadata, topics);
    let missing: Vec<&str> = topics.iter().filter(|topic| !found.contains_key(**topic)).copied().collect();
    cluster.check_visible(&missing, kafka.connect_timeout())?;
    let client: AdminClient<DefaultClientContext> =
        kafka.admin().create().map_err(|source| Error::client("create an admin client", source))?;
    let options = AdminOptions::new().request_timeout(Some(kafka.connect_timeout()));
    let settings = |resource: ResourceSpecifier<'_>| {
        // One resource to a request: a refusal of one says nothing about the others.
        settings(futures::executor::block_on(client.describe_configs([&resource], &options)))
    };
    let broker_settings = match metadata.brokers().first() {
        Some(broker) => settings(ResourceSpecifier::Broker(broker.id())),
        None => Err("there is no broker".to_owned()),
    };
    let with_settings = |found: BTreeMap<String, TopicDescription>| {
        let described = found.into_iter().map(|(name, description)| {
            let settings = settings(ResourceSpecifier::Topic(&name));
            (name, TopicInspection { description, settings })
        });
        described.collect()
    };
    let internal = descriptions(&metadata, &[GROUP_OFFSETS, TRANSACTION_STATE]);
    Ok(Inspection {
        brokers: metadata.brokers().len(),
        broker_settings,
        topics: with_settings(found),
        internal: with_settings(internal),
    })
}

fn settings(answer: Result<Vec<Result<ConfigResource, RDKafkaErrorCode>>, KafkaError>) -> Settings {
    let resource = answer
        .map_err(|error| error.to_string())?
        .pop()
        .ok_or_else(|| "the broker said nothing".to_owned())?
        .map_err(|code| code.to_string())?;
    if resource.entries.is_empty() {
        // The client hands on no refusal, and nothing is without settings.
        return Err("the permission DescribeConfigs is missing".to_owned());
    }
    Ok(resource.entries.into_iter().filter_map(|entry| Some((entry.name, entry.value?))).collect())
}
