//! What can go wrong with Kafka, by the decision that the caller has to take.

use std::time::Duration;

use super::access::Access;
use super::offset::NextOffset;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// What to do about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The same call may succeed later.
    Retry,
    /// The transaction cannot be committed: abort it, go back to the committed offsets, do the work again.
    Abort,
    /// Another producer with the same transactional id took over; this one must stop writing.
    Fenced,
    /// This client cannot go on. What was committed is safe: a new client resumes from the committed offsets.
    Fatal,
}

/// An error of the Kafka client.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting that cannot work.
    #[error("`{key}` {reason}")]
    Config {
        /// The dotted key.
        key: String,
        /// Why.
        reason: String,
    },
    /// No broker answered in time.
    #[error("no Kafka broker answers at {brokers} within {} s{}; start one or set kafka.brokers", within.as_secs_f64(), in_brackets(cause))]
    Unreachable {
        /// The addresses tried.
        brokers: String,
        /// How long.
        within: Duration,
        /// What librdkafka said last, if anything.
        cause: String,
    },
    /// The broker refused who we are.
    #[error("the Kafka broker at {brokers} refused the connection ({cause}); check kafka.properties")]
    Refused {
        /// The addresses tried.
        brokers: String,
        /// What librdkafka said.
        cause: String,
    },
    /// The broker's certificate is not signed by an authority that is trusted here, or belongs to another name.
    #[error(
        "the certificate of the Kafka broker at {brokers} is not signed by an authority that is trusted here, or not for \
        this name; set ssl.ca.location in kafka.properties to the certificate of the authority that signed it"
    )]
    Untrusted {
        /// The addresses tried.
        brokers: String,
    },
    /// The broker knows who we are, and an ACL is missing.
    #[error("not allowed to {access}; grant it to the user of kafka.properties, as docs/SECURITY.md says")]
    NotAllowed {
        /// What was refused.
        access: Access,
    },
    /// Topics that don't exist.
    #[error("{} at {brokers}; {advice}", do_not_exist(topics))]
    MissingTopics {
        /// Their names.
        topics: Vec<String>,
        /// The cluster.
        brokers: String,
        /// How to create them.
        advice: String,
    },
    /// A topic could not be created or described.
    #[error("cannot {action} topic \"{topic}\": {reason}")]
    Topic {
        /// What was tried.
        action: &'static str,
        /// Which topic.
        topic: String,
        /// What the broker said.
        reason: String,
    },
    /// The consumer group has taken this member's partitions away; it learns which when it polls.
    #[error("this process is no longer a member of the consumer group \"{group}\"")]
    NotAMember {
        /// Which group.
        group: String,
    },
    /// A record is larger than its topic accepts.
    #[error("a record of {size_bytes} bytes is larger than topic \"{topic}\" accepts (max.message.bytes)")]
    RecordTooLarge {
        /// Which topic.
        topic: String,
        /// Key and payload.
        size_bytes: usize,
    },
    /// Records that the broker refuses for what they are, by a setting of the topic or of its own.
    #[error("the broker refuses a record for topic \"{topic}\": {reason}")]
    RecordRefused {
        /// Which topic.
        topic: String,
        /// What the broker said.
        reason: String,
    },
    /// A record of the transaction was not stored.
    #[error("a record for topic \"{topic}\" was not stored: {reason}")]
    Delivery {
        /// Which topic.
        topic: String,
        /// What the broker or librdkafka said.
        reason: String,
        /// Whether this producer can go on.
        kind: ErrorKind,
    },
    /// A step of a transaction failed.
    #[error("transactional producer \"{transactional_id}\" failed to {step}: {reason}")]
    Transaction {
        /// Which producer.
        transactional_id: String,
        /// Which step.
        step: &'static str,
        /// What happened.
        reason: String,
        /// What to do.
        kind: ErrorKind,
    },
    /// Where a partition begins and ends could not be read.
    #[error("cannot read the bounds of {topic}/{partition}: {source}")]
    Bounds {
        /// Which topic.
        topic: String,
        /// Which partition.
        partition: i32,
        /// What librdkafka said.
        source: KafkaError,
    },
    /// Records were deleted before the consumer group had read them.
    #[error("{} records of \"{topic}\" partition {partition}, offsets {from} to {}, were deleted before they were read; \
        kafka.on_lost_range = \"continue\" goes on at {to}", to.0 - from.0, to.0 - 1)]
    LostRange {
        /// Which topic.
        topic: String,
        /// Which partition.
        partition: i32,
        /// The committed offset.
        from: NextOffset,
        /// The first that is left.
        to: NextOffset,
    },
    /// The topic ends before the consumer group's offset.
    #[error(
        "the group \"{group}\" has read \"{topic}\" partition {partition} up to offset {committed}, and the topic ends at \
        {end}: it was created anew or has lost its last records; set the group's offsets to where it shall go on"
    )]
    BeyondTheEnd {
        /// Which topic.
        topic: String,
        /// Which partition.
        partition: i32,
        /// The committed offset.
        committed: NextOffset,
        /// The topic's end.
        end: NextOffset,
        /// The consumer group.
        group: String,
    },
    /// Any other call to librdkafka.
    #[error("cannot {action}: {source}")]
    Client {
        /// What was tried.
        action: &'static str,
        /// What librdkafka said.
        source: KafkaError,
    },
}

impl Error {
    /// The decision that the caller has to take.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Error::Config { .. } | Error::Refused { .. } | Error::MissingTopics { .. } | Error::Topic { .. } => {
                ErrorKind::Fatal
            }
            Error::Untrusted { .. } | Error::NotAllowed { .. } => ErrorKind::Fatal,
            Error::LostRange { .. } | Error::BeyondTheEnd { .. } => ErrorKind::Fatal,
            Error::Unreachable { .. } => ErrorKind::Retry,
            Error::RecordTooLarge { .. } | Error::RecordRefused { .. } | Error::NotAMember { .. } => ErrorKind::Abort,
            Error::Delivery { kind, .. } | Error::Transaction { kind, .. } => *kind,
            Error::Bounds { source, .. } => kind_where_it_exists(source),
            Error::Client { source, .. } => kind_of(source),
        }
    }

    /// The topic that refuses a record for what it is. Others of its transaction would be taken without it.
    pub fn refused_topic(&self) -> Option<&str> {
        match self {
            Error::RecordTooLarge { topic, .. } | Error::RecordRefused { topic, .. } => Some(topic),
            _ => None,
        }
    }

    /// Wraps an error of librdkafka; a refused property names its key, and so do several that do not go together.
    pub fn client(action: &'static str, source: KafkaError) -> Self {
        match source {
            KafkaError::ClientConfig(_, reason, key, _) if !key.is_empty() => {
                Error::Config { key: format!("kafka.properties.{key}"), reason: lowercase_first(&reason) }
            }
            // All that Plaudit sets is known to be taken.
            KafkaError::ClientCreation(reason) => {
                Error::Config { key: "kafka.properties".to_owned(), reason: format!("cannot be used: {reason}") }
            }
            source => Error::Client { action, source },
        }
    }
}

pub(super) fn kind_of(error: &KafkaError) -> ErrorKind {
    match error {
        KafkaError::Transaction(error) if error.is_fatal() && is_fenced(error.code()) => ErrorKind::Fenced,
        KafkaError::Transaction(error) if error.is_fatal() => ErrorKind::Fatal,
        KafkaError::Transaction(error) if error.txn_requires_abort() => ErrorKind::Abort,
        KafkaError::Transaction(error) if error.is_retriable() => ErrorKind::Retry,
        KafkaError::Transaction(_) | KafkaError::MessageConsumptionFatal(_) => ErrorKind::Fatal,
        other => match other.rdkafka_error_code() {
            Some(code) if is_passing(code) => ErrorKind::Retry,
            _ => ErrorKind::Fatal,
        },
    }
}

/// The kind of an error about a partition that the cluster has: a broker that doesn't know it yet, or not where its leader
/// is, soon will.
fn kind_where_it_exists(error: &KafkaError) -> ErrorKind {
    use RDKafkaErrorCode as Code;
    match error.rdkafka_error_code() {
        Some(
            Code::UnknownTopicOrPartition
            | Code::UnknownTopic
            | Code::UnknownPartition
            | Code::OffsetNotAvailable
            | Code::ReplicaNotAvailable
            | Code::KafkaStorageError
            | Code::FencedLeaderEpoch
            | Code::UnknownLeaderEpoch,
        ) => ErrorKind::Retry,
        _ => kind_of(error),
    }
}

/// The codes of a fatal error that mean: a newer producer has this id.
pub(super) fn is_fenced(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(code, Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch)
}

/// The codes by which a broker refuses a record for what it is.
pub(super) fn is_refusal_of_a_record(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::InvalidRecord
            // Another one of its batch was invalid.
            | Code::InvalidDifferentRecord
            | Code::InvalidTimestamp
            | Code::InvalidMessageSize
            | Code::PolicyViolation
    )
}

/// Errors of a cluster that is starting, moving or out of reach for a moment.
fn is_passing(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::OperationTimedOut
            | Code::Resolve
            | Code::QueueFull
            | Code::LeaderNotAvailable
            | Code::NotLeaderForPartition
            | Code::RequestTimedOut
            | Code::NetworkException
            | Code::NotCoordinator
            | Code::CoordinatorNotAvailable
            | Code::CoordinatorLoadInProgress
            | Code::NotEnoughReplicas
            | Code::NotEnoughReplicasAfterAppend
            | Code::RebalanceInProgress
    )
}

fn in_brackets(cause: &str) -> String {
    if cause.is_empty() { String::new() } else { format!(" ({cause})") }
}

fn do_not_exist(topics: &[String]) -> String {
    let names = topics.iter().map(|topic| format!("\"{topic}\"")).collect::<Vec<_>>().join(", ");
    if topics.len() == 1 { format!("topic {names} does not exist") } else { format!("topics {names} do not exist") }
}

fn lowercase_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
