//! Why there is no retrained version. Each message names what is missing and says what to do.

use crate::error::Error as TrainError;
use crate::sample::SampleError;
use feature_store::join::JoinError;
use feature_store::offline::{FileError, store};
use registry::Retraining;
use schemas::Timestamp;
use std::io;
use std::path::PathBuf;

/// An error of retraining. No alias was moved, and no version is half there.
#[derive(Debug, thiserror::Error)]
pub enum RetrainError {
    /// There is nothing to learn from.
    #[error(
        "there is no offline store to retrain from: set offline.url to the folder or bucket that `plaudit ingest` writes, such as \
         --set offline.url=/data/offline"
    )]
    NoOfflineStore,
    /// The dataset has no file.
    #[error("{folder} has no reviews yet: `plaudit ingest` writes them")]
    NoReviews {
        /// The dataset's folder.
        folder: String,
    },
    /// The window is none.
    #[error("--since {since} is not before --until {until}: there is no time between them")]
    NoTime {
        /// Its begin.
        since: Timestamp,
        /// Its end.
        until: Timestamp,
    },
    /// Too few rows with a text and a label.
    #[error(
        "from {since} to {until} the offline store has {rows} rows with a text and a label to {purpose}, and {key} asks for \
         {minimum}: go further back with --since, or lower the key{dropped}"
    )]
    TooFewRows {
        /// The begin of the part.
        since: Timestamp,
        /// Its end.
        until: Timestamp,
        /// `learn from` or `compare on`.
        purpose: &'static str,
        /// How many there are.
        rows: u64,
        /// How many there must be.
        minimum: u64,
        /// Which key says so.
        key: &'static str,
        /// What became of other rows, as the end of the sentence.
        dropped: String,
    },
    /// No time can divide the rows.
    #[error(
        "the {rows} rows from {since} to {until} are all of one minute, {minute}, so none are newer than others: rows without a \
         time of their own have that of their arrival; replay them with the column that holds it, `plaudit replay --column \
         created_at=COLUMN`, or train on files, `plaudit train --holdout 0.2`"
    )]
    OneMinute {
        /// The begin of the time that was looked at.
        since: Timestamp,
        /// Its end.
        until: Timestamp,
        /// The minute of all rows.
        minute: Timestamp,
        /// How many there are.
        rows: u64,
    },
    /// Labels of one class.
    #[error(
        "from {since} to {until} the offline store has {rows} {class} rows to {purpose} and none of the other class, and both \
         are needed: go further back with --since, or bring labels through the topic of feedback"
    )]
    OneClass {
        /// The begin of the part.
        since: Timestamp,
        /// Its end.
        until: Timestamp,
        /// `learn from` or `compare on`.
        purpose: &'static str,
        /// How many there are.
        rows: u64,
        /// Their class.
        class: &'static str,
    },
    /// A feature that cannot be had.
    #[error(
        "the model takes the feature {feature}, and no view of [features.views] has it: configure its view, or train on a \
         file that has it, `plaudit train`"
    )]
    NoFeature {
        /// Its name.
        feature: String,
    },
    /// The labels do not fit.
    #[error(
        "the feedback in {store} has more than {labels} labels, and memory for more is not allowed: raise \
         sample.memory_limit_bytes"
    )]
    TooMuchFeedback {
        /// The store.
        store: String,
        /// How many would be allowed.
        labels: usize,
    },
    /// The data is not fit to train on.
    #[error("the rows are not fit to learn from: {0}")]
    Unfit(String),
    /// Production's settings cannot be read.
    #[error(
        "cannot read the settings of {version} in production ({what}): {reason}; retrain once with --settings config"
    )]
    Settings {
        /// The version.
        version: String,
        /// Which of them.
        what: &'static str,
        /// Why not.
        reason: String,
    },
    /// Another process retrains.
    #[error(
        "run {} of {}, begun at {}, is going on: wait for its end (`plaudit retrain history` shows it)",
        .0.number, .0.who, .0.started_at
    )]
    Busy(Box<Retraining>),
    /// Another process has taken over.
    #[error("another process has begun a retraining since, because this one gave no sign of life for too long")]
    Lost,
    /// It was to end.
    #[error("stopped before the end; nothing was registered")]
    Stopped,
    /// A folder for rows cannot be used.
    #[error("cannot keep rows in `{}`: {source}; set retrain.temp_dir to a folder with room", folder.display())]
    Temporary {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The files of the store.
    #[error(transparent)]
    File(#[from] FileError),
    /// The rows could not be gathered.
    #[error(transparent)]
    Sample(#[from] SampleError),
    /// Features could not be joined.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// Training or comparing failed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// The offline store failed.
    #[error("cannot read the offline store: {0}")]
    Store(Box<store::Error>),
    /// The registry failed.
    #[error(transparent)]
    Registry(#[from] registry::Error),
}

impl From<store::Error> for RetrainError {
    fn from(error: store::Error) -> Self {
        Self::Store(Box::new(error))
    }
}

impl RetrainError {
    /// Feedback that could not be read: its memory is set by a key here, and not by a flag.
    pub(super) fn of_feedback(error: SampleError) -> Self {
        match error {
            SampleError::TooMuchFeedback { store, labels } => Self::TooMuchFeedback { store, labels },
            error => error.into(),
        }
    }

    /// Whether other flags on the command line would help, and nothing else would.
    pub fn is_wrong_usage(&self) -> bool {
        matches!(self, Self::NoOfflineStore | Self::NoTime { .. } | Self::NoFeature { .. })
    }

    /// Whether the same may succeed later, with nothing changed by anybody: what lies outside did not do what was asked.
    pub fn is_passing(&self) -> bool {
        use registry::Error as Registry;
        let of_registry = |error: &Registry| matches!(error, Registry::Store { .. });
        // A column that is not there, and the like, will not be there the next time.
        let of_file = |error: &FileError| !error.is_wrong_usage();
        match self {
            Self::Lost | Self::Busy(_) | Self::Temporary { .. } | Self::Store(_) => true,
            Self::File(error) | Self::Train(TrainError::File(error)) | Self::Sample(SampleError::File(error)) => {
                of_file(error)
            }
            Self::Registry(error) | Self::Train(TrainError::Registry(error)) => of_registry(error),
            Self::Sample(error) => matches!(error, SampleError::Temporary { .. } | SampleError::Output { .. }),
            Self::Join(error) => !error.is_wrong_usage(),
            _ => false,
        }
    }
}
