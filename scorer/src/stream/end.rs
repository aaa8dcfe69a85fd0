//! Where a run until the end ends: at the offsets that were the topic's ends when it began.

use super::intake::ReviewConsumer;
use super::ownership::{Epoch, Owned};
use rdkafka::TopicPartitionList;
use service::kafka::{Error, KafkaConfig, NextOffset, NextOffsets, committed_offsets};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How often the run asks how far other members are, when its own partitions are done; and how long it waits for the answer.
const LOOK_AT_OTHERS: Duration = Duration::from_millis(200);
const ANSWER: Duration = Duration::from_secs(5);

/// How long nothing may come of a partition, after its leader has shown the end, before the end is believed: a fetch is over long
/// before.
const SETTLED: Duration = Duration::from_secs(1);

/// The offsets at which the run ends.
pub(super) struct End {
    offsets: HashMap<i32, i64>,
    /// The partitions that were read to their end, and by which assignment: after another one they begin anew.
    reached: HashMap<i32, Epoch>,
    /// The partitions of which the client has told an end, by which assignment, and when their leader was then seen to have the end
    /// of the run. A broker that follows, or became leader just now, may show an end that is none yet.
    told: HashMap<i32, (Epoch, Option<Instant>)>,
    looked_at_others: Option<Instant>,
}

impl End {
    /// The end of each partition as it is now.
    pub(super) fn now(kafka: &KafkaConfig, topic: &str) -> Result<Self, Error> {
        let ends = service::kafka::admin::end_offsets(kafka, topic)?;
        let offsets = ends.iter().map(|(_, partition, next)| (partition, next.0)).filter(|(_, end)| *end > 0).collect();
        Ok(Self { offsets, reached: HashMap::new(), told: HashMap::new(), looked_at_others: None })
    }

    /// The offset at which a partition ends for this run; one that was added later has its end at the start.
    pub(super) fn of(&self, partition: i32) -> i64 {
        self.offsets.get(&partition).copied().unwrap_or(0)
    }

    /// The last record before the end of a partition was read, or one behind it.
    pub(super) fn reached(&mut self, partition: i32, epoch: Epoch) {
        self.reached.insert(partition, epoch);
    }

    /// A record of a partition came: what was told of its end before is no longer true.
    pub(super) fn came(&mut self, partition: i32) {
        if !self.told.is_empty() {
            self.told.remove(&partition);
        }
    }

    /// The client tells of the end of a partition. Where no record showed that the run ends there, markers may stand between the
    /// last record and the end.
    pub(super) fn told(&mut self, partition: i32, epoch: Epoch) {
        if self.offsets.contains_key(&partition) && self.reached.get(&partition) != Some(&epoch) {
            self.told.insert(partition, (epoch, None));
        }
    }

    /// Called when nothing is at hand. Answers the positions behind the markers of those partitions whose leader has shown the end of
    /// the run, and of which nothing came for a while after that: all that stands before it would have come.
    pub(super) fn confirm(
        &mut self,
        now: Instant,
        leader_end: impl Fn(i32) -> Option<i64>,
    ) -> Vec<(i32, NextOffset, Epoch)> {
        let mut confirmed = Vec::new();
        self.told.retain(|partition, (epoch, shown)| {
            let Some(&end) = self.offsets.get(partition) else { return false };
            if self.reached.get(partition) == Some(epoch) {
                return false;
            }
            match *shown {
                Some(since) if now.duration_since(since) < SETTLED => true,
                Some(_) => {
                    self.reached.insert(*partition, *epoch);
                    confirmed.push((*partition, NextOffset(end), *epoch));
                    false
                }
                None => {
                    *shown = leader_end(*partition).filter(|shown| *shown >= end).map(|_| now);
                    true
                }
            }
        });
        confirmed
    }

    /// Whether the whole topic is done: our partitions read to their ends, those of others committed by them. A partition
    /// that nobody finishes comes to us when the group notices that its owner is gone.
    pub(super) fn is_reached(&mut self, owned: &Owned, consumer: &ReviewConsumer, topic: &str) -> bool {
        if !owned.was_assigned() {
            return false;
        }
        let others = match self.left_to_others(owned) {
            None => return false,
            Some(others) if others.is_empty() => return true,
            Some(others) => others,
        };
        if self.looked_at_others.is_some_and(|last| last.elapsed() < LOOK_AT_OTHERS) {
            return false;
        }
        self.looked_at_others = Some(Instant::now());
        let mut list = TopicPartitionList::new();
        for (partition, _) in &others {
            list.add_partition(topic, *partition);
        }
        // Where there is no answer, the next look may find the group's coordinator.
        let Ok(committed) = committed_offsets(consumer, list, ANSWER) else { return false };
        let committed = NextOffsets::from_list(&committed);
        let is_done = |&(partition, end): &(i32, i64)| {
            committed.get(topic, partition).is_some_and(|next| next >= NextOffset(end))
        };
        others.iter().all(is_done)
    }

    /// The partitions that somebody else has to finish, with their ends; none when one of our own is not done.
    fn left_to_others(&self, owned: &Owned) -> Option<Vec<(i32, i64)>> {
        let mut others = Vec::new();
        for (&partition, &end) in &self.offsets {
            match owned.epoch(partition) {
                Some(epoch) if self.reached.get(&partition) == Some(&epoch) => {}
                Some(_) => return None,
                None => others.push((partition, end)),
            }
        }
        Some(others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(offsets: &[(i32, i64)]) -> End {
        End {
            offsets: offsets.iter().copied().collect(),
            reached: HashMap::new(),
            told: HashMap::new(),
            looked_at_others: None,
        }
    }

    #[test]
    fn a_run_is_done_when_its_partitions_are() {
        let (mut end, owned) = (end(&[(0, 10)]), Owned::of(&[(0, 1)]));
        assert_eq!((end.of(0), end.of(7)), (10, 0), "the other one was added later");
        assert_eq!(end.left_to_others(&owned), None);
        end.reached(0, 1);
        assert_eq!(end.left_to_others(&owned), Some(Vec::new()));
    }

    #[test]
    fn an_end_that_no_record_showed_is_taken_once_its_leader_has_shown_it_and_nothing_came_after() {
        let mut end = end(&[(0, 10)]);
        let start = Instant::now();
        let (early, late) = (start + SETTLED / 2, start + SETTLED);
        end.told(0, 1);
        assert_eq!(end.confirm(start, |_| Some(9)), [], "the leader became one just now");
        assert_eq!(end.confirm(start, |_| None), [], "it does not answer");
        assert_eq!(end.confirm(start, |_| Some(10)), []);
        assert_eq!(end.confirm(early, |_| Some(10)), [], "records may be on their way");
        assert_eq!(end.confirm(late, |_| Some(10)), [(0, NextOffset(10), 1)]);
        assert_eq!(end.confirm(late, |_| Some(10)), [], "once");
        end.told(0, 1);
        assert_eq!(end.confirm(late, |_| panic!("nobody is asked again")), []);
        end.told(0, 2);
        end.confirm(start, |_| Some(10));
        assert_eq!(end.confirm(late, |_| None), [(0, NextOffset(10), 2)], "another assignment has its own end");
        end.told(7, 1);
        assert_eq!(end.confirm(late, |_| panic!("a partition that was added later")), []);
    }

    #[test]
    fn a_record_that_comes_after_the_end_was_told_makes_that_untrue() {
        let mut end = end(&[(0, 10)]);
        let start = Instant::now();
        end.told(0, 1);
        end.confirm(start, |_| Some(10));
        end.came(0);
        assert_eq!(end.confirm(start + 2 * SETTLED, |_| Some(10)), []);
        end.told(0, 1);
        end.confirm(start + 2 * SETTLED, |_| Some(10));
        assert_eq!(end.confirm(start + 3 * SETTLED, |_| None), [(0, NextOffset(10), 1)]);
    }

    #[test]
    fn what_was_reached_by_another_assignment_or_belongs_to_another_member_is_not_done() {
        let mut end = end(&[(0, 10), (1, 20)]);
        end.reached(0, 1);
        assert_eq!(end.left_to_others(&Owned::of(&[(0, 2)])), None);
        assert_eq!(end.left_to_others(&Owned::of(&[(0, 1)])), Some(vec![(1, 20)]));
    }
}
