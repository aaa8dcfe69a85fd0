//! Records on their way to the stores.

use super::config::IngestConfig;
use super::lane::{Epoch, Lane};
use rdkafka::message::BorrowedMessage;

/// What was read in a row, by partition.
#[derive(Default)]
pub(super) struct Batch<'c> {
    pub(super) runs: Vec<Run<'c>>,
    /// Partitions of which everything before these offsets was read: in the runs, or earlier.
    pub(super) read_up_to: Vec<(Lane, Epoch, i64)>,
    /// Whether files are to be ended with this batch.
    pub(super) ends_files: bool,
    records: usize,
    bytes: usize,
}

/// Records of one partition by one assignment, in the order of their offsets.
pub(super) struct Run<'c> {
    pub(super) lane: Lane,
    pub(super) epoch: Epoch,
    /// Where the first file of the assignment begins.
    pub(super) files_from: i64,
    pub(super) records: Vec<BorrowedMessage<'c>>,
}

impl<'c> Batch<'c> {
    /// The place of a partition's run.
    pub(super) fn run(&mut self, lane: Lane, epoch: Epoch, files_from: i64) -> usize {
        self.runs.iter().position(|run| run.lane == lane && run.epoch == epoch).unwrap_or_else(|| {
            self.runs.push(Run { lane, epoch, files_from, records: Vec::new() });
            self.runs.len() - 1
        })
    }

    pub(super) fn push(&mut self, run: usize, record: BorrowedMessage<'c>) {
        self.records += 1;
        self.bytes += size_bytes(&record);
        self.runs[run].records.push(record);
    }

    /// Takes out what was read of a partition.
    pub(super) fn remove(&mut self, lane: Lane) {
        self.runs.retain(|run| run.lane != lane);
        self.read_up_to.retain(|(of, ..)| *of != lane);
        let left = || self.runs.iter().flat_map(|run| &run.records);
        (self.records, self.bytes) = (left().count(), left().map(size_bytes).sum());
    }

    /// How many there are.
    pub(super) fn records(&self) -> usize {
        self.records
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records == 0 && self.read_up_to.is_empty() && !self.ends_files
    }

    pub(super) fn is_full(&self, config: &IngestConfig) -> bool {
        self.records >= config.batch_max_records || self.bytes >= config.batch_max_bytes
    }
}

fn size_bytes(record: &BorrowedMessage<'_>) -> usize {
    record.payload_len() + record.key_len()
}
