//! Which partitions this process reads, and by which assignment.
//!
//! Kafka takes partitions away while records of them are on their way to a file. Each assignment of a partition has a number of
//! its own, and records and files carry the number by which they were read: what is of another assignment is dropped on its
//! way. That spares work and is not what keeps records from being written twice, which the names of the files do.

use feature_store::offline::store::{Dataset, SourcePartition};
use schemas::Topics;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

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
#[derive(Default)]
pub(super) struct Lanes(Mutex<State>);

#[derive(Default)]
struct State {
    owned: HashMap<Lane, Owned>,
    epochs: Epoch,
    was_assigned: bool,
}

impl Lanes {
    /// A partition is read from here on.
    pub(super) fn begin(&self, lane: Lane, start: Start) -> Epoch {
        let mut state = self.state();
        state.epochs += 1;
        let epoch = state.epochs;
        state.owned.insert(lane, Owned { epoch, start, done: start.from });
        epoch
    }

    /// The group has answered, be it with no partition.
    pub(super) fn assigned(&self) {
        self.state().was_assigned = true;
    }

    pub(super) fn was_assigned(&self) -> bool {
        self.state().was_assigned
    }

    /// A partition is not read any more.
    pub(super) fn end(&self, lane: Lane) {
        self.state().owned.remove(&lane);
    }

    /// The assignment by which it is read now.
    pub(super) fn owned(&self, lane: Lane) -> Option<Owned> {
        self.state().owned.get(&lane).copied()
    }

    pub(super) fn is_owned(&self, lane: Lane, epoch: Epoch) -> bool {
        self.owned(lane).is_some_and(|owned| owned.epoch == epoch)
    }

    /// What is written reaches up to `next`.
    pub(super) fn done(&self, lane: Lane, epoch: Epoch, next: i64) {
        if let Some(owned) = self.state().owned.get_mut(&lane).filter(|owned| owned.epoch == epoch) {
            owned.done = owned.done.max(next);
        }
    }

    pub(super) fn all(&self) -> Vec<(Lane, Owned)> {
        self.state().owned.iter().map(|(lane, owned)| (*lane, *owned)).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
