//! Which partitions this process reads, and by which assignment.
//!
//! Kafka takes partitions away while records of them are on their way to a file. Each assignment of a partition has a number of
//! its own, and records and files carry the number by which they were read: what is of another assignment is dropped on its
//! way. That spares work and is not what keeps records from being written twice, which the names of the files do.

use feature_store::offline::store::{Dataset, SourcePartition};
use schemas::Topics;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The number of an assignment of a partition.
pub(super) type Epoch = u64;

/// A partition of one of the topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Lane {
    pub(super) dataset: Dataset,
    pub(super) partition: i32,
}

/// The topic of each dataset.
#[derive(Debug, Clone)]
pub(super) struct TopicNames([String; 3]);

impl TopicNames {
    pub(super) fn new(topics: &Topics) -> Self {
        let Topics { reviews, feedback, predictions, .. } = topics;
        Self([reviews.clone(), feedback.clone(), predictions.clone()])
    }

    pub(super) fn all(&self) -> [&str; 3] {
        [&self.0[0], &self.0[1], &self.0[2]]
    }

    pub(super) fn topic(&self, dataset: Dataset) -> &str {
        &self.0[dataset as usize]
    }

    pub(super) fn lane(&self, topic: &str, partition: i32) -> Option<Lane> {
        let place = self.0.iter().position(|name| name == topic)?;
        Some(Lane { dataset: Dataset::ALL[place], partition })
    }

    pub(super) fn partition(&self, lane: Lane) -> SourcePartition {
        SourcePartition::new(self.topic(lane.dataset), lane.partition)
    }
}

/// Where an assignment began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start {
    /// The first offset that is read.
    pub(super) from: i64,
    /// The offset at which the next file begins: what is read before it stands in files already.
    pub(super) files_from: i64,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Owned {
    pub(super) epoch: Epoch,
    pub(super) start: Start,
    /// What is written reaches up to here.
    pub(super) done: i64,
}

/// What is read now.
pub(super) struct Lanes {
    state: Mutex<State>,
    changes: AtomicU64,
}

struct State {
    owned: HashMap<Lane, Owned>,
    /// What is assigned and not read yet, because it is being found out where it begins.
    expected: HashMap<Lane, Epoch>,
    epochs: Epoch,
    /// Since when the group has given no answer.
    unassigned: Option<Instant>,
}

impl Lanes {
    pub(super) fn new() -> Self {
        let unassigned = Some(Instant::now());
        let state = State { owned: HashMap::new(), expected: HashMap::new(), epochs: 0, unassigned };
        Self { state: Mutex::new(state), changes: AtomicU64::new(0) }
    }

    /// A partition is ours and will be read, by this assignment, when it is known where it begins.
    pub(super) fn expect(&self, lane: Lane) -> Epoch {
        self.changed();
        let mut state = self.state();
        state.epochs += 1;
        let epoch = state.epochs;
        state.owned.remove(&lane);
        state.expected.insert(lane, epoch);
        epoch
    }

    pub(super) fn is_expected(&self, lane: Lane, epoch: Epoch) -> bool {
        self.state().expected.get(&lane) == Some(&epoch)
    }

    pub(super) fn is_expecting(&self) -> bool {
        !self.state().expected.is_empty()
    }

    /// A partition is read from here on; false where it is not expected any more by this assignment.
    pub(super) fn begin(&self, lane: Lane, epoch: Epoch, start: Start) -> bool {
        self.changed();
        let mut state = self.state();
        let is_expected = state.expected.get(&lane) == Some(&epoch);
        if is_expected {
            state.expected.remove(&lane);
            state.owned.insert(lane, Owned { epoch, start, done: start.from });
        }
        is_expected
    }

    /// A partition is not ours any more. Answers whether it was read.
    pub(super) fn end(&self, lane: Lane) -> bool {
        self.changed();
        let mut state = self.state();
        state.expected.remove(&lane);
        state.owned.remove(&lane).is_some()
    }

    /// The group has answered, be it with no partition.
    pub(super) fn assigned(&self) {
        self.state().unassigned = None;
    }

    /// The group has lost sight of this member.
    pub(super) fn lost(&self) {
        self.state().unassigned = Some(Instant::now());
    }

    /// Since when the group has given no answer.
    pub(super) fn unassigned(&self) -> Option<Instant> {
        self.state().unassigned
    }

    /// The assignment by which it is read now.
    pub(super) fn owned(&self, lane: Lane) -> Option<Owned> {
        self.state().owned.get(&lane).copied()
    }

    pub(super) fn is_owned(&self, lane: Lane, epoch: Epoch) -> bool {
        self.owned(lane).is_some_and(|owned| owned.epoch == epoch)
    }

    /// What is written reaches up to `next`, or further as it was told before. Answers how far.
    pub(super) fn done(&self, lane: Lane, epoch: Epoch, next: i64) -> i64 {
        match self.state().owned.get_mut(&lane).filter(|owned| owned.epoch == epoch) {
            Some(owned) => {
                owned.done = owned.done.max(next);
                owned.done
            }
            None => next,
        }
    }

    pub(super) fn all(&self) -> Vec<(Lane, Owned)> {
        self.state().owned.iter().map(|(lane, owned)| (*lane, *owned)).collect()
    }

    /// The number of the last change of what is read: what was looked up holds for as long as it is the same. Changes are
    /// made by the thread that polls, which is the one that asks.
    pub(super) fn change(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    fn changed(&self) {
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
