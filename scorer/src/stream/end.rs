//! Where a run until the end ends: at the offsets that were the topic's ends when it began.

use super::intake::ReviewConsumer;
use super::others::Others;
use super::ownership::{Epoch, Owned};
use service::kafka::{Error, KafkaConfig};
use std::collections::HashMap;
use std::time::{Duration, Instant};

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
    others: Others,
}

impl End {
    /// The end of each partition as it is now.
    pub(super) fn now(kafka: &KafkaConfig, topic: &str) -> Result<Self, Error> {
        let ends = service::kafka::admin::end_offsets(kafka, topic)?;
        let offsets = ends.iter().map(|(_, partition, next)| (partition, next.0)).filter(|(_, end)| *end > 0).collect();
        Ok(Self::at(offsets, kafka))
    }

    fn at(offsets: HashMap<i32, i64>, kafka: &KafkaConfig) -> Self {
        Self { offsets, reached: HashMap::new(), told: HashMap::new(), others: Others::new(kafka.clone()) }
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

    /// Called when nothing is at hand. Those partitions are done whose leader has shown the end of the run, and of which nothing came
    /// for a while after that: all that stands before it would have come. Their offsets are left as they are: the group may be
    /// far behind the end of this run by now.
    pub(super) fn confirm(&mut self, now: Instant, leader_end: impl Fn(i32) -> Option<i64>) {
        self.told.retain(|partition, (epoch, shown)| {
            let Some(&end) = self.offsets.get(partition) else { return false };
            if self.reached.get(partition) == Some(epoch) {
                return false;
            }
            match *shown {
                Some(since) if now.duration_since(since) < SETTLED => true,
                Some(_) => {
                    self.reached.insert(*partition, *epoch);
                    false
                }
                None => {
                    *shown = leader_end(*partition).filter(|shown| *shown >= end).map(|_| now);
                    true
                }
            }
        });
    }

    /// Whether the whole topic is done: our partitions read to their ends, those of others too. A partition
    /// that nobody finishes comes to us when the group notices that its owner is gone.
    pub(super) fn is_reached(&mut self, owned: &Owned, consumer: &ReviewConsumer, topic: &str) -> bool {
        if !owned.was_assigned() {
            return false;
        }
        match self.left_to_others(owned) {
            None => false,
            Some(others) => others.is_empty() || self.others.are_done(&others, consumer, topic),
        }
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
        End::at(offsets.iter().copied().collect(), &KafkaConfig::new("nowhere:1", "app"))
    }

    fn is_done(end: &End, partition: i32, epoch: Epoch) -> bool {
        end.reached.get(&partition) == Some(&epoch)
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
        let mut confirm = |at, shown| {
            end.confirm(at, |_| shown);
            is_done(&end, 0, 1)
        };
        assert!(!confirm(start, Some(9)), "the leader became one just now");
        assert!(!confirm(start, None), "it does not answer");
        assert!(!confirm(start, Some(10)));
        assert!(!confirm(early, Some(10)), "records may be on their way");
        assert!(confirm(late, Some(10)));
        end.told(0, 1);
        end.confirm(late, |_| panic!("nobody is asked again"));
        end.told(0, 2);
        end.confirm(start, |_| Some(10));
        assert!(!is_done(&end, 0, 2), "another assignment has its own end");
        end.confirm(late, |_| None);
        assert!(is_done(&end, 0, 2));
        end.told(7, 1);
        end.confirm(late, |_| panic!("a partition that was added later"));
    }

    #[test]
    fn a_record_that_comes_after_the_end_was_told_makes_that_untrue() {
        let mut end = end(&[(0, 10)]);
        let start = Instant::now();
        end.told(0, 1);
        end.confirm(start, |_| Some(10));
        end.came(0);
        end.confirm(start + 2 * SETTLED, |_| Some(10));
        assert!(!is_done(&end, 0, 1));
        end.told(0, 1);
        end.confirm(start + 2 * SETTLED, |_| Some(10));
        end.confirm(start + 3 * SETTLED, |_| None);
        assert!(is_done(&end, 0, 1));
    }

    #[test]
    fn what_was_reached_by_another_assignment_or_belongs_to_another_member_is_not_done() {
        let mut end = end(&[(0, 10), (1, 20)]);
        end.reached(0, 1);
        assert_eq!(end.left_to_others(&Owned::of(&[(0, 2)])), None);
        assert_eq!(end.left_to_others(&Owned::of(&[(0, 1)])), Some(vec![(1, 20)]));
    }
}
