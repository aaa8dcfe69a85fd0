//! What can end a look at dead letters, or their replay.

/// Why it ended early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Kafka is not there, or lacks the topic.
    #[error(transparent)]
    Kafka(#[from] service::kafka::Error),
    /// A partition is read no further.
    #[error(
        "nothing came from {topic}/{partition} behind offset {offset} for {seconds} s; see whether its broker is well"
    )]
    Stalled {
        /// The dead letter topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// Where it stopped.
        offset: i64,
        /// How long it was waited for.
        seconds: u64,
    },
    /// This producer may write no more. What was committed before is marked as replayed.
    #[error(
        "the replay stopped after {replayed} dead letters: another replay of {topic} took over, or a transaction took longer \
         than scorer.transaction_timeout_ms; run again, it goes on behind them"
    )]
    TakenOver {
        /// The dead letter topic.
        topic: String,
        /// Letters sent again for certain.
        replayed: u64,
    },
    /// A transaction failed for good. What was committed before is marked as replayed.
    #[error("the replay stopped after {replayed} dead letters, and goes on behind them when it is run again: {source}")]
    Interrupted {
        /// Letters sent again for certain.
        replayed: u64,
        /// What the producer said.
        source: service::kafka::Error,
    },
}
