//! Why there is no sample. Each message names the file, the folder or the setting, and says what to do about it.

use feature_store::offline::{FileError, OutputError, OutputIsInput, TemporaryError};

/// An error of sampling. Nothing stands at the output's path then that was not there before.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A setting makes no sense.
    #[error("{0}")]
    Setting(String),
    /// Nothing says what is positive and what is negative.
    #[error(
        "{inputs} has no column `label` and no column `rating`: name one of them, --column label=COLUMN or --column \
         rating=COLUMN"
    )]
    NoLabelColumn {
        /// The files.
        inputs: String,
    },
    /// No row with a text and a label.
    #[error("{inputs} has no row with a text and a label{dropped}")]
    NoRows {
        /// The files.
        inputs: String,
        /// What became of the rows, as the end of the sentence.
        dropped: String,
    },
    /// There is nothing to balance.
    #[error(
        "{inputs} has {texts} {class} texts and none of the other class{dropped}: a balanced sample needs both; look at \
         --where and at the column that labels come from"
    )]
    OneClass {
        /// The files.
        inputs: String,
        /// Different texts of the class.
        texts: u64,
        /// The class.
        class: &'static str,
        /// What became of the other rows, as the end of the sentence.
        dropped: String,
    },
    /// A column of too many values.
    #[error("column `{column}` has more than {limit} values, and each would be a stratum: stratify by another")]
    TooManyStrata {
        /// The column.
        column: String,
        /// How many are allowed.
        limit: usize,
    },
    /// The labels in the store's feedback do not fit.
    #[error(
        "the feedback in {store} has more than {labels} labels, and memory for more is not allowed: raise --memory-limit, \
         or sample files by --input"
    )]
    TooMuchFeedback {
        /// The store.
        store: String,
        /// How many would be allowed.
        labels: usize,
    },
    /// What was chosen in the first pass is not there in the second.
    #[error(
        "{chosen} rows were chosen and {found} of them found when they were read again: a file has changed meanwhile; sample \
         again, from files that nobody writes to"
    )]
    Changed {
        /// Rows that the sample was to have.
        chosen: u64,
        /// Rows that it would have.
        found: u64,
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
    /// The store of `plaudit ingest` cannot be read.
    #[error(transparent)]
    Store(Box<feature_store::offline::store::Error>),
    /// Spark failed, or is not there.
    #[error("Spark at {address}: {reason}")]
    Spark {
        /// Where.
        address: String,
        /// What it says, or what is wrong with what it says.
        reason: String,
    },
}

impl From<feature_store::offline::store::Error> for SampleError {
    fn from(error: feature_store::offline::store::Error) -> Self {
        Self::Store(Box::new(error))
    }
}

impl SampleError {
    /// Whether other flags on the command line would help, and nothing else would.
    pub fn is_wrong_usage(&self) -> bool {
        match self {
            Self::File(error) => error.is_wrong_usage(),
            Self::Setting(_) | Self::NoLabelColumn { .. } | Self::OutputIsInput(_) => true,
            _ => false,
        }
    }
}
