//! Records on their way through the stages.

use super::config::StreamConfig;
use super::ownership::{Epoch, Owned};
use super::start::LostRange;
use crate::dead_letters::headers::header_bytes;
use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Headers};
use std::collections::HashMap;
use std::time::Instant;

/// A record, and when it was read, or the one with which its run began.
pub(super) struct Taken<'c> {
    pub(super) message: BorrowedMessage<'c>,
    pub(super) at: Instant,
}

/// What one transaction will hold.
pub(super) struct Batch<'c> {
    pub(super) records: Vec<Taken<'c>>,
    /// What was deleted before it was scored: the group goes on behind it.
    pub(super) lost: Vec<LostRange>,
    /// The assignments by which their partitions were owned.
    pub(super) epochs: HashMap<i32, Epoch>,
    bytes: usize,
}

impl<'c> Batch<'c> {
    pub(super) fn new() -> Self {
        Self { records: Vec::new(), lost: Vec::new(), epochs: HashMap::new(), bytes: 0 }
    }

    /// Adds a record of a partition that was [entered](Self::enter).
    pub(super) fn push(&mut self, message: BorrowedMessage<'c>, at: Instant) {
        debug_assert!(self.epochs.contains_key(&message.partition()), "nobody owns the record");
        let of_headers = message.headers().map_or(0, |headers| {
            headers.iter().map(|header| header_bytes(header.key, header.value.map_or(0, <[u8]>::len))).sum()
        });
        self.bytes += message.payload_len() + message.key_len() + of_headers;
        self.records.push(Taken { message, at });
    }

    pub(super) fn push_lost(&mut self, range: LostRange, epoch: Epoch) {
        self.enter(range.partition, epoch);
        self.lost.push(range);
    }

    /// What follows comes by this assignment. Where the partition was given up and taken again within one batch, what was
    /// read before will be read again.
    pub(super) fn enter(&mut self, partition: i32, epoch: Epoch) {
        if self.epochs.insert(partition, epoch).is_some_and(|earlier| earlier != epoch) {
            self.records.retain(|taken| taken.message.partition() != partition);
            self.lost.retain(|range| range.partition != partition);
        }
    }

    /// Records, and their bytes.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.records.len(), self.bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty() && self.lost.is_empty()
    }

    pub(super) fn is_full(&self, config: &StreamConfig) -> bool {
        self.records.len() >= config.batch_max_records || self.bytes >= config.batch_max_bytes
    }

    /// The records in runs of one partition each: what holds for a partition is looked up once for each of them.
    pub(super) fn runs(&self) -> impl Iterator<Item = (i32, &[Taken<'c>])> {
        let runs = self.records.chunk_by(|one, next| one.message.partition() == next.message.partition());
        runs.map(|run| (run[0].message.partition(), run))
    }

    /// Whether the assignment by which it holds the partition still stands.
    pub(super) fn is_owned(&self, partition: i32, owned: &Owned) -> bool {
        self.epochs.get(&partition).is_some_and(|&epoch| owned.epoch(partition) == Some(epoch))
    }
}
