//! Why a demo ends without a result. Each message says what to do, or is that of the part that failed.

use std::path::PathBuf;

/// Why a demo ended early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The first half of the rows makes no model, or a file cannot be read.
    #[error(transparent)]
    Training(#[from] trainer::Error),
    /// The second half cannot be sent.
    #[error(transparent)]
    Ingest(#[from] ingest::Error),
    /// The broker in this process failed.
    #[error(transparent)]
    Kafka(#[from] service::kafka::Error),
    /// The registry's folder cannot be used.
    #[error(transparent)]
    Registry(#[from] registry::Error),
    /// The model that was just trained cannot be loaded.
    #[error(transparent)]
    Model(#[from] scorer::LoadError),
    /// A part of the system gave up.
    #[error(transparent)]
    Task(#[from] service::supervisor::TaskError),
    /// The gateway has no port.
    #[error(
        "the gateway cannot listen on {listen} ({reason}): end what listens there, or set gateway.listen to another address"
    )]
    Gateway {
        /// The address.
        listen: String,
        /// What the system said.
        reason: std::io::Error,
    },
    /// No folder for the registry could be made.
    #[error("cannot make a temporary folder for the registry ({0}): name a folder, --registry FOLDER")]
    TemporaryFolder(std::io::Error),
    /// A prediction or label that came back cannot be read.
    #[error("cannot decode the record at {topic}/{partition}@{offset}: {error}")]
    Record {
        /// Its topic.
        topic: String,
        /// Its partition.
        partition: i32,
        /// Its offset.
        offset: i64,
        /// What is wrong with it.
        error: schemas::DecodeError,
    },
    /// The topics hold more than was read back, so nothing is proved.
    #[error(
        "{records} of the last records could not be read back within {seconds} s: whether all went well is not known"
    )]
    Unread {
        /// Records that were not read.
        records: i64,
        /// How long it was tried.
        seconds: u64,
    },
    /// An input that is gone once it has been read.
    #[error("`{}` is a pipe or a device, give a regular file: the demo reads its input more than once", path.display())]
    ReadOnce {
        /// The path as given.
        path: PathBuf,
    },
    /// What was known of the rows to learn from cannot be found out.
    #[error(transparent)]
    Join(#[from] feature_store::join::JoinError),
    /// A feature that ratings do not make.
    #[error(
        "model.features names {name}, and no view of features.views makes it of ratings: leave it out, or add it to a view"
    )]
    UnknownFeature {
        /// Its full name.
        name: String,
    },
    /// The scorer does not take up its work.
    #[error("the scorer was not ready within {seconds} s: its log tells why (telemetry.log = \"info\")")]
    NotReady {
        /// How long it was waited for.
        seconds: u64,
    },
}

impl Error {
    /// Whether other flags on the command line would help, and nothing else would.
    pub fn is_wrong_usage(&self) -> bool {
        match self {
            Self::Training(error) => error.is_wrong_usage(),
            Self::Join(error) => error.is_wrong_usage(),
            Self::ReadOnce { .. } | Self::UnknownFeature { .. } => true,
            _ => false,
        }
    }
}
