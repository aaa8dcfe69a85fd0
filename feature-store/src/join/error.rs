//! Why a join cannot be made. Each message names the file or folder and says what to do about it.

use crate::offline::{Field, FileError, OutputError, OutputIsInput, TemporaryError};
use std::path::PathBuf;

/// An error of a point-in-time join.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The rows to be joined lack what the join goes by.
    #[error("`{}` has no column for {field}, which {needs}: name it by --column {field}=COLUMN", path.display())]
    NoField {
        /// The file.
        path: PathBuf,
        /// Our field.
        field: Field,
        /// What for.
        needs: String,
    },
    /// A file of features lacks a column.
    #[error("`{}` has no column `{column}` (its columns: {columns}): {advice}", path.display())]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        column: String,
        /// The file's columns.
        columns: String,
        /// What to do.
        advice: String,
    },
    /// A feature that is no number.
    #[error(
        "column `{column}` of `{}` holds {kind}, and a feature is a number or a boolean: pick the features by --feature {view}.NAME",
        path.display()
    )]
    UnusableFeature {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// Its type.
        kind: String,
        /// The view.
        view: String,
    },
    /// A whole number that a feature cannot hold.
    #[error("column `{column}` of `{}` holds a number above {}, which no feature can", path.display(), i64::MAX)]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
    },
    /// Features come as Parquet.
    #[error("`{}` is not Parquet: files of features are read as Parquet alone; convert it", path.display())]
    NotParquet {
        /// The file.
        path: PathBuf,
    },
    /// A pipe.
    #[error("`{}` is no regular file, and a join reads its files more than once: store it first", path.display())]
    NotRegular {
        /// The path.
        path: PathBuf,
    },
    /// One output cannot have the columns of both.
    #[error(
        "`{}` has other columns than `{}`, and one output has one set of columns: join them one by one",
        other.display(),
        first.display()
    )]
    DifferentColumns {
        /// The first file.
        first: PathBuf,
        /// The one that differs.
        other: PathBuf,
    },
    /// One output cannot say of both how they were sampled.
    #[error(
        "`{}` and `{}` were not sampled at the same rates, of which one output tells one: join them one by one",
        first.display(),
        other.display()
    )]
    DifferentSamples {
        /// The first file.
        first: PathBuf,
        /// The one that differs.
        other: PathBuf,
    },
    /// A column of the input has the name of a feature.
    #[error("`{}` has a column `{column}` already: rename it, or join a file without it", path.display())]
    TakenColumn {
        /// The file.
        path: PathBuf,
        /// The name.
        column: String,
    },
    /// Too little memory to do anything with.
    #[error("a memory limit of {given} bytes is too small: give {least} or more")]
    TooLittleMemory {
        /// What was given.
        given: u64,
        /// What is needed.
        least: u64,
    },
    /// The output would replace what is read.
    #[error(transparent)]
    OutputIsInput(#[from] OutputIsInput),
    /// The output cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// Temporary data cannot be kept.
    #[error(transparent)]
    Temporary(#[from] TemporaryError),
    /// Somebody asked the join to end.
    #[error("the join was stopped; nothing was written")]
    Stopped,
}

impl JoinError {
    /// Whether other flags on the command line would help, and nothing else would.
    pub fn is_wrong_usage(&self) -> bool {
        match self {
            Self::File(error) => error.is_wrong_usage(),
            Self::NoField { .. }
            | Self::NoColumn { .. }
            | Self::UnusableFeature { .. }
            | Self::TooLittleMemory { .. }
            | Self::OutputIsInput(_) => true,
            _ => false,
        }
    }
}
