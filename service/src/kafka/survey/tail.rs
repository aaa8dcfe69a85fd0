//! The last records of a topic.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rdkafka::message::{BorrowedMessage, Message};

use super::looker::{Looker, Reading};
use crate::kafka::access::Access;
use crate::kafka::config::{KafkaConfig, READER};
use crate::kafka::error::Error;
use crate::kafka::headers::text;
use crate::kafka::offset::NextOffset;

/// What a look at the end of a topic came upon.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tail {
    /// Partitions that could be asked; none where the topic does not exist, or this client may not see it.
    pub partitions: usize,
    /// Offsets between the start and the end of all of them. Records are at most so many: markers of transactions take
    /// offsets too.
    pub offsets: u64,
    /// The records before these were not looked at: there were more than were asked for.
    pub is_cut: bool,
    /// Partitions that were not read to their end in time.
    pub late: BTreeSet<i32>,
}

/// A record that was come upon.
pub struct Seen<'m>(&'m BorrowedMessage<'m>);

impl<'m> Seen<'m> {
    /// Its payload.
    pub fn payload(&self) -> Option<&'m [u8]> {
        self.0.payload()
    }

    /// Whether it has neither key nor payload.
    pub fn is_bare(&self) -> bool {
        self.0.key().is_none() && self.0.payload().is_none()
    }

    /// Its time, in epoch milliseconds.
    pub fn epoch_millis(&self) -> Option<i64> {
        self.0.timestamp().to_millis()
    }

    /// The text of a header.
    pub fn header(&self, name: &str) -> Option<&'m str> {
        text(self.0.headers()?, name)
    }
}

/// Hands on the records at the last `most` offsets of each partition of a topic, in order within each.
pub fn tail(
    kafka: &KafkaConfig,
    topic: &str,
    most: i64,
    within: Duration,
    mut each: impl FnMut(Seen<'_>),
) -> Result<Tail, Error> {
    let needs = vec![Access::read_topic(topic), Access::describe_group(kafka.group_of(READER))];
    let looker = Looker::new(kafka.reader(), needs, within)?;
    let partitions = looker.partitions(&[topic])?;
    let extents = looker.extents(&partitions)?;
    let mut tail = Tail { partitions: partitions.count(), ..Tail::default() };
    let (mut from, mut ends) = (BTreeMap::new(), BTreeMap::new());
    for (_, partition, end) in extents.end.iter() {
        let start = extents.start.get(topic, partition).unwrap_or(end);
        let first = start.max(NextOffset(end.0.saturating_sub(most)));
        tail.offsets += u64::try_from(end.0 - start.0).unwrap_or(0);
        tail.is_cut |= first > start;
        if first < end {
            from.insert(partition, first);
            ends.insert(partition, end);
        }
    }
    tail.late = looker.read(topic, &from, |record| {
        let next = NextOffset::after(record.offset());
        let end = ends.get(&record.partition()).copied().unwrap_or(next);
        if next <= end {
            each(Seen(record));
        }
        if next < end { Reading::More } else { Reading::Enough }
    })?;
    Ok(tail)
}

#[cfg(test)]
mod tests {
    use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

    use super::*;
    use crate::kafka::EmbeddedBroker;

    fn look(kafka: &KafkaConfig, topic: &str, most: i64) -> (Tail, Vec<(i32, i64)>) {
        let mut found = Vec::new();
        let tail = tail(kafka, topic, most, Duration::from_secs(20), |record| {
            found.push((record.0.partition(), record.0.offset()));
        });
        found.sort_unstable();
        (tail.unwrap(), found)
    }

    #[test]
    fn the_last_records_of_each_partition_are_handed_on() {
        let broker = EmbeddedBroker::start(&[("topic", 3), ("empty", 2)]).unwrap();
        let kafka = broker.config("app");
        let producer: BaseProducer = kafka.producer().create().unwrap();
        for (partition, count) in [(0, 5), (2, 1)] {
            for _ in 0..count {
                let record: BaseRecord<'_, [u8], str> = BaseRecord::to("topic").payload("x").partition(partition);
                producer.send(record).map_err(|(error, _)| error).unwrap();
            }
        }
        producer.flush(Duration::from_secs(10)).unwrap();
        let (tail, found) = look(&kafka, "topic", 2);
        assert_eq!(found, [(0, 3), (0, 4), (2, 0)]);
        assert_eq!((tail.partitions, tail.offsets, tail.is_cut, tail.late.len()), (3, 6, true, 0));
        let (tail, found) = look(&kafka, "topic", 5);
        assert_eq!((found.len(), tail.is_cut), (6, false));
        assert_eq!(look(&kafka, "empty", 5), (Tail { partitions: 2, ..Tail::default() }, vec![]));
        assert_eq!(look(&kafka, "absent", 5), (Tail::default(), vec![]));
    }
}
