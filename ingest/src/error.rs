//! What can end a replay, in the words of whoever has to act on it.

use feature_store::offline::FileError;

/// Why a replay ended early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// Feedback is wanted, and nothing in the files says what it would be.
    #[error(
        "{files} has no column `label` and no column `rating`, so there is no feedback to send: name one of them, --column \
         label=COLUMN or --column rating=COLUMN, or leave out --feedback"
    )]
    NoLabelColumn {
        /// The files.
        files: String,
    },
    /// A thread that reads or waits ended before its work did.
    #[error("a worker thread stopped: {0}")]
    Worker(#[from] tokio::task::JoinError),
    /// Kafka is not there, or lacks a topic, or the producer cannot be set up.
    #[error(transparent)]
    Kafka(#[from] service::kafka::Error),
    /// The producer takes no more records.
    #[error("the replay stopped at topic {topic}: {reason}")]
    Send {
        /// The topic.
        topic: String,
        /// Why.
        reason: Box<service::kafka::Error>,
    },
    /// The broker did not confirm what was sent. A record without an acknowledgement may have arrived: the answer can be
    /// what was lost.
    #[error(
        "the replay stopped: {acknowledged} records were acknowledged, {unacknowledged} were not and may or may not have \
         arrived; the first error was on topic {topic}: {reason}"
    )]
    Delivery {
        /// Topic of the first error.
        topic: String,
        /// The first error.
        reason: Box<service::kafka::Error>,
        /// Records that the broker acknowledged.
        acknowledged: u64,
        /// Records that were sent without an answer so far, or with an error for one.
        unacknowledged: u64,
    },
}

impl Error {
    /// Whether other flags on the command line would help, and nothing else would.
    pub fn is_wrong_usage(&self) -> bool {
        match self {
            Self::NoLabelColumn { .. } => true,
            Self::File(error) => error.is_wrong_usage(),
            _ => false,
        }
    }
}
