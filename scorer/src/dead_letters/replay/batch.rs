//! Letters of one partition that go in one transaction.

use super::Replay;
use super::origins::Revived;
use std::collections::BTreeSet;

/// A marker that lists so many letters one by one is far smaller than a topic accepts.
const MAX_LETTERS: usize = 10_000;

pub(super) struct Batch {
    records: Vec<Revived>,
    bytes: usize,
    /// The batch that Kafka's client would make of them holds no more than each of their topics accepts.
    max_client_batch_bytes: usize,
    max: Max,
}

/// Bounds of a transaction.
#[derive(Clone, Copy)]
struct Max {
    records: usize,
    bytes: usize,
    /// What Kafka's client puts together by itself.
    client_batch_bytes: usize,
}

impl Batch {
    pub(super) fn new(replay: &Replay) -> Self {
        Self::empty(Max {
            records: replay.config.batch_max_records.min(MAX_LETTERS),
            bytes: replay.config.batch_max_bytes,
            client_batch_bytes: replay.topic.kafka.batch_bytes(),
        })
    }

    fn empty(max: Max) -> Self {
        Self { records: Vec::new(), bytes: 0, max_client_batch_bytes: usize::MAX, max }
    }

    /// All that is in it.
    pub(super) fn take(&mut self) -> Self {
        let empty = Self::empty(self.max);
        std::mem::replace(self, empty)
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub(super) fn records(&self) -> &[Revived] {
        &self.records
    }

    /// Whether one more may come: a batch that its topic refuses for its size would say nothing about the records in it.
    pub(super) fn has_room_for(&self, record: &Revived) -> bool {
        let bytes = self.bytes + record.size_bytes;
        let of_topics = self.max_client_batch_bytes.min(record.max_batch_bytes);
        self.records.is_empty()
            || self.records.len() < self.max.records
                && bytes <= self.max.bytes
                && (self.max.client_batch_bytes <= of_topics || bytes <= of_topics)
    }

    pub(super) fn push(&mut self, record: Revived) {
        self.bytes += record.size_bytes;
        self.max_client_batch_bytes = self.max_client_batch_bytes.min(record.max_batch_bytes);
        self.records.push(record);
    }

    /// In two, in their order.
    pub(super) fn halves(mut self) -> [Self; 2] {
        let mut second = Self::empty(self.max);
        second.records = self.records.split_off(self.records.len() / 2);
        [self, second]
    }

    pub(super) fn retain(&mut self, keep: impl FnMut(&Revived) -> bool) {
        self.records.retain(keep);
    }

    /// Of the dead letter topic.
    pub(super) fn partition(&self) -> Option<i32> {
        self.records.first().map(|record| record.letter.partition)
    }

    /// Of the letters.
    pub(super) fn offsets(&self) -> Vec<i64> {
        self.records.iter().map(|record| record.letter.offset).collect()
    }

    /// Where they go.
    pub(super) fn topics(&self) -> BTreeSet<&str> {
        self.records.iter().map(|record| record.topic.as_str()).collect()
    }
}
