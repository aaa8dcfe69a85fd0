//! The one place that knows the difference between the offset of a record and the offset to read next. Kafka commits
//! the latter; half of librdkafka's calls take the former and add one themselves.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaResult;
use rdkafka::{Offset, TopicPartitionList};

use super::error::Error;

/// The offset of the first record that has not been dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NextOffset(pub i64);

impl NextOffset {
    /// The position after the record at `offset`.
    pub fn after(offset: i64) -> Self {
        Self(offset + 1)
    }
}

impl fmt::Display for NextOffset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Positions by topic and partition: what to commit, or where to go back to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NextOffsets(BTreeMap<String, BTreeMap<i32, NextOffset>>);

impl NextOffsets {
    /// No positions.
    pub fn new() -> Self {
        Self::default()
    }

    /// The record at this offset is dealt with. Going back is not progress: an older record changes nothing.
    pub fn done(&mut self, topic: &str, partition: i32, offset: i64) {
        self.advance(topic, partition, NextOffset::after(offset));
    }

    /// Sets a position, unless it would go backwards.
    pub fn advance(&mut self, topic: &str, partition: i32, next: NextOffset) {
        if next > self.get(topic, partition).unwrap_or(NextOffset(i64::MIN)) {
            self.set(topic, partition, next);
        }
    }

    /// Sets a position, forwards or backwards.
    pub fn set(&mut self, topic: &str, partition: i32, next: NextOffset) {
        match self.0.get_mut(topic) {
            Some(partitions) => {
                partitions.insert(partition, next);
            }
            None => {
                self.0.insert(topic.to_owned(), BTreeMap::from([(partition, next)]));
            }
        }
    }

    /// The position in a partition.
    pub fn get(&self, topic: &str, partition: i32) -> Option<NextOffset> {
        self.0.get(topic)?.get(&partition).copied()
    }

    /// All positions, by topic and partition.
    pub fn iter(&self) -> impl Iterator<Item = (&str, i32, NextOffset)> {
        self.0.iter().flat_map(|(topic, partitions)| {
            partitions.iter().map(move |(partition, next)| (topic.as_str(), *partition, *next))
        })
    }

    /// True when there is no position.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As librdkafka's commit, seek and assign take them.
    pub fn to_list(&self) -> Result<TopicPartitionList, Error> {
        let mut list = TopicPartitionList::new();
        for (topic, partition, next) in self.iter() {
            list.add_partition_offset(topic, partition, Offset::Offset(next.0))
                .map_err(|source| Error::client("list offsets", source))?;
        }
        Ok(list)
    }

    /// From librdkafka's committed offsets or positions; partitions without a position are left out.
    pub fn from_list(list: &TopicPartitionList) -> Self {
        let mut offsets = Self::new();
        for element in list.elements() {
            if let Offset::Offset(next) = element.offset() {
                offsets.set(element.topic(), element.partition(), NextOffset(next));
            }
        }
        offsets
    }
}

/// The committed offsets of a consumer's group. An error of one partition is an error: it would look as if nothing had ever
/// been committed for it.
pub fn committed_offsets<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    partitions: TopicPartitionList,
    timeout: Duration,
) -> KafkaResult<TopicPartitionList> {
    let committed = consumer.committed_offsets(partitions, timeout)?;
    for element in committed.elements() {
        element.error()?;
    }
    Ok(committed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_offset_is_one_after_the_last_record() {
        let mut offsets = NextOffsets::new();
        offsets.done("a", 3, 41);
        assert_eq!(offsets.get("a", 3), Some(NextOffset(42)));
        let list = offsets.to_list().unwrap();
        assert_eq!(list.find_partition("a", 3).unwrap().offset(), Offset::Offset(42));
    }

    #[test]
    fn an_older_record_changes_nothing() {
        let mut offsets = NextOffsets::new();
        offsets.done("a", 0, 7);
        offsets.done("a", 0, 5);
        assert_eq!(offsets.get("a", 0), Some(NextOffset(8)));
    }

    #[test]
    fn positions_survive_the_way_through_librdkafka() {
        let mut offsets = NextOffsets::new();
        offsets.done("a", 0, 7);
        offsets.set("b", 2, NextOffset(0));
        let mut list = offsets.to_list().unwrap();
        list.add_partition("never committed", 0);
        assert_eq!(NextOffsets::from_list(&list), offsets);
    }
}
