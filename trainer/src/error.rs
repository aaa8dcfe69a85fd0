//! Why there is no model or no figure. Each message names the data or the model and says what to do.

use feature_store::offline::FileError;
use model::{ArtifactError, ConfigError, FitError};
use schemas::{ModelName, ModelVersion};

/// Why training or evaluation ended early. Nothing has been registered then.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A setting makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Nothing says what is positive and what is negative.
    #[error(
        "{data} has no column `label` and no column `rating`: name one of them, --column label=COLUMN or \
         --column rating=COLUMN"
    )]
    NoLabelColumn {
        /// The files.
        data: String,
    },
    /// A holdout's share that leaves nothing to learn from or nothing to test.
    #[error("a holdout of {share} makes no test: give a share of the rows above 0 and below 1, such as 0.2")]
    NoHoldout {
        /// What was asked for.
        share: f64,
    },
    /// A pipe would have to be read a second time.
    #[error("`{path}` can be read only once, and this test needs it twice: save it to a file first")]
    ReadOnce {
        /// The pipe.
        path: String,
    },
    /// Files that end with their header, or conditions that no row meets.
    #[error("{data} has not a single row")]
    NoRows {
        /// The files, with the conditions.
        data: String,
    },
    /// Too little to learn from.
    #[error("{data} has {} to learn from, and {minimum} are the least{}", rows_in_words(*.rows), .dropped)]
    TooFewRows {
        /// The files.
        data: String,
        /// The rows with a text and a label.
        rows: u64,
        /// How many there must be.
        minimum: u64,
        /// What happened to the other rows, as the end of the sentence.
        dropped: String,
    },
    /// Nothing to test on.
    #[error("{data} has no row to test on{}", .dropped)]
    NoTestRows {
        /// The files.
        data: String,
        /// What happened to the other rows, as the end of the sentence.
        dropped: String,
    },
    /// The rows cannot be learned from.
    #[error("cannot learn from {data}: {error}")]
    Fit {
        /// The files.
        data: String,
        /// Why not.
        error: FitError,
    },
    /// The registry failed.
    #[error(transparent)]
    Registry(#[from] registry::Error),
    /// The registry's bytes are not a model that this program can use.
    #[error("cannot use {version} of \"{name}\": {error}")]
    Artifact {
        /// The model.
        name: ModelName,
        /// The version.
        version: ModelVersion,
        /// What is wrong with the bytes.
        error: ArtifactError,
    },
}

fn rows_in_words(rows: u64) -> String {
    if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") }
}

impl Error {
    /// Whether other flags on the command line would help, and nothing else would.
    pub fn is_wrong_usage(&self) -> bool {
        match self {
            Self::NoLabelColumn { .. } | Self::NoHoldout { .. } => true,
            Self::File(error) => error.is_wrong_usage(),
            _ => false,
        }
    }
}
