//! Whether the worker does its work: what it has taken in comes out again, Kafka brings what it holds, the group knows it.
//! A process that only looks alive is told from one that works.

use crate::metrics;
use service::health::Component;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How often the worker's condition is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// What the stages tell of themselves.
pub(super) struct Progress {
    state: Mutex<State>,
}

struct State {
    /// What is between intake and commit; below none for a moment where a batch is done before it was told of.
    records: isize,
    bytes: isize,
    batches: isize,
    /// When something was committed last, or work came after there was none.
    moved: Instant,
    /// Since when the group has given this member no answer.
    unassigned: Option<Instant>,
    /// Partitions that hold records which don't come, and since when.
    silent: BTreeMap<i32, Instant>,
}

impl Progress {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        let state =
            State { records: 0, bytes: 0, batches: 0, moved: now, unassigned: Some(now), silent: BTreeMap::new() };
        Self { state: Mutex::new(state) }
    }

    /// A batch goes to the stages.
    pub(super) fn taken(&self, records: usize, bytes: usize) {
        let mut state = self.state();
        if state.records <= 0 {
            state.moved = Instant::now();
        }
        state.records += records as isize;
        state.bytes += bytes as isize;
        state.batches += 1;
        metrics::set_in_flight(state.records, state.bytes);
    }

    /// A batch is committed, or given up to another owner.
    pub(super) fn done(&self, records: usize, bytes: usize) {
        let mut state = self.state();
        state.moved = Instant::now();
        state.records -= records as isize;
        state.bytes -= bytes as isize;
        state.batches -= 1;
        metrics::set_in_flight(state.records, state.bytes);
    }

    /// A part of a batch is committed.
    pub(super) fn moved(&self) {
        self.state().moved = Instant::now();
    }

    /// How many batches the stages hold.
    pub(super) fn batches(&self) -> isize {
        self.state().batches
    }

    pub(super) fn assigned(&self) {
        self.state().unassigned = None;
    }

    /// The group owes this member an answer: it was lost sight of, or has given partitions up.
    pub(super) fn unassigned(&self) {
        self.state().unassigned.get_or_insert_with(Instant::now);
    }

    #[cfg(test)]
    pub(super) fn is_assigned(&self) -> bool {
        self.state().unassigned.is_none()
    }

    /// The partitions that are silent now, if any.
    pub(super) fn silent(&self, partitions: &[i32]) {
        let mut state = self.state();
        state.silent.retain(|partition, _| partitions.contains(partition));
        for &partition in partitions {
            state.silent.entry(partition).or_insert_with(Instant::now);
        }
    }

    /// Tells the component until the token is cancelled.
    pub(super) fn watch(&self, component: &Component, limit: Duration, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            match self.state().complaint(Instant::now(), limit) {
                Some(complaint) => component.dead(complaint),
                None => component.ready(),
            }
            std::thread::park_timeout(LOOK);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn complaint(&self, now: Instant, limit: Duration) -> Option<String> {
        let for_too_long = |since: Instant| Some(now.duration_since(since)).filter(|time| *time >= limit);
        if self.records > 0
            && let Some(time) = for_too_long(self.moved)
        {
            return Some(format!("{} records were taken and none committed for {} s", self.records, time.as_secs()));
        }
        let silent = self.silent.iter().filter_map(|(partition, since)| Some((*partition, for_too_long(*since)?)));
        let (partitions, times): (Vec<i32>, Vec<Duration>) = silent.unzip();
        if let Some(time) = times.iter().max() {
            return Some(format!("partitions {partitions:?} hold records and bring none for {} s", time.as_secs()));
        }
        let time = for_too_long(self.unassigned?)?;
        Some(format!("the consumer group has assigned nothing for {} s", time.as_secs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    fn complaint(progress: &Progress, after: Duration) -> Option<String> {
        progress.state().complaint(Instant::now() + after, LIMIT)
    }

    #[test]
    fn work_that_does_not_come_out_again_is_told_after_the_limit_and_not_before() {
        let progress = Progress::new();
        progress.assigned();
        assert_eq!(complaint(&progress, 2 * LIMIT), None, "no work, no complaint");
        progress.taken(10, 1_000);
        progress.taken(5, 500);
        progress.done(10, 1_000);
        assert_eq!(complaint(&progress, LIMIT / 2), None);
        let told = complaint(&progress, LIMIT + Duration::from_secs(1)).unwrap();
        assert_eq!(told, "5 records were taken and none committed for 61 s");
        progress.done(5, 500);
        assert_eq!(complaint(&progress, 2 * LIMIT), None);
    }

    #[test]
    fn a_member_that_the_group_does_not_answer_is_told() {
        let progress = Progress::new();
        assert!(complaint(&progress, LIMIT).unwrap().contains("has assigned nothing"));
        progress.assigned();
        assert_eq!(complaint(&progress, LIMIT), None);
        progress.unassigned();
        assert_eq!(complaint(&progress, LIMIT / 2), None);
        assert!(complaint(&progress, LIMIT).unwrap().contains("has assigned nothing"));
    }

    #[test]
    fn silent_partitions_are_told_until_they_speak() {
        let progress = Progress::new();
        progress.assigned();
        progress.silent(&[2, 3]);
        // Each counts for itself.
        progress.silent(&[3]);
        assert_eq!(complaint(&progress, LIMIT).unwrap(), "partitions [3] hold records and bring none for 60 s");
        progress.silent(&[]);
        assert_eq!(complaint(&progress, LIMIT), None);
    }
}
