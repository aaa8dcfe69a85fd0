//! How far a join is, and the wish that it end: shared with whoever shows the one and has the other.

use super::JoinError;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

/// What a join is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Reading entities and times of the rows to be joined.
    Keys,
    /// Reading features or their history.
    History,
    /// Finding what each row would have seen.
    Matching,
    /// Writing rows with their features.
    Writing,
}

impl Stage {
    const ALL: [Stage; 4] = [Stage::Keys, Stage::History, Stage::Matching, Stage::Writing];

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Keys => "reading entities and times",
            Stage::History => "reading history",
            Stage::Matching => "matching",
            Stage::Writing => "writing",
        }
    }
}

/// A join's state, safe to look at from another thread.
#[derive(Debug, Default)]
pub struct JoinProgress {
    stage: AtomicU8,
    done: AtomicU64,
    total: AtomicU64,
    stopped: AtomicBool,
}

impl JoinProgress {
    /// The stage, and how many rows of how many are done in it (shards when matching); a total of 0 is not known.
    pub fn now(&self) -> (Stage, u64, u64) {
        let stage = Stage::ALL[usize::from(self.stage.load(Ordering::Relaxed))];
        (stage, self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }

    /// Asks the join to end soon, without a result.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    pub(super) fn begin(&self, stage: Stage, total: u64) {
        self.stage.store(stage as u8, Ordering::Relaxed);
        self.done.store(0, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
    }

    /// Counts what is done, and ends what nobody wants any more.
    pub(super) fn advance(&self, count: usize) -> Result<(), JoinError> {
        self.done.fetch_add(count as u64, Ordering::Relaxed);
        if self.stopped.load(Ordering::Relaxed) { Err(JoinError::Stopped) } else { Ok(()) }
    }
}
