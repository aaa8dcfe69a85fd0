//! What can end a replay, in the words of whoever has to act on it.

use feature_store::offline::FileError;

/// Why a replay ended early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A thread that reads or waits ended before its work did.
    #[error("a worker thread stopped: {0}")]
    Worker(#[from] tokio::task::JoinError),
    /// Kafka is not there, or lacks a topic, or the producer cannot be set up.
    #[error(transparent)]
    Kafka(#[from] service::kafka::Error),
    /// The producer takes no more records.
    #[error("cannot send to topic {topic}: {reason}")]
    Send {
        /// The topic.
        topic: String,
        /// What librdkafka says.
        reason: rdkafka::error::KafkaError,
    },
    /// The broker did not take what was sent.
    #[error("{failed} records were not delivered ({delivered} were); the first error was on topic {topic}: {reason}")]
    Delivery {
        /// Topic of the first error.
        topic: String,
        /// The first error.
        reason: rdkafka::error::KafkaError,
        /// Records that the broker acknowledged.
        delivered: u64,
        /// Records that it did not.
        failed: u64,
    },
}
