//! What can end an ingest, in the words of whoever has to act on it.

use feature_store::offline::store::{self, SourcePartition};

/// Why an ingest ended early. What it had in hand stays in Kafka, and the next start goes on with it.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Neither store is configured.
    #[error(
        "there is nothing to write to: set offline.url to a folder or to s3://bucket/prefix, for Parquet files, or \
         redis.url to redis://host:port, for online features"
    )]
    NoStore,
    /// Kafka is not there, or lacks a topic, or refuses.
    #[error(transparent)]
    Kafka(#[from] service::kafka::Error),
    /// The offline store does not take what it is given.
    #[error(transparent)]
    Offline(#[from] store::Error),
    /// The online store does not take what it is given.
    #[error(transparent)]
    Online(#[from] feature_store::online::Error),
    /// The offline store holds more of a partition than the topic does.
    #[error(
        "the offline store {store} holds {partition} up to offset {held}, and the topic ends at {end}: it was created anew or \
         has lost its last records; set offline.url to another place, or use a topic of another name"
    )]
    Ahead {
        /// Where the files are.
        store: String,
        /// Which partition.
        partition: SourcePartition,
        /// Where its files end.
        held: i64,
        /// Where the topic ends.
        end: i64,
    },
}
