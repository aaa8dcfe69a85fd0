//! Whether other members of the group are done with their partitions, as a run until the end asks that has read its own.

use super::config::{ANSWER, ROLE};
use super::intake::ReviewConsumer;
use rdkafka::TopicPartitionList;
use service::kafka::survey::{self, Unread};
use service::kafka::{KafkaConfig, NextOffset, NextOffsets, committed_offsets};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// How often they are looked at.
const LOOK: Duration = Duration::from_millis(200);

/// How long what they have committed stands still before it is looked whether records are left at all.
const STANDSTILL: Duration = Duration::from_secs(1);

pub(super) struct Others {
    kafka: KafkaConfig,
    looked: Option<Instant>,
    committed: NextOffsets,
    /// When that was another last, or records were looked for.
    moved: Instant,
}

impl Others {
    pub(super) fn new(kafka: KafkaConfig) -> Self {
        Self { kafka, looked: None, committed: NextOffsets::new(), moved: Instant::now() }
    }

    /// Whether all records before these ends are done.
    pub(super) fn are_done(&mut self, ends: &[(i32, i64)], consumer: &ReviewConsumer, topic: &str) -> bool {
        if self.looked.is_some_and(|last| last.elapsed() < LOOK) {
            return false;
        }
        self.looked = Some(Instant::now());
        let mut list = TopicPartitionList::new();
        for &(partition, _) in ends {
            list.add_partition(topic, partition);
        }
        // Where there is no answer, the next look may find the group's coordinator.
        let Ok(committed) = committed_offsets(consumer, list, ANSWER) else { return false };
        let committed = NextOffsets::from_list(&committed);
        let is_short =
            |&(partition, end): &(i32, i64)| committed.get(topic, partition).is_none_or(|next| next < NextOffset(end));
        let short: BTreeSet<i32> = ends.iter().copied().filter(is_short).map(|(partition, _)| partition).collect();
        if short.is_empty() {
            return true;
        }
        if committed != self.committed {
            (self.committed, self.moved) = (committed, Instant::now());
        }
        if self.moved.elapsed() < STANDSTILL {
            return false;
        }
        self.moved = Instant::now();
        self.hold_no_record(&short, topic)
    }

    /// A transaction ends with a marker, which takes an offset and is never delivered: a member that has read all before one does
    /// not commit the offset behind it. Only a reader of these partitions sees that no record is left.
    fn hold_no_record(&self, partitions: &BTreeSet<i32>, topic: &str) -> bool {
        let Ok(Some(group)) = survey::group(&self.kafka, ROLE, &[topic], ANSWER) else { return false };
        let is_empty = |partition: &i32| {
            group.positions.iter().any(|found| found.partition == *partition && found.unread == Unread::None)
        };
        partitions.iter().all(is_empty)
    }
}
