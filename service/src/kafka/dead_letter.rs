//! What the headers of a dead letter say, in the words of both Kafka Connect and Kafka Streams, so that the tools that people
//! have for either can read it. What of the record comes along is for its writer to say.

use rdkafka::message::Headers;

use super::headers::text;

/// Why the record is dead. The first header that makes a record a dead letter: those before it are the record's own.
pub const CAUSE: &str = "plaudit.cause";

/// How often the record was tried: on a dead letter with the failure that made it one, on a replayed record without.
pub const ATTEMPTS: &str = "plaudit.attempts";

/// The size of a payload that was left out of the dead letter.
pub const OMITTED_PAYLOAD: &str = "plaudit.omitted_payload_bytes";

/// Why a record cannot be processed, and which one it is.
#[derive(Debug, Clone, Copy)]
pub struct Failure<'f> {
    /// A word of a closed set.
    pub cause: &'f str,
    /// The same as a sentence.
    pub message: &'f str,
    /// What it failed at, as Kafka Connect names it: `VALUE_CONVERTER` or `TRANSFORMATION`.
    pub stage: &'f str,
    /// What the record was taken for.
    pub class: &'f str,
    /// The consumer group that read it.
    pub group: &'f str,
    /// Its topic.
    pub topic: &'f str,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// How often it had been tried before.
    pub attempts_before: u32,
}

impl Failure<'_> {
    /// The headers, in their order.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let Self { cause, message, stage, class, group, topic, partition, offset, attempts_before } = *self;
        let exception = format!("plaudit.{cause}");
        vec![
            (CAUSE, cause.to_owned()),
            (ATTEMPTS, attempts_before.saturating_add(1).to_string()),
            ("__connect.errors.topic", topic.to_owned()),
            ("__connect.errors.partition", partition.to_string()),
            ("__connect.errors.offset", offset.to_string()),
            ("__connect.errors.connector.name", group.to_owned()),
            ("__connect.errors.task.id", "0".to_owned()),
            ("__connect.errors.stage", stage.to_owned()),
            ("__connect.errors.class.name", class.to_owned()),
            ("__connect.errors.exception.class.name", exception.clone()),
            ("__connect.errors.exception.message", message.to_owned()),
            ("__streams.errors.exception", exception),
            ("__streams.errors.message", message.to_owned()),
            ("__streams.errors.topic", topic.to_owned()),
            ("__streams.errors.partition", partition.to_string()),
            ("__streams.errors.offset", offset.to_string()),
        ]
    }
}

/// How often a record was tried before, if it says so.
pub fn attempts_of(headers: &impl Headers) -> Option<u32> {
    text(headers, ATTEMPTS)?.parse().ok()
}
