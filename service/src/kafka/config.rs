//! The section `[kafka]` of the configuration, and the librdkafka settings made of it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use rdkafka::ClientConfig;
use serde::{Deserialize, Serialize};

use super::error::Error;
use crate::config::redact_url;

/// What exactly-once stands on is nobody's to change.
const PROMISED: [(&str, &str); 9] = [
    ("group.id", "it follows from kafka.group"),
    ("transactional.id", "each process has its own"),
    ("enable.auto.commit", "offsets are committed with the results"),
    ("enable.auto.offset.store", "offsets are committed with the results"),
    ("isolation.level", "aborted records must not be read"),
    ("enable.idempotence", "records must not be repeated"),
    ("acks", "records must not be lost"),
    ("transaction.timeout.ms", "it is scorer.transaction_timeout_ms, by which other limits go"),
    ("auto.offset.reset", "a new group starts with the first record, so that none is left out"),
];

/// librdkafka's own default of `batch.size`.
const BATCH_BYTES: usize = 1_000_000;

/// The role of consumers that are assigned their partitions.
pub(super) const READER: &str = "reader";

/// What to do when retention was faster than the consumer group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnLostRange {
    /// End with an error that names the range.
    #[default]
    Stop,
    /// Report the range and go on behind it.
    Continue,
}

/// Where Kafka is, and how to talk to it. User properties win over every setting made here.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaConfig {
    /// host:port of one or more brokers, comma-separated.
    pub brokers: String,
    /// Prefix of consumer groups and transactional ids.
    pub group: String,
    /// An alive broker answers within this time at start-up.
    pub connect_timeout_ms: u64,
    /// What a consumer does about records that were deleted before it read them.
    pub on_lost_range: OnLostRange,
    /// Any librdkafka property.
    pub properties: BTreeMap<String, String>,
}

impl KafkaConfig {
    /// The defaults with these brokers and this group; handy where no configuration file is at hand.
    pub fn new(brokers: impl Into<String>, group: impl Into<String>) -> Self {
        Self {
            brokers: brokers.into(),
            group: group.into(),
            connect_timeout_ms: 10_000,
            on_lost_range: OnLostRange::Stop,
            properties: BTreeMap::new(),
        }
    }

    /// Refuses what cannot work: empty addresses and names, and properties that librdkafka doesn't know.
    pub fn check(&self) -> Result<(), Error> {
        if self.brokers.trim().is_empty() {
            return Err(Error::Config { key: "kafka.brokers".into(), reason: "names no broker".into() });
        }
        if self.group.trim().is_empty() {
            return Err(Error::Config { key: "kafka.group".into(), reason: "must not be empty".into() });
        }
        if self.connect_timeout_ms == 0 {
            return Err(Error::Config { key: "kafka.connect_timeout_ms".into(), reason: "must be above 0".into() });
        }
        if let Some((key, reason)) = PROMISED.iter().find(|(key, _)| self.properties.contains_key(*key)) {
            return Err(Error::Config {
                key: format!("kafka.properties.{key}"),
                reason: format!("cannot be set: {reason}"),
            });
        }
        let mut user = ClientConfig::new();
        user.extend(self.properties.clone());
        user.create_native_config().map_err(|source| Error::client("check kafka.properties", source))?;
        self.check_tokens()
    }

    /// Refuses a mechanism for which nobody would bring a token: librdkafka would wait for one. Fetching them (OIDC) takes
    /// libcurl, which it is built without, and says so itself.
    fn check_tokens(&self) -> Result<(), Error> {
        let is_set =
            |key: &str, value: &str| self.properties.get(key).is_some_and(|set| set.eq_ignore_ascii_case(value));
        let wants_token = |key: &&str| is_set(key, "OAUTHBEARER");
        match ["sasl.mechanism", "sasl.mechanisms"].into_iter().find(wants_token) {
            Some(key) if !is_set("enable.sasl.oauthbearer.unsecure.jwt", "true") => Err(Error::Config {
                key: format!("kafka.properties.{key}"),
                reason: "is OAUTHBEARER, for which this build fetches no tokens; SCRAM-SHA-512 and PLAIN work"
                    .to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// How long a broker may take to answer at start-up.
    pub fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    /// The largest batch that a producer puts together: `batch.size`.
    pub fn batch_bytes(&self) -> usize {
        self.properties.get("batch.size").and_then(|bytes| bytes.parse().ok()).unwrap_or(BATCH_BYTES)
    }

    /// The consumer group of a role: `<group>.<role>`.
    pub fn group_of(&self, role: &str) -> String {
        format!("{}.{role}", self.group)
    }

    /// Settings of a member of the group `<group>.<role>`: offsets are committed by whoever finished the work, only
    /// committed records are seen, and a rebalance takes away no more partitions than it must.
    pub fn consumer(&self, role: &str) -> ClientConfig {
        let group = self.group_of(role);
        let mut config = self.base(&group);
        config
            .set("group.id", &group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("isolation.level", "read_committed")
            .set("auto.offset.reset", "earliest")
            // Records that wait in the client: bounded memory, yet enough that a batch finds its records there.
            .set("queued.max.messages.kbytes", "32768")
            // After a full queue librdkafka looks again only this much later; its default of a second starves a fast
            // reader.
            .set("fetch.queue.backoff.ms", "10")
            // A partition that is added to a topic is read within this time, not within librdkafka's 5 minutes.
            .set("topic.metadata.refresh.interval.ms", "30000");
        // The consumer protocol of KIP-848 assigns and times out on the broker, and refuses these.
        if self.properties.get("group.protocol").is_none_or(|protocol| protocol != "consumer") {
            config
                .set("partition.assignment.strategy", "cooperative-sticky")
                // What a member that died leaves behind waits this long for a successor; librdkafka's default is 45 s.
                .set("session.timeout.ms", "10000")
                // By its heartbeats a member hears that another one left: librdkafka's 3 s would be waited for by partitions.
                .set("heartbeat.interval.ms", "500");
        }
        self.finish(config)
    }

    /// Settings of an idempotent producer: no loss, no repetition, and order per key.
    pub fn producer(&self) -> ClientConfig {
        let mut config = self.base(&self.group);
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            // JSON shrinks by 3 to 4 at a cost that the network saves again.
            .set("compression.type", "lz4")
            .set("linger.ms", "1")
            // The same partition for a key as Java's client chooses.
            .set("partitioner", "murmur2_random")
            // The topic's own limit decides what is too large, not the client's.
            .set("message.max.bytes", "67108864")
            // Records that wait in the client: bounded memory.
            .set("queue.buffering.max.kbytes", "131072")
            // A topic with the broker's default of partitions is worse than an error.
            .set("allow.auto.create.topics", "false");
        self.finish(config)
    }

    /// Settings of a transactional producer; a second one with the same id fences the first.
    pub fn transactional_producer(&self, transactional_id: &str) -> ClientConfig {
        let mut config = self.producer();
        config
            .set("transactional.id", transactional_id)
            .set("client.id", transactional_id)
            // CONCURRENT_TRANSACTIONS, while the last markers are written, is over within a few milliseconds.
            .set("retry.backoff.ms", "5")
            // Offsets for a group whose coordinator was away are sent only when some connection opens or closes, whatever the
            // time-out (librdkafka#5511, #5456): those that are idle meanwhile close, and it goes on.
            .set("connections.max.idle.ms", "5000");
        self.finish(config)
    }

    /// Settings of a consumer that is assigned its partitions, commits nothing and belongs to no group that others see.
    pub(super) fn reader(&self) -> ClientConfig {
        self.consumer(READER)
    }

    /// Settings of an admin client.
    pub(super) fn admin(&self) -> ClientConfig {
        self.finish(self.base(&self.group))
    }

    fn base(&self, client_id: &str) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", client_id)
            // Brokers close idle connections all the time.
            .set("log.connection.close", "false");
        config
    }

    fn finish(&self, mut config: ClientConfig) -> ClientConfig {
        config.extend(self.properties.clone());
        config
    }
}

impl fmt::Debug for KafkaConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Properties hold passwords; their names are enough.
        formatter
            .debug_struct("KafkaConfig")
            .field("brokers", &redact_url(&self.brokers))
            .field("group", &self.group)
            .field("connect_timeout_ms", &self.connect_timeout_ms)
            .field("on_lost_range", &self.on_lost_range)
            .field("properties", &self.properties.keys().collect::<Vec<_>>())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_properties_win_over_every_setting() {
        let mut kafka = KafkaConfig::new("localhost:1", "app");
        for (key, value) in [
            ("linger.ms", "50"),
            ("fetch.max.bytes", "1000000"),
            ("retry.backoff.ms", "7"),
            ("session.timeout.ms", "60000"),
            ("topic.metadata.refresh.interval.ms", "1000"),
        ] {
            kafka.properties.insert(key.into(), value.into());
        }
        assert_eq!(kafka.producer().get("linger.ms"), Some("50"));
        assert_eq!(kafka.transactional_producer("t").get("retry.backoff.ms"), Some("7"));
        assert_eq!(kafka.consumer("role").get("fetch.max.bytes"), Some("1000000"));
        assert_eq!(kafka.consumer("role").get("session.timeout.ms"), Some("60000"));
        assert_eq!(kafka.consumer("role").get("topic.metadata.refresh.interval.ms"), Some("1000"));
    }

    #[test]
    fn a_dead_member_and_a_new_partition_are_noticed_soon_under_either_protocol() {
        let mut kafka = KafkaConfig::new("localhost:1", "app");
        assert_eq!(kafka.consumer("role").get("session.timeout.ms"), Some("10000"));
        assert_eq!(kafka.consumer("role").get("topic.metadata.refresh.interval.ms"), Some("30000"));
        // Under the consumer protocol the broker says when a session is over, and librdkafka refuses the property.
        kafka.properties.insert("group.protocol".into(), "consumer".into());
        assert_eq!(kafka.consumer("role").get("session.timeout.ms"), None);
        assert_eq!(kafka.consumer("role").get("topic.metadata.refresh.interval.ms"), Some("30000"));
    }

    #[test]
    fn a_consumer_joins_the_group_of_its_role_and_commits_nothing_by_itself() {
        let consumer = KafkaConfig::new("localhost:1", "app").consumer("score");
        assert_eq!(consumer.get("group.id"), Some("app.score"));
        assert_eq!(consumer.get("enable.auto.commit"), Some("false"));
        assert_eq!(consumer.get("partition.assignment.strategy"), Some("cooperative-sticky"));
    }

    #[test]
    fn every_set_of_settings_is_accepted_by_librdkafka() {
        let mut kafka = KafkaConfig::new("localhost:1", "app");
        for _ in 0..2 {
            let _: rdkafka::consumer::BaseConsumer = kafka.consumer("role").create().unwrap();
            let _: rdkafka::producer::BaseProducer = kafka.producer().create().unwrap();
            let _: rdkafka::producer::BaseProducer = kafka.transactional_producer("t").create().unwrap();
            kafka.properties.insert("group.protocol".into(), "consumer".into());
        }
    }

    #[test]
    fn what_exactly_once_stands_on_cannot_be_changed() {
        let mut kafka = KafkaConfig::new("localhost:1", "app");
        kafka.properties.insert("isolation.level".into(), "read_uncommitted".into());
        let message = kafka.check().unwrap_err().to_string();
        assert!(message.contains("kafka.properties.isolation.level` cannot be set"), "{message}");
    }

    #[test]
    fn the_time_of_a_transaction_has_one_key() {
        let mut kafka = KafkaConfig::new("localhost:1", "app");
        kafka.properties.insert("transaction.timeout.ms".into(), "900001".into());
        let message = kafka.check().unwrap_err().to_string();
        assert!(message.contains("kafka.properties.transaction.timeout.ms` cannot be set"), "{message}");
        assert!(message.contains("scorer.transaction_timeout_ms"), "{message}");
    }

    #[test]
    fn an_unknown_property_is_named() {
        let mut kafka = KafkaConfig::new("localhost:1", "app");
        kafka.properties.insert("linger.msec".into(), "5".into());
        let message = kafka.check().unwrap_err().to_string();
        assert!(message.contains("kafka.properties.linger.msec"), "{message}");
    }

    #[test]
    fn tokens_that_nobody_would_bring_are_not_waited_for() {
        for key in ["sasl.mechanism", "sasl.mechanisms"] {
            let mut kafka = KafkaConfig::new("localhost:1", "app");
            kafka.properties.insert(key.into(), "OAUTHBEARER".into());
            let message = kafka.check().unwrap_err().to_string();
            assert!(message.starts_with(&format!("`kafka.properties.{key}` is OAUTHBEARER")), "{message}");
            kafka.properties.insert("sasl.oauthbearer.method".into(), "oidc".into());
            let message = kafka.check().unwrap_err().to_string();
            assert!(message.contains("sasl.oauthbearer.method") && message.contains("libcurl"), "{message}");
            kafka.properties.remove("sasl.oauthbearer.method");
            kafka.properties.insert("enable.sasl.oauthbearer.unsecure.jwt".into(), "true".into());
            kafka.check().unwrap();
        }
    }

    #[test]
    fn properties_that_do_not_go_together_are_named_when_a_client_is_made() {
        let mut kafka = KafkaConfig::new("localhost:1", "app");
        kafka.properties.insert("security.protocol".into(), "SSL".into());
        kafka.properties.insert("ssl.ca.location".into(), "/nowhere".into());
        let message = kafka.check_reachable(Duration::from_secs(1)).unwrap_err().to_string();
        assert!(message.starts_with("`kafka.properties` cannot be used: ssl.ca.location failed"), "{message}");
    }

    #[test]
    fn values_of_properties_are_not_printed() {
        let mut kafka = KafkaConfig::new("localhost:1", "app");
        kafka.properties.insert("sasl.password".into(), "hunter2".into());
        assert!(!format!("{kafka:?}").contains("hunter2"));
    }
}
