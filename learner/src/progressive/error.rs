//! Why there is no report. Each message says what to do.

use crate::config::ConfigError;
use feature_store::offline::FileError;

/// Why a run ended early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A setting makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Nothing says what is positive and what is negative.
    #[error("the files have no column `label` and no column `rating`: name one, --column rating=COLUMN")]
    NoLabelColumn,
    /// Rows without times, and something that needs them.
    #[error(
        "the files have no column `created_at`, which a delay of {delay} needs: name it, --column created_at=COLUMN"
    )]
    NoTimes {
        /// What was asked for.
        delay: String,
    },
    /// No row can be scored.
    #[error("the files have no row with a text and a label")]
    NoRows,
    /// Everything is a burn-in.
    #[error("of {rows} rows with a text and a label none is left behind a burn-in of {burn_in}: make it shorter")]
    AllBurnIn {
        /// How many rows there are.
        rows: usize,
        /// What was asked for.
        burn_in: String,
    },
    /// Rows wait for labels that come too late to be held.
    #[error("more than {limit} rows wait for their labels with a delay of {delay}: give a shorter one")]
    TooManyWaiting {
        /// How many may.
        limit: usize,
        /// What was asked for.
        delay: String,
    },
}

impl Error {
    /// Whether other flags on the command line would help, and nothing else would.
    pub fn is_wrong_usage(&self) -> bool {
        match self {
            Self::NoLabelColumn | Self::NoTimes { .. } | Self::AllBurnIn { .. } | Self::Config(_) => true,
            Self::File(error) => error.is_wrong_usage(),
            _ => false,
        }
    }
}
