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
    #[error("`{path}` can be read only once, and it is needed twice: save it to a file first")]
    ReadOnce {
        /// The pipe.
        path: String,
    },
    /// The data does not hold the limits of `[validation]`.
    #[error("{data} is not fit to train on: {failures}; `plaudit validate` has the whole report")]
    Unfit {
        /// The files.
        data: String,
        /// What was found, and what is allowed.
        failures: String,
    },
    /// Files that were sampled at different rates.
    #[error(
        "`{first}` {of_first} and `{other}` {of_other}: a model learns from rows that were kept at one rate; train on one of \
         them, or sample them together"
    )]
    DifferentKeepRates {
        /// A file.
        first: String,
        /// What was kept of it.
        of_first: String,
        /// Another.
        other: String,
        /// What was kept of that.
        of_other: String,
    },
    /// A file says in its footer that it is a sample, and not of what.
    #[error("cannot read how `{path}` was sampled (the key plaudit.sample of its footer): {reason}")]
    SampleNote {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
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
    /// Nothing has what rows are to be put together by.
    #[error(
        "{data} has no column `{column}` to slice by: name it, --column {column}=COLUMN, or leave out --slice-by {by}"
    )]
    NoSliceColumn {
        /// The files.
        data: String,
        /// Our field.
        column: &'static str,
        /// What was asked for.
        by: String,
    },
    /// A column whose values are nearly all different.
    #[error(
        "`{by}` has more than {} values in the tested rows: slice by something that rows have in common",
        crate::evaluation::MAX_SLICES
    )]
    TooManySlices {
        /// What was asked for.
        by: String,
    },
    /// A search without a trial.
    #[error("a search of 0 trials finds nothing: give --trials 1 or more")]
    NoTrials,
    /// A division by time of rows without times.
    #[error(
        "no row of {data} has a created_at to divide by: --column created_at=COLUMN names it, --validation hash needs none"
    )]
    NoTimes {
        /// The files.
        data: String,
    },
    /// A part of a division that lacks a class.
    #[error(
        "of {data}, divided by {by} for the search, the {part} part has {negatives} negative and {positives} positive rows, \
         and both classes are needed: {}",
        if *.by == "time" { "try --validation hash, or give more rows" } else { "give more rows" }
    )]
    OneClassPart {
        /// The files.
        data: String,
        /// `training` or `validation`.
        part: &'static str,
        /// `time` or `hash`.
        by: &'static str,
        /// Its negative rows.
        negatives: usize,
        /// Its positive rows.
        positives: usize,
    },
    /// No settings could be fitted.
    #[error("none of {trials} trials could be fitted; the first one: {error}")]
    NoTrialSucceeded {
        /// How many.
        trials: usize,
        /// What the first one says.
        error: String,
    },
    /// The journal of a search.
    #[error(transparent)]
    Journal(#[from] crate::tune::JournalError),
    /// A page cannot be written.
    #[error(transparent)]
    Page(#[from] feature_store::offline::OutputError),
    /// The rows cannot be learned from.
    #[error("cannot learn from {data}: {error}")]
    Fit {
        /// The files.
        data: String,
        /// Why not.
        error: FitError,
    },
    /// A gate asks for slices that there can't be.
    #[error("promotion.gates: `slice = \"{slice}\"` cannot be used: {reason}")]
    GateSlice {
        /// What it asks for.
        slice: String,
        /// Why not.
        reason: String,
    },
    /// Nothing has what gates slice by.
    #[error(
        "promotion.gates: `slice = \"{slice}\"` asks for a column `{column}`, which {data} does not have: name one that it has, \
         or take the gate out"
    )]
    NoGateColumn {
        /// The files.
        data: String,
        /// What a gate asks for.
        slice: String,
        /// The column that it needs.
        column: String,
    },
    /// It was told to stop.
    #[error("stopped before the end; nothing was registered")]
    Stopped,
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
            Self::NoLabelColumn { .. }
            | Self::NoHoldout { .. }
            | Self::NoSliceColumn { .. }
            | Self::NoTrials
            | Self::NoTimes { .. } => true,
            Self::File(error) => error.is_wrong_usage(),
            _ => false,
        }
    }
}
