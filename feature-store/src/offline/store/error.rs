//! What can go wrong with the store: each error is one sentence that names the file and says what to do.

use super::{Dataset, SourcePartition};
use bucket::Trouble;
use std::error::Error as _;
use std::io;

/// The decision that the caller has to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The same call may succeed later.
    Retry,
    /// Somebody has to do something first.
    Fatal,
}

/// Why the offline store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is of no use.
    #[error("\"{url}\" is no offline store: {problem}")]
    Address {
        /// The address given.
        url: String,
        /// Why not, and what would be one.
        problem: String,
    },
    /// The folder or bucket did not do what was asked of it.
    #[error("cannot {action} {path}: {cause}")]
    Access {
        /// `read`, `write`, `list` or `remove`.
        action: &'static str,
        /// The file or folder.
        path: String,
        /// The system's words and what helps.
        cause: String,
        /// Whether waiting helps.
        kind: ErrorKind,
    },
    /// A file that was there is gone: a compaction has put another in its place.
    #[error("{path} is gone: a compaction put another file in its place; read again")]
    Gone {
        /// The file.
        path: String,
    },
    /// A file of the store is not what it was when it was written.
    #[error("{path} {problem}: restore it from a backup, or remove it and lose its rows")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Rows could not be written as Parquet.
    #[error("cannot write rows of {dataset} from {partition} as Parquet: {source}")]
    Encode {
        /// Which records.
        dataset: Dataset,
        /// Where they came from.
        partition: SourcePartition,
        /// What the encoder says.
        source: Box<parquet::errors::ParquetError>,
    },
}

impl Error {
    /// The decision that the caller has to take.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Access { kind, .. } => *kind,
            Self::Gone { .. } => ErrorKind::Retry,
            Self::Address { .. } | Self::Damaged { .. } | Self::Encode { .. } => ErrorKind::Fatal,
        }
    }

    pub(super) fn encode(dataset: Dataset, partition: &SourcePartition, source: parquet::errors::ParquetError) -> Self {
        Self::Encode { dataset, partition: partition.clone(), source: Box::new(source) }
    }

    pub(super) fn open(path: std::path::PathBuf, error: io::Error) -> Self {
        let path = path.display().to_string();
        if error.kind() == io::ErrorKind::NotFound {
            return Self::Gone { path };
        }
        let (cause, kind) = of_folder(&error);
        Self::Access { action: "read", path, cause, kind }
    }

    pub(super) fn access(action: &'static str, path: String, error: &object_store::Error) -> Self {
        if let (object_store::Error::NotFound { .. }, "read") = (error, action) {
            return Self::Gone { path };
        }
        let (cause, kind) = match io_error_of(error) {
            Some(error) => of_folder(error),
            None => of_bucket(error),
        };
        Self::Access { action, path, cause, kind }
    }
}

/// The store's own sentences repeat the path and hide the operating system's; the latter says what happened.
fn io_error_of(error: &object_store::Error) -> Option<&io::Error> {
    // A connection's errors are of the system too; they speak of no folder.
    if Trouble::is_certain(error) {
        return None;
    }
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error);
        }
        source = error.source();
    }
    None
}

fn of_folder(error: &io::Error) -> (String, ErrorKind) {
    let advice = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; free space there, or set offline.url to another folder"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; give this user access, or set offline.url to another folder"
        }
        io::ErrorKind::FileTooLarge => {
            "; raise the limit on the size of files (ulimit -f), or set ingest.file_max_bytes below it"
        }
        io::ErrorKind::NotADirectory => "; a file is where a folder should be, set offline.url to a folder",
        _ => "",
    };
    let kind = match error.kind() {
        io::ErrorKind::Interrupted | io::ErrorKind::TimedOut | io::ErrorKind::StaleNetworkFileHandle => {
            ErrorKind::Retry
        }
        _ => ErrorKind::Fatal,
    };
    (format!("{error}{advice}"), kind)
}

fn of_bucket(error: &object_store::Error) -> (String, ErrorKind) {
    let Trouble { cause, may_pass } = Trouble::of(error, "offline.url");
    (cause, if may_pass { ErrorKind::Retry } else { ErrorKind::Fatal })
}
