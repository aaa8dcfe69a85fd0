//! Rows to files: one in the making for each partition, ended by its size, its age, or because all of them together hold too
//! much memory.

use super::config::IngestConfig;
use super::decoding::{Rows, Step};
use super::error::ServiceError;
use super::lane::{Epoch, Lane, Lanes, TopicNames};
use crate::metrics;
use feature_store::offline::store::{FinishedPart, PartWriter};
use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

/// How often ages are looked at.
const LOOK: Duration = Duration::from_millis(100);

/// What goes on to the store.
pub(super) enum Ready {
    File {
        lane: Lane,
        epoch: Epoch,
        part: FinishedPart,
        malformed: u64,
    },
    /// Nothing before this offset is left to be written.
    ReadUpTo {
        lane: Lane,
        epoch: Epoch,
        next: i64,
        records: u64,
    },
}

pub(super) struct Filing<'f> {
    pub(super) names: &'f TopicNames,
    pub(super) lanes: &'f Lanes,
    pub(super) config: &'f IngestConfig,
    pub(super) in_hand: HashMap<Lane, InHand>,
    /// Where the next file of a partition begins, by the assignment that says so.
    pub(super) ends: HashMap<Lane, (Epoch, i64)>,
}

/// A file in the making.
pub(super) struct InHand {
    epoch: Epoch,
    part: PartWriter,
    since: Instant,
    next: i64,
    malformed: u64,
    memory_bytes: usize,
}

impl Filing<'_> {
    /// Works until the steps end, and then ends all files; or until nobody takes them.
    pub(super) fn run(mut self, steps: &Receiver<Step>, ready: &SyncSender<Ready>) -> Result<(), ServiceError> {
        loop {
            let done = match steps.recv_timeout(LOOK) {
                Ok(Step::Rows(rows)) => self.add(rows)?,
                Ok(Step::ReadUpTo { lane, epoch, next, records }) => match self.in_hand.get_mut(&lane) {
                    Some(file) if file.epoch == epoch => {
                        file.next = file.next.max(next);
                        Vec::new()
                    }
                    _ => vec![Ready::ReadUpTo { lane, epoch, next, records }],
                },
                Ok(Step::EndFiles) => self.end_all()?,
                Err(RecvTimeoutError::Timeout) => self.end_old()?,
                Err(RecvTimeoutError::Disconnected) => {
                    for file in self.end_all()? {
                        if ready.send(file).is_err() {
                            break;
                        }
                    }
                    return Ok(());
                }
            };
            for file in done {
                if ready.send(file).is_err() {
                    return Ok(());
                }
            }
            metrics::set_in_hand(self.memory_bytes());
        }
    }

    fn add(&mut self, rows: Rows) -> Result<Vec<Ready>, ServiceError> {
        let Rows { lane, epoch, files_from, rows, next, malformed } = rows;
        if !self.lanes.is_owned(lane, epoch) {
            self.in_hand.remove(&lane);
            return Ok(Vec::new());
        }
        if self.in_hand.get(&lane).is_some_and(|file| file.epoch != epoch) {
            self.in_hand.remove(&lane);
        }
        let file = match self.in_hand.entry(lane) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let end = self.ends.get(&lane).filter(|(of, _)| *of == epoch);
                let first = end.map_or(files_from, |(_, end)| *end);
                let part = PartWriter::new(lane.dataset, self.names.partition(lane), first)?;
                entry.insert(InHand { epoch, part, since: Instant::now(), next, malformed: 0, memory_bytes: 0 })
            }
        };
        file.part.write(&rows)?;
        file.next = next;
        file.malformed += malformed;
        file.memory_bytes = file.part.memory_bytes();

        let mut done = Vec::new();
        if file.part.size_bytes() >= self.config.file_max_bytes {
            done.extend(self.end(lane)?);
        }
        while self.memory_bytes() > self.config.memory_max_bytes {
            let largest = self.in_hand.iter().max_by_key(|(_, file)| file.memory_bytes).map(|(lane, _)| *lane);
            let Some(largest) = largest else { break };
            done.extend(self.end(largest)?);
        }
        done.extend(self.end_old()?);
        Ok(done)
    }

    fn end_old(&mut self) -> Result<Vec<Ready>, ServiceError> {
        let max_age = self.config.file_max_age();
        let lanes = self.lanes;
        self.in_hand.retain(|lane, file| lanes.is_owned(*lane, file.epoch));
        let old: Vec<Lane> =
            self.in_hand.iter().filter(|(_, file)| file.since.elapsed() >= max_age).map(|(lane, _)| *lane).collect();
        self.end_each(old)
    }

    fn end_all(&mut self) -> Result<Vec<Ready>, ServiceError> {
        self.end_each(self.in_hand.keys().copied().collect())
    }

    fn end_each(&mut self, lanes: Vec<Lane>) -> Result<Vec<Ready>, ServiceError> {
        let mut done = Vec::with_capacity(lanes.len());
        for lane in lanes {
            done.extend(self.end(lane)?);
        }
        Ok(done)
    }

    fn end(&mut self, lane: Lane) -> Result<Option<Ready>, ServiceError> {
        let Some(InHand { epoch, part, next, malformed, .. }) = self.in_hand.remove(&lane) else { return Ok(None) };
        self.ends.insert(lane, (epoch, next));
        Ok(Some(Ready::File { lane, epoch, part: part.finish(next)?, malformed }))
    }

    fn memory_bytes(&self) -> usize {
        self.in_hand.values().map(|file| file.memory_bytes).sum()
    }
}
