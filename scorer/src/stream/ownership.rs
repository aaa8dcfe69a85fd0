//! Which partitions this worker may publish for.
//!
//! Kafka takes partitions away while records of them are on their way through the stages. Each assignment of a partition gets
//! a number of its own; a batch carries the numbers that held when its records were read, and the publisher drops what is of
//! another assignment. The publisher holds a lock during a transaction, and the rebalance callback takes it before it
//! agrees to a revocation: once a partition is given up, nothing of it can be published any more.

use super::progress::Progress;
use super::stage::{Stage, Stages};
use super::start::Starts;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, TopicPartitionList};
use service::health::Component;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long the publisher waits at a time for a callback that wants the lock; it holds it for a moment.
const GIVING_UP: Duration = Duration::from_millis(1);

/// The number of an assignment of a partition.
pub(super) type Epoch = u64;

pub(super) struct Ownership {
    /// Held while a transaction is open.
    publishing: Mutex<()>,
    /// A partition is to be given up after the transaction that is open. Without it the publisher, which takes the lock again and
    /// again, might never leave it to the callback.
    is_giving_up: AtomicBool,
    /// Held for a moment only.
    owned: Mutex<Owned>,
    changes: AtomicU64,
    pub(super) stages: Stages,
    pub(super) progress: Progress,
}

/// What may be published for as long as this lives: no partition of it is given up meanwhile.
pub(super) struct Held<'o> {
    pub(super) owned: Owned,
    _publishing: MutexGuard<'o, ()>,
}

#[derive(Clone, Default)]
pub(super) struct Owned {
    partitions: HashMap<i32, Epoch>,
    assignments: Epoch,
    was_assigned: bool,
}

impl Owned {
    #[cfg(test)]
    pub(super) fn of(partitions: &[(i32, Epoch)]) -> Self {
        Self { partitions: partitions.iter().copied().collect(), ..Self::default() }
    }

    /// The number of the assignment by which the worker owns the partition now.
    pub(super) fn epoch(&self, partition: i32) -> Option<Epoch> {
        self.partitions.get(&partition).copied()
    }

    pub(super) fn partitions(&self) -> impl Iterator<Item = i32> + '_ {
        self.partitions.keys().copied()
    }

    /// Whether the group has answered at all, be it with no partition.
    pub(super) fn was_assigned(&self) -> bool {
        self.was_assigned
    }
}

impl Ownership {
    pub(super) fn new(health: Component) -> Self {
        Self {
            publishing: Mutex::new(()),
            is_giving_up: AtomicBool::new(false),
            owned: Mutex::new(Owned::default()),
            changes: AtomicU64::new(0),
            stages: Stages::new(health),
            progress: Progress::new(),
        }
    }

    /// What is owned now; it may be given up in the next moment.
    pub(super) fn now(&self) -> MutexGuard<'_, Owned> {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the last change of what is owned: what was looked up holds for as long as it is the same. Changes are made
    /// by the thread that polls, which is the one that asks.
    pub(super) fn change(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// What is owned, and stays so until the answer is dropped.
    pub(super) fn hold(&self) -> Held<'_> {
        while self.is_giving_up.load(Ordering::Acquire) {
            std::thread::park_timeout(GIVING_UP);
        }
        let publishing = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        Held { owned: self.now().clone(), _publishing: publishing }
    }

    fn assign(&self, partitions: Vec<i32>) {
        self.changes.fetch_add(1, Ordering::Relaxed);
        let mut owned = self.now();
        for partition in partitions {
            owned.assignments += 1;
            let epoch = owned.assignments;
            owned.partitions.insert(partition, epoch);
        }
        owned.was_assigned = true;
        tell(&owned);
        // A member without a partition is a reserve, and as ready as one can be.
        self.stages.enter(Stage::Running);
        self.progress.assigned();
    }

    /// The worker has left the group, of itself or because it was not heard of, and joins anew.
    pub(super) fn left(&self) {
        self.stages.enter(Stage::Joining);
        self.progress.unassigned();
    }

    /// The group answers each revocation with an assignment, be it of nothing: until then health says that there is none.
    fn revoke(&self, partitions: Vec<i32>, is_lost: bool) {
        // Waits for the transaction that is open, if one is.
        self.is_giving_up.store(true, Ordering::Release);
        let _publishing = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_giving_up.store(false, Ordering::Release);
        self.changes.fetch_add(1, Ordering::Relaxed);
        let mut owned = self.now();
        for partition in partitions {
            owned.partitions.remove(&partition);
        }
        tell(&owned);
        if is_lost || owned.partitions.is_empty() {
            self.stages.enter(Stage::Joining);
        }
        self.progress.unassigned();
    }
}

fn tell(owned: &Owned) {
    let mut partitions: Vec<i32> = owned.partitions().collect();
    partitions.sort_unstable();
    tracing::info!(partitions = ?partitions, "owns {} partitions", partitions.len());
}

/// What librdkafka calls when the group changes, from the thread that polls.
pub(super) struct Callbacks {
    pub(super) ownership: Arc<Ownership>,
    pub(super) starts: Starts,
}

impl ClientContext for Callbacks {
    fn error(&self, event: KafkaError, reason: &str) {
        service::kafka::events::log(&event, reason);
    }
}

impl ConsumerContext for Callbacks {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, event: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let is_cooperative = matches!(consumer.rebalance_protocol(), RebalanceProtocol::Cooperative);
        let partitions = list.elements().iter().map(|element| element.partition()).collect::<Vec<_>>();
        let done = if event == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            self.starts.place(consumer, list);
            // The client remembers that a partition was paused when it was given up: it would never be read again.
            let resumed = consumer.resume(list);
            self.ownership.assign(partitions);
            resumed.and(if is_cooperative { consumer.incremental_assign(list) } else { consumer.assign(list) })
        } else {
            self.ownership.revoke(partitions, consumer.assignment_lost());
            if is_cooperative { consumer.incremental_unassign(list) } else { consumer.unassign() }
        };
        if let Err(error) = done {
            tracing::warn!("the consumer group could not rebalance: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use service::health::Health;

    #[test]
    fn a_revocation_that_no_assignment_follows_shows_in_health() {
        let health = Health::new();
        let ownership = Ownership::new(health.component("stream"));
        ownership.assign(vec![0, 1]);
        assert!(health.is_ready() && ownership.progress.is_assigned());
        ownership.revoke(vec![1], false);
        assert!(health.is_ready(), "it works on with the other one");
        assert!(!ownership.progress.is_assigned(), "and the group owes it an answer");
        ownership.assign(Vec::new());
        assert!(ownership.progress.is_assigned());
        ownership.revoke(vec![0], false);
        assert!(!health.is_ready() && !ownership.progress.is_assigned());
        ownership.assign(Vec::new());
        assert!(health.is_ready() && ownership.progress.is_assigned(), "a reserve");
    }
}
