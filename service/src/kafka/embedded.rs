//! A Kafka broker inside this process: librdkafka's mock cluster. It takes groups, idempotence and transactions, and
//! serves demos and tests.
//!
//! Its limits: everything is in memory, each partition keeps at most 5 MiB or 100,000 batches and silently drops the
//! oldest, admin requests are not answered (topics are created here), records of an aborted transaction are seen by
//! everybody, and offsets that are committed in a transaction are accepted and forgotten: a group that rebalances or
//! returns starts where `auto.offset.reset` says. What must hold about delivery is shown on Apache Kafka, not here.

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::producer::{BaseProducer, Producer};

use super::config::KafkaConfig;
use super::error::Error;

/// A broker that lives as long as this value.
pub struct EmbeddedBroker {
    // The cluster belongs to this client, which can go from thread to thread as the bare cluster cannot.
    owner: BaseProducer,
    brokers: String,
}

impl EmbeddedBroker {
    /// Starts a broker on free local ports, with these topics and their numbers of partitions.
    pub fn start(topics: &[(&str, i32)]) -> Result<Self, Error> {
        let owner: BaseProducer = ClientConfig::new()
            .set("test.mock.num.brokers", "1")
            // Its log lines would say that the brokers of the configuration were replaced.
            .set_log_level(RDKafkaLogLevel::Error)
            .create()
            .map_err(|source| Error::client("start the embedded broker", source))?;
        let cluster = owner.client().mock_cluster().ok_or_else(|| Error::Config {
            key: "test.mock.num.brokers".to_owned(),
            reason: "started no broker: librdkafka was built without its mock cluster".to_owned(),
        })?;
        let brokers = cluster.bootstrap_servers();
        drop(cluster);
        let broker = Self { owner, brokers };
        topics.iter().try_for_each(|(topic, partitions)| broker.create_topic(topic, *partitions))?;
        Ok(broker)
    }

    /// host:port, as `kafka.brokers` takes it.
    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    /// A configuration that leads to this broker.
    pub fn config(&self, group: &str) -> KafkaConfig {
        KafkaConfig::new(&self.brokers, group)
    }

    /// Creates a topic that does not exist yet.
    pub fn create_topic(&self, topic: &str, partitions: i32) -> Result<(), Error> {
        let failed = |reason: String| Error::Topic { action: "create", topic: topic.to_owned(), reason };
        let cluster = self.owner.client().mock_cluster().ok_or_else(|| failed("the broker is gone".to_owned()))?;
        cluster.create_topic(topic, partitions, 1).map_err(|source| failed(source.to_string()))
    }
}
