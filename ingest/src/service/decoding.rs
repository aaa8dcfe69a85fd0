//! Records to rows, in the order in which they were read.

use super::batch::{Batch, Run};
use super::error::ServiceError;
use super::lane::{Epoch, Lane, Lanes, TopicNames};
use super::online::{Arrived, Online, UpdateCounts};
use crate::metrics;
use arrow_array::RecordBatch;
use feature_store::offline::store::{Columns, Entry as Record, Origin};
use rdkafka::Message;
use rdkafka::message::BorrowedMessage;
use schemas::{Cause, DecodeError, Timestamp};
use service::kafka::NextOffset;
use std::sync::mpsc::{Receiver, SyncSender};

/// What goes on to the files.
pub(super) enum Step {
    Rows(Rows),
    /// Everything before this offset was read, be it that no record stood there.
    ReadUpTo {
        lane: Lane,
        epoch: Epoch,
        next: i64,
        records: u64,
    },
    /// Files are to be ended now.
    EndFiles,
}

/// Rows of one partition, one behind the other.
pub(super) struct Rows {
    pub(super) lane: Lane,
    pub(super) epoch: Epoch,
    /// Where the first file of this assignment begins.
    pub(super) files_from: i64,
    pub(super) rows: RecordBatch,
    /// The offset behind the last of them.
    pub(super) next: i64,
    pub(super) malformed: u64,
}

pub(super) struct Decoding<'d> {
    pub(super) names: &'d TopicNames,
    pub(super) lanes: &'d Lanes,
    /// Whether files are written.
    pub(super) files: bool,
    /// Online features, where they are kept.
    pub(super) online: Option<Online<'d>>,
}

impl Decoding<'_> {
    /// Decodes until the batches end, or nobody takes their rows; answers what became of online features.
    pub(super) fn run(
        mut self,
        batches: Receiver<Batch<'_>>,
        steps: &SyncSender<Step>,
    ) -> Result<Option<UpdateCounts>, ServiceError> {
        'batches: for batch in batches {
            if batch.records() > 0 {
                metrics::record_batch(batch.records());
            }
            let mut entries = Vec::new();
            let decoded = self.decode(batch, &mut entries);
            // Before anything of it can be committed.
            if let Some(online) = &mut self.online
                && !online.apply(&entries)?
            {
                break;
            }
            for step in decoded {
                if steps.send(step).is_err() {
                    break 'batches;
                }
            }
        }
        Ok(self.online.map(|online| online.counts))
    }

    fn decode(&self, batch: Batch<'_>, entries: &mut Vec<Arrived>) -> Vec<Step> {
        let now = Timestamp::now();
        let mut steps = Vec::with_capacity(batch.runs.len() + batch.read_up_to.len() + 1);
        for run in batch.runs {
            if self.lanes.is_owned(run.lane, run.epoch) {
                steps.push(self.decode_run(run, now, entries));
            }
        }
        let ends = batch.read_up_to.into_iter();
        steps.extend(ends.map(|(lane, epoch, next)| Step::ReadUpTo { lane, epoch, next, records: 0 }));
        if batch.ends_files {
            steps.push(Step::EndFiles);
        }
        steps
    }

    fn decode_run(&self, run: Run<'_>, now: Timestamp, entries: &mut Vec<Arrived>) -> Step {
        let Run { lane, epoch, files_from, records } = run;
        let next = records.last().map_or(0, |record| NextOffset::after(record.offset()).0);
        let (count, mut malformed) = (records.len() as u64, 0);
        // Rows for files are behind those that stand in files already.
        let mut columns = (self.files && next > files_from).then(|| {
            let value_bytes = records.iter().map(BorrowedMessage::payload_len).sum();
            Columns::with_capacity(lane.dataset, &self.names.partition(lane), records.len(), value_bytes)
        });
        for record in &records {
            let (offset, timestamp) = (record.offset(), record.timestamp().to_millis());
            let decoded = decode(lane, record);
            if let Err(error) = &decoded {
                metrics::count_malformed(lane.dataset, error.cause.as_str());
            }
            if let Some(columns) = columns.as_mut().filter(|_| offset >= files_from) {
                malformed += u64::from(decoded.is_err());
                let origin = Origin { offset, timestamp, key: record.key(), value: record.payload() };
                columns.push(origin, decoded.as_ref());
            }
            if self.online.is_some()
                && let Ok(record) = decoded
            {
                entries.push(Arrived { lane, offset, timestamp, record });
            }
        }
        match columns {
            Some(columns) => {
                let rows = columns.finish(now);
                Step::Rows(Rows { lane, epoch, files_from, rows, next, malformed })
            }
            None => Step::ReadUpTo { lane, epoch, next, records: count },
        }
    }
}

fn decode(lane: Lane, record: &BorrowedMessage<'_>) -> Result<Record, DecodeError> {
    match record.payload() {
        Some(value) => lane.dataset.decode(value),
        None => Err(DecodeError {
            cause: Cause::Empty,
            field: String::new(),
            message: "the record has no value".to_owned(),
        }),
    }
}
