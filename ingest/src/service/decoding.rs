//! Records to rows, in the order in which they were read.

use super::error::ServiceError;
use super::intake::{Batch, Taken};
use super::lane::{Epoch, Lane, Lanes, TopicNames};
use super::online::{Online, UpdateCounts};
use crate::metrics;
use arrow_array::RecordBatch;
use feature_store::offline::store::{Columns, Entry, Origin};
use rdkafka::Message;
use schemas::{Cause, DecodeError, Timestamp};
use std::collections::HashMap;
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
    pub(super) columns: HashMap<Lane, Columns>,
}

/// What a batch holds of one partition.
struct Run {
    lane: Lane,
    epoch: Epoch,
    files_from: i64,
    next: i64,
    records: u64,
    malformed: u64,
}

impl Decoding<'_> {
    /// Decodes until the batches end, or nobody takes their rows; answers what became of online features.
    pub(super) fn run(
        mut self,
        batches: Receiver<Batch<'_>>,
        steps: &SyncSender<Step>,
    ) -> Result<Option<UpdateCounts>, ServiceError> {
        'batches: for batch in batches {
            metrics::record_batch(batch.records.len());
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

    fn decode(&mut self, batch: Batch<'_>, entries: &mut Vec<(Lane, i64, Entry)>) -> Vec<Step> {
        let mut runs: Vec<Run> = Vec::new();
        for taken in &batch.records {
            let run = match runs.iter().position(|run| run.lane == taken.lane) {
                Some(place) => &mut runs[place],
                None => {
                    let Some(owned) = self.lanes.owned(taken.lane).filter(|owned| owned.epoch == taken.epoch) else {
                        continue;
                    };
                    let (lane, epoch, files_from) = (taken.lane, taken.epoch, owned.start.files_from);
                    runs.push(Run { lane, epoch, files_from, next: 0, records: 0, malformed: 0 });
                    let last = runs.len() - 1;
                    &mut runs[last]
                }
            };
            if run.epoch != taken.epoch {
                continue;
            }
            let offset = taken.message.offset();
            run.next = offset + 1;
            run.records += 1;
            let decoded = decode(taken);
            if let Err(error) = &decoded {
                metrics::count_malformed(taken.lane.dataset, error.cause.as_str());
            }
            if self.files && offset >= run.files_from {
                run.malformed += u64::from(decoded.is_err());
                let columns = self
                    .columns
                    .entry(taken.lane)
                    .or_insert_with(|| Columns::new(taken.lane.dataset, &self.names.partition(taken.lane)));
                let message = &taken.message;
                let origin = Origin {
                    offset,
                    timestamp: message.timestamp().to_millis(),
                    key: message.key(),
                    value: message.payload(),
                };
                columns.push(origin, decoded.as_ref());
            }
            if let Some(entry) = decoded.ok().filter(|_| self.online.is_some()) {
                entries.push((taken.lane, offset, entry));
            }
        }
        let now = Timestamp::now();
        let mut steps = Vec::with_capacity(runs.len() + batch.read_up_to.len() + 1);
        for run in runs {
            let Run { lane, epoch, files_from, next, records, malformed } = run;
            steps.push(match self.columns.get_mut(&lane).filter(|columns| !columns.is_empty()) {
                Some(columns) => Step::Rows(Rows { lane, epoch, files_from, rows: columns.take(now), next, malformed }),
                None => Step::ReadUpTo { lane, epoch, next, records },
            });
        }
        let ends = batch.read_up_to.iter();
        steps.extend(ends.map(|&(lane, epoch, next)| Step::ReadUpTo { lane, epoch, next, records: 0 }));
        if batch.ends_files {
            steps.push(Step::EndFiles);
        }
        steps
    }
}

fn decode(taken: &Taken<'_>) -> Result<Entry, DecodeError> {
    match taken.message.payload() {
        Some(value) => taken.lane.dataset.decode(value),
        None => Err(DecodeError {
            cause: Cause::Empty,
            field: String::new(),
            message: "the record has no value".to_owned(),
        }),
    }
}
