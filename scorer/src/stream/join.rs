//! Joining the consumer group: what the worker's consumer is, beside what every consumer here is.

use super::config::ROLE;
use super::intake::ReviewConsumer;
use super::ownership::Callbacks;
use rdkafka::consumer::Consumer;
use service::kafka::{Error, KafkaConfig};
use std::time::Duration;

/// Where transactions are short; librdkafka's default is five minutes.
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(60);

/// A member of the group, soon.
pub(super) fn join(
    kafka: &KafkaConfig,
    topic: &str,
    transaction_timeout: Duration,
    callbacks: Callbacks,
) -> Result<ReviewConsumer, Error> {
    let mut config = kafka.consumer(ROLE);
    config.set("enable.partition.eof", "true");
    // A position that the topic doesn't hold is never passed over in silence; see `start`.
    config.set("auto.offset.reset", "error");
    let user = |key| kafka.properties.contains_key(key);
    if !user("max.poll.interval.ms") && !user("session.timeout.ms") {
        // Polling goes on whatever the stages do, save that a rebalance waits for the open transaction. After this time a group
        // that has lost sight of its members goes on without them. It may not be shorter than a session, whose length may be the user's.
        let longest = (2 * transaction_timeout).max(MAX_POLL_INTERVAL);
        config.set("max.poll.interval.ms", longest.as_millis().to_string());
    }
    if !user("client.id") {
        // Its name in the group's list of members says whose transactions are its.
        config.set("client.id", callbacks.starts.transactional_id());
    }
    let consumer: ReviewConsumer =
        config.create_with_context(callbacks).map_err(|source| Error::client("create a consumer", source))?;
    consumer.subscribe(&[topic]).map_err(|source| Error::client("subscribe", source))?;
    Ok(consumer)
}
