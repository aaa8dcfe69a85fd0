//! Why history cannot be applied.

use crate::offline::{Field, FileError};
use crate::{offline, online};
use std::path::PathBuf;

/// An error of a backfill.
#[derive(Debug, thiserror::Error)]
pub enum BackfillError {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The written store cannot be read.
    #[error(transparent)]
    Store(#[from] offline::store::Error),
    /// The online store cannot be written.
    #[error("{0}; run the same again: what was applied is not applied twice")]
    Online(#[from] online::Error),
    /// A file lacks what every event has.
    #[error("`{}` has no column `{column}` to take {field} from: name it by --column {field}=COLUMN", path.display())]
    NoField {
        /// The file.
        path: PathBuf,
        /// Our field.
        field: Field,
        /// The column that was looked for.
        column: String,
    },
    /// A pipe.
    #[error("`{}` is no regular file, and its content names its rows: store it first", path.display())]
    NotRegular {
        /// The path.
        path: PathBuf,
    },
    /// Some of the records of a partition.
    #[error(
        "`{}` says which records of Kafka its rows are, and these count once in any case: of some of them the others would pass \
         for applied; leave out --before, --since, --until and --where",
        path.display()
    )]
    Partial {
        /// The file.
        path: PathBuf,
    },
    /// Rows of a partition in another order than in Kafka.
    #[error(
        "`{}` holds {record} behind offset {last} of that partition, and aggregates take offsets in their order: sort the rows \
         by source_partition and source_offset, and name the files in that order",
        path.display()
    )]
    OutOfOrder {
        /// The file.
        path: PathBuf,
        /// The record, as topic/partition@offset.
        record: String,
        /// The offset that came before it.
        last: i64,
    },
    /// Some rows say where they come from and others don't.
    #[error("row {row} of `{}` has no {column}, though the file has the columns of its source: give it one, or drop these columns", path.display())]
    NoSource {
        /// The file.
        path: PathBuf,
        /// The row's number from 1.
        row: u64,
        /// What it lacks.
        column: &'static str,
    },
}

impl BackfillError {
    /// Whether other flags on the command line would help, and nothing else would.
    pub fn is_wrong_usage(&self) -> bool {
        match self {
            Self::File(error) => error.is_wrong_usage(),
            Self::NoField { .. } | Self::Partial { .. } => true,
            _ => false,
        }
    }
}
