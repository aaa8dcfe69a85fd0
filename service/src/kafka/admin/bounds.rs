//! The offsets between which a topic holds records. What passes by itself, such as a leader that moves or a topic that not
//! every broker knows yet, is waited for.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};

use super::{PAUSE, TopicDescription, descriptions};
use crate::kafka::access::Access;
use crate::kafka::config::KafkaConfig;
use crate::kafka::error::{Error, ErrorKind};
use crate::kafka::offset::{NextOffset, NextOffsets};
use crate::kafka::reachable::Cluster;

/// Brokers hear of a new topic within this time; one that nobody knows of after it does not exist.
const NEW_TOPIC: Duration = Duration::from_secs(2);

/// The offsets between which a topic holds records.
pub(in crate::kafka) struct Bounds {
    /// The first record that has not been deleted.
    pub(in crate::kafka) start: NextOffsets,
    /// Where a read_committed reader ends for now: before the first open transaction.
    pub(in crate::kafka) end: NextOffsets,
}

/// Where a read_committed reader of this topic ends now: before the first open transaction. Errors that pass are waited
/// for, at most the connect timeout.
///
/// A transaction leaves a marker behind its records, which takes an offset of its own and is never delivered: a reader
/// has reached the end when its next offset is the end, or when the client reports the end of the partition.
pub fn end_offsets(kafka: &KafkaConfig, topic: &str) -> Result<NextOffsets, Error> {
    bounds(kafka, topic).map(|bounds| bounds.end)
}

/// Where a topic begins and ends now. A topic that does not exist is an error.
pub(in crate::kafka) fn bounds(kafka: &KafkaConfig, topic: &str) -> Result<Bounds, Error> {
    let deadline = Instant::now() + kafka.connect_timeout();
    let description = existing(kafka, topic)?;
    let mut config = kafka.reader();
    // It reads nothing, and who has no group need not be allowed to see one.
    config.remove("group.id");
    let consumer: BaseConsumer = config.create().map_err(|source| Error::client("create a consumer", source))?;
    let mut bounds = Bounds { start: NextOffsets::new(), end: NextOffsets::new() };
    for partition in 0..description.partitions {
        let (start, end) = watermarks(&consumer, topic, partition, deadline)?;
        bounds.start.set(topic, partition, NextOffset(start));
        bounds.end.set(topic, partition, NextOffset(end));
    }
    Ok(bounds)
}

/// A topic as it is, or will be in a moment.
fn existing(kafka: &KafkaConfig, topic: &str) -> Result<TopicDescription, Error> {
    let cluster = Cluster::new(kafka)?;
    let mut deadline = None;
    loop {
        let metadata = cluster.metadata(kafka.connect_timeout())?;
        if let Some(description) = descriptions(&metadata, &[topic]).remove(topic) {
            return Ok(description);
        }
        // From the first answer on: an absent broker says nothing about topics.
        if Instant::now() >= *deadline.get_or_insert_with(|| Instant::now() + NEW_TOPIC) {
            cluster.check_visible(&[topic], kafka.connect_timeout())?;
            let (brokers, advice) = (kafka.brokers.clone(), "create it first".to_owned());
            return Err(Error::MissingTopics { topics: vec![topic.to_owned()], brokers, advice });
        }
        std::thread::park_timeout(PAUSE);
    }
}

fn watermarks(consumer: &BaseConsumer, topic: &str, partition: i32, deadline: Instant) -> Result<(i64, i64), Error> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let error = match consumer.fetch_watermarks(topic, partition, left.max(PAUSE)) {
            Ok(bounds) => return Ok(bounds),
            Err(source) => source
                .rdkafka_error_code()
                .and_then(|code| Error::refused(code, &[Access::describe_topic(topic)]))
                .unwrap_or_else(|| Error::Bounds { topic: topic.to_owned(), partition, source }),
        };
        if error.kind() != ErrorKind::Retry || left.is_zero() {
            return Err(error);
        }
        tracing::debug!("not yet: {error}");
        std::thread::park_timeout(PAUSE.min(left));
        // librdkafka remembers that there was no leader, and would not ask again by itself. If it cannot, the next look
        // says why.
        let _ = consumer.fetch_metadata(Some(topic), left.max(PAUSE));
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::mocking::MockCluster;
    use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

    use super::*;

    fn kafka(cluster: &MockCluster<'_, impl rdkafka::ClientContext>, connect_timeout_ms: u64) -> KafkaConfig {
        KafkaConfig { connect_timeout_ms, ..KafkaConfig::new(cluster.bootstrap_servers(), "app") }
    }

    #[test]
    fn a_partition_without_a_leader_is_waited_for_and_then_named() {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("topic", 2, 1).unwrap();
        cluster.partition_leader("topic", 1, None).unwrap();
        let error = end_offsets(&kafka(&cluster, 500), "topic").unwrap_err();
        assert!(error.to_string().starts_with("cannot read the bounds of topic/1: "), "{error}");
        assert_eq!(error.kind(), ErrorKind::Retry, "{error:?}");

        let patient = kafka(&cluster, 20_000);
        let reading = std::thread::spawn(move || end_offsets(&patient, "topic").map(|ends| ends.iter().count()));
        std::thread::park_timeout(Duration::from_millis(300));
        cluster.partition_leader("topic", 1, Some(1)).unwrap();
        assert_eq!(reading.join().unwrap().unwrap(), 2);
    }

    #[test]
    fn a_broker_that_does_not_lead_or_does_not_know_a_partition_yet_is_asked_again() {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("topic", 1, 1).unwrap();
        for passing in [
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__TRANSPORT,
        ] {
            // One for each of the two requests of one look: the start and the end.
            cluster.request_errors(RDKafkaApiKey::ListOffsets, &[passing; 2]);
            assert_eq!(end_offsets(&kafka(&cluster, 20_000), "topic").unwrap().iter().count(), 1, "{passing:?}");
        }
        let denied = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
        cluster.request_errors(RDKafkaApiKey::ListOffsets, &[denied; 2]);
        let started = Instant::now();
        let error = end_offsets(&kafka(&cluster, 20_000), "topic").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Fatal, "{error}");
        assert!(error.to_string().starts_with("not allowed to Describe topic \"topic\""), "{error}");
        assert!(started.elapsed() < Duration::from_secs(10), "what does not pass is not waited for");
    }

    #[test]
    fn a_topic_that_shows_a_moment_later_is_waited_for_and_one_that_never_does_is_missing() {
        let cluster = MockCluster::new(1).unwrap();
        let patient = kafka(&cluster, 20_000);
        let reading = std::thread::spawn(move || end_offsets(&patient, "topic").map(|ends| ends.iter().count()));
        std::thread::park_timeout(Duration::from_millis(300));
        cluster.create_topic("topic", 3, 1).unwrap();
        assert_eq!(reading.join().unwrap().unwrap(), 3);

        let error = end_offsets(&kafka(&cluster, 20_000), "never").unwrap_err();
        assert!(matches!(error, Error::MissingTopics { .. }), "{error}");
    }
}
