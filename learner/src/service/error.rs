//! Why a learner ended. Each message says what to do.

use crate::checkpoint::CheckpointError;
use crate::config::ConfigError;
use schemas::{ModelName, ModelVersion};

/// Why a learner ended early. What was committed is safe, and the next one goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Kafka.
    #[error(transparent)]
    Kafka(#[from] service::kafka::Error),
    /// The registry.
    #[error(transparent)]
    Registry(#[from] registry::Error),
    /// Another learner of the same model has begun.
    #[error(
        "another learner of \"{name}\" has taken over, or this one was held up for longer than a transaction may take; this one \
         ends, and has published nothing since ({cause})"
    )]
    Fenced {
        /// The model.
        name: ModelName,
        /// What the broker said.
        cause: String,
    },
    /// A version cannot be learned on from.
    #[error("cannot learn on from {version} of \"{name}\": {reason}")]
    Version {
        /// The model.
        name: ModelName,
        /// The version.
        version: ModelVersion,
        /// Why not.
        reason: String,
    },
    /// A setting makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A checkpoint cannot be gone on from.
    #[error("cannot go on from {location}: {error}")]
    Checkpoint {
        /// The checkpoint's place in the registry.
        location: String,
        /// What is wrong with it.
        error: CheckpointError,
    },
    /// The record that says where to go on makes no sense.
    #[error("the record \"{key}\" of topic \"{topic}\" cannot be read: {error}")]
    Pointer {
        /// The topic.
        topic: String,
        /// The record's key.
        key: String,
        /// What is wrong with it.
        error: String,
    },
    /// The topics do not hold any more what was learned from.
    #[error(
        "the records of \"{topic}\" from {from} to {to}, partition {partition}, are needed to go on from the last checkpoint, and \
         were deleted; kafka.on_lost_range = \"continue\" goes on without them"
    )]
    LostRange {
        /// The topic.
        topic: String,
        /// The partition.
        partition: usize,
        /// The first that is needed.
        from: i64,
        /// The first that is left.
        to: i64,
    },
    /// Checkpoints cannot be written for so long that the journal is too long for the topic.
    #[error("no checkpoint could be written since {rounds} rounds ago: {cause}")]
    NoCheckpoint {
        /// How many.
        rounds: usize,
        /// The last reason.
        cause: String,
    },
    /// What was learned is no model.
    #[error("what was learned makes no model: {0}")]
    NoModel(String),
    /// The system refused a thread.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}
