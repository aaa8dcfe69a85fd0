//! How far partitions are from their ends, as librdkafka's statistics tell it: the lag, and for a run that stops at the end
//! whether a partition is done. The last record alone doesn't tell that: transactions leave markers behind their records,
//! which take offsets and are never delivered, and the client's own event for the end of a partition does not say of which
//! topic.

use super::lane::{Epoch, Lane, Lanes, TopicNames};
use crate::metrics;
use rdkafka::Statistics;
use service::kafka::{Error, KafkaConfig};
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many statistics in a row that say so make an end: the first may be from before a pause, which drops what was fetched.
const ENOUGH: u32 = 2;

/// The offsets at which a run ends.
pub(super) struct Ends {
    offsets: HashMap<Lane, i64>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Partitions of which the client has fetched all up to the end, and how often it said so.
    fetched: HashMap<Lane, u32>,
    /// Partitions that were read to their end, and by which assignment: after another one they begin anew.
    reached: HashMap<Lane, Epoch>,
}

impl Ends {
    /// The end of each partition as it is now.
    pub(super) fn now(kafka: &KafkaConfig, names: &TopicNames) -> Result<Self, Error> {
        let mut offsets = HashMap::new();
        for topic in names.all() {
            let ends = service::kafka::admin::end_offsets(kafka, topic)?;
            offsets
                .extend(ends.iter().filter_map(|(topic, partition, end)| Some((names.lane(topic, partition)?, end.0))));
        }
        offsets.retain(|_, end| *end > 0);
        Ok(Self { offsets, state: Mutex::default() })
    }

    /// The end of a partition; 0 where there was nothing.
    pub(super) fn of(&self, lane: Lane) -> i64 {
        self.offsets.get(&lane).copied().unwrap_or(0)
    }

    /// A partition is read up to here.
    pub(super) fn read_up_to(&self, lane: Lane, epoch: Epoch, next: i64) {
        if next >= self.of(lane) {
            self.state().reached.insert(lane, epoch);
        }
    }

    /// What was fetched is dropped, and fetched again.
    pub(super) fn begin_anew(&self) {
        self.state().fetched.clear();
    }

    /// What the client has fetched so far.
    pub(super) fn look(&self, statistics: &Statistics, names: &TopicNames) {
        let mut state = self.state();
        for (topic, partitions) in &statistics.topics {
            for found in partitions.partitions.values() {
                let Some(lane) = names.lane(topic, found.partition) else { continue };
                let Some(&end) = self.offsets.get(&lane) else { continue };
                if found.eof_offset >= end && found.next_offset >= end {
                    *state.fetched.entry(lane).or_default() += 1;
                } else {
                    state.fetched.remove(&lane);
                }
            }
        }
    }

    /// Nothing that was fetched is left to be read: what was fetched up to its end is done. Answers what became so by that.
    pub(super) fn nothing_is_left(&self, lanes: &Lanes) -> Vec<(Lane, Epoch, i64)> {
        let mut state = self.state();
        let done: Vec<Lane> =
            state.fetched.iter().filter(|(_, times)| **times >= ENOUGH).map(|(lane, _)| *lane).collect();
        let mut new = Vec::new();
        for lane in done {
            let Some(owned) = lanes.owned(lane) else { continue };
            if state.reached.insert(lane, owned.epoch) != Some(owned.epoch) {
                new.push((lane, owned.epoch, self.of(lane)));
            }
        }
        new
    }

    /// The partitions that somebody else has to finish, with their ends; none when one of our own is not done.
    pub(super) fn left_to_others(&self, lanes: &Lanes) -> Option<Vec<(Lane, i64)>> {
        let state = self.state();
        let owned = lanes.all();
        let is_done = |lane: Lane, epoch| self.of(lane) == 0 || state.reached.get(&lane) == Some(&epoch);
        if !owned.iter().all(|(lane, owned)| is_done(*lane, owned.epoch)) {
            return None;
        }
        let ours: HashSet<Lane> = owned.into_iter().map(|(lane, _)| lane).collect();
        Some(self.offsets.iter().filter(|(lane, _)| !ours.contains(lane)).map(|(lane, end)| (*lane, *end)).collect())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the records between what is written and the ends of the partitions that are read.
pub(super) fn tell_lag(statistics: &Statistics, names: &TopicNames, lanes: &Lanes) {
    let mut lags = [0_u64; 3];
    for (topic, partitions) in &statistics.topics {
        for found in partitions.partitions.values() {
            let Some((lane, owned)) =
                names.lane(topic, found.partition).and_then(|lane| Some((lane, lanes.owned(lane)?)))
            else {
                continue;
            };
            // Below zero while the client has not asked.
            lags[lane.dataset as usize] += u64::try_from(found.ls_offset - owned.done).unwrap_or(0);
        }
    }
    metrics::set_lag(lags);
}
