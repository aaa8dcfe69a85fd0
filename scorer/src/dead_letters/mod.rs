//! What became dead letters, read back and sent again. A dead letter topic is read partition by partition, in order; which of
//! its letters were replayed stands in the topic itself, written in the transaction that sent them (`marker.rs`). So a letter
//! is replayed once, whichever filter picks it, however often a replay is killed, and whoever else begins one.

mod error;
pub(crate) mod headers;
mod letter;
mod list;
mod marker;
mod offset_set;
mod reader;
mod replay;
mod selection;

pub use error::Error;
pub use letter::{Letter, Origin};
pub use list::{CauseCounts, ListReport, Listed, ListedHeader, Status, list};
pub use replay::{Example, Obstacle, Replay, ReplayReport};
pub use selection::Selection;

use service::kafka::KafkaConfig;

/// Where dead letters are.
#[derive(Debug, Clone)]
pub struct DeadLetterTopic {
    /// The cluster.
    pub kafka: KafkaConfig,
    /// The topic's name.
    pub name: String,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// A transaction that is still open hides what comes behind it in this partition.
    Waiting {
        /// Which one.
        partition: i32,
    },
    /// Offsets are read, once to learn what was replayed and once more for the letters.
    Reading {
        /// Offsets passed.
        read: u64,
        /// Offsets to pass.
        total: u64,
        /// Letters sent again.
        replayed: u64,
    },
}
