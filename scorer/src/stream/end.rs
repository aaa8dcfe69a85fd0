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

/// The offsets at which the run ends.
pub(super) struct End {
    offsets: HashMap<i32, i64>,
    /// The partitions that were read to their end, and by which assignment: after another one they begin anew.
    reached: HashMap<i32, Epoch>,
    looked_at_others: Option<Instant>,
}

impl End {
    /// The end of each partition as it is now.
    pub(super) fn now(kafka: &KafkaConfig, topic: &str) -> Result<Self, Error> {
        let ends = service::kafka::admin::end_offsets(kafka, topic)?;
        let offsets = ends.iter().map(|(_, partition, next)| (partition, next.0)).filter(|(_, end)| *end > 0).collect();
        Ok(Self { offsets, reached: HashMap::new(), looked_at_others: None })
    }

    /// Whether the record came after the start; notes that its partition is done if it is the last before.
    pub(super) fn is_beyond(&mut self, partition: i32, offset: i64, epoch: Epoch) -> bool {
        let end = self.offsets.get(&partition).copied().unwrap_or(0);
        if offset + 1 >= end {
            self.reached.insert(partition, epoch);
        }
        offset >= end
    }

    /// The client has reached the end of a partition. Where records did not show it, markers stand between the last record
    /// and the end: the answer is the position behind them.
    pub(super) fn reach(&mut self, partition: i32, epoch: Epoch) -> Option<NextOffset> {
        let &offset = self.offsets.get(&partition)?;
        (self.reached.insert(partition, epoch) != Some(epoch)).then_some(NextOffset(offset))
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
        End { offsets: offsets.iter().copied().collect(), reached: HashMap::new(), looked_at_others: None }
    }

    #[test]
    fn the_last_record_before_the_end_is_taken_and_the_next_one_not() {
        let (mut end, owned) = (end(&[(0, 10)]), Owned::of(&[(0, 1)]));
        assert!(!end.is_beyond(0, 8, 1));
        assert_eq!(end.left_to_others(&owned), None);
        assert!(!end.is_beyond(0, 9, 1));
        assert!(end.is_beyond(0, 10, 1));
        assert_eq!(end.left_to_others(&owned), Some(Vec::new()));
        // A partition that was added later has its end at the start.
        assert!(end.is_beyond(7, 0, 1));
    }

    #[test]
    fn an_end_that_no_record_showed_is_told_once_by_assignment() {
        let mut end = end(&[(0, 10)]);
        assert_eq!(end.reach(0, 1), Some(NextOffset(10)));
        assert_eq!(end.reach(0, 1), None);
        assert_eq!(end.reach(0, 2), Some(NextOffset(10)));
        assert_eq!(end.reach(7, 1), None);
    }

    #[test]
    fn what_was_reached_by_another_assignment_or_belongs_to_another_member_is_not_done() {
        let mut end = end(&[(0, 10), (1, 20)]);
        end.is_beyond(0, 9, 1);
        assert_eq!(end.left_to_others(&Owned::of(&[(0, 2)])), None);
        assert_eq!(end.left_to_others(&Owned::of(&[(0, 1)])), Some(vec![(1, 20)]));
    }
}
