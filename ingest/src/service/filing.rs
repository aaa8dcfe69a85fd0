//! Rows to files: one in the making for each partition, ended by its size, its age, or because all of them together hold too
//! much memory.

use super::config::IngestConfig;
use super::decoding::{Rows, Step};
use super::error::ServiceError;
use super::lane::{Epoch, Lane, Lanes, TopicNames};
use crate::metrics;
use feature_store::offline::store::{FinishedPart, PartWriter};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
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
    /// Whether files are written.
    pub(super) files: bool,
    pub(super) ready: SyncSender<Ready>,
    /// The bytes of each file that was sent on and is out of hand.
    pub(super) stored: Receiver<usize>,
    /// The bytes of finished files that are not.
    pub(super) waiting_bytes: usize,
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

/// Why filing ends.
enum End {
    /// Nobody takes files any more.
    Closed,
    Failed(ServiceError),
}

impl<E: Into<ServiceError>> From<E> for End {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Filing<'_> {
    /// Works until the steps end, and then ends all files; or until nobody takes them.
    pub(super) fn run(mut self, steps: &Receiver<Step>) -> Result<(), ServiceError> {
        match self.work(steps) {
            Ok(()) | Err(End::Closed) => Ok(()),
            Err(End::Failed(error)) => Err(error),
        }
    }

    fn work(&mut self, steps: &Receiver<Step>) -> Result<(), End> {
        loop {
            match steps.recv_timeout(LOOK) {
                Ok(Step::Rows(rows)) => self.add(rows)?,
                Ok(Step::ReadUpTo { lane, epoch, next, records }) => self.read_up_to(lane, epoch, next, records)?,
                Ok(Step::EndFiles) => self.end_all()?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.end_all(),
            }
            self.end_old()?;
            self.waiting_bytes -= self.stored.try_iter().sum::<usize>();
            metrics::set_in_hand(self.memory_bytes() + self.waiting_bytes);
        }
    }

    fn add(&mut self, rows: Rows) -> Result<(), End> {
        let Rows { lane, epoch, files_from, rows, next, malformed } = rows;
        if !self.lanes.is_owned(lane, epoch) {
            self.in_hand.remove(&lane);
            return Ok(());
        }
        let file = self.file(lane, epoch, files_from)?;
        file.part.write(&rows)?;
        file.next = next;
        file.malformed += malformed;
        file.memory_bytes = file.part.memory_bytes();
        if file.part.size_bytes() >= self.config.file_max_bytes {
            self.end(lane)?;
        }
        self.keep_within_memory()
    }

    /// Takes note of how far a partition was read. What lies between the last record and there, such as markers of transactions,
    /// is covered by a file as well, be it by one without rows: once Kafka has deleted it, nobody could tell it from records
    /// that were lost.
    fn read_up_to(&mut self, lane: Lane, epoch: Epoch, next: i64, records: u64) -> Result<(), End> {
        let Some(owned) = self.lanes.owned(lane).filter(|owned| owned.epoch == epoch) else { return Ok(()) };
        let is_in_hand = self.in_hand.get(&lane).is_some_and(|file| file.epoch == epoch);
        let written = self.end_of(lane, epoch).unwrap_or(owned.start.files_from).max(owned.start.from);
        if self.files && (is_in_hand || next > written) {
            let file = self.file(lane, epoch, owned.start.files_from)?;
            file.next = file.next.max(next);
            return Ok(());
        }
        self.send(Ready::ReadUpTo { lane, epoch, next, records })
    }

    /// The file in the making of a partition.
    fn file(&mut self, lane: Lane, epoch: Epoch, files_from: i64) -> Result<&mut InHand, End> {
        if self.in_hand.get(&lane).is_some_and(|file| file.epoch != epoch) {
            self.in_hand.remove(&lane);
        }
        let first = self.end_of(lane, epoch).unwrap_or(files_from);
        Ok(match self.in_hand.entry(lane) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let part = PartWriter::new(lane.dataset, self.names.partition(lane), first)?;
                let since = Instant::now();
                entry.insert(InHand { epoch, part, since, next: first, malformed: 0, memory_bytes: 0 })
            }
        })
    }

    fn end_of(&self, lane: Lane, epoch: Epoch) -> Option<i64> {
        self.ends.get(&lane).filter(|(of, _)| *of == epoch).map(|(_, end)| *end)
    }

    /// Half of the memory is for files in the making, and what they leave for those that are finished: one is stored while others
    /// grow.
    fn keep_within_memory(&mut self) -> Result<(), End> {
        while self.memory_bytes() > self.config.memory_max_bytes / 2 {
            let largest = self.in_hand.iter().max_by_key(|(_, file)| file.memory_bytes).map(|(lane, _)| *lane);
            let Some(largest) = largest else { break };
            self.end(largest)?;
        }
        while self.waiting_bytes > 0 && self.memory_bytes() + self.waiting_bytes > self.config.memory_max_bytes {
            self.waiting_bytes -= self.stored.recv().map_err(|_| End::Closed)?;
        }
        Ok(())
    }

    fn end_old(&mut self) -> Result<(), End> {
        let max_age = self.config.file_max_age();
        let lanes = self.lanes;
        self.in_hand.retain(|lane, file| lanes.is_owned(*lane, file.epoch));
        let old = self.in_hand.iter().filter(|(_, file)| file.since.elapsed() >= max_age);
        self.end_each(old.map(|(lane, _)| *lane).collect())
    }

    fn end_all(&mut self) -> Result<(), End> {
        self.end_each(self.in_hand.keys().copied().collect())
    }

    fn end_each(&mut self, lanes: Vec<Lane>) -> Result<(), End> {
        lanes.into_iter().try_for_each(|lane| self.end(lane))
    }

    fn end(&mut self, lane: Lane) -> Result<(), End> {
        let Some(InHand { epoch, part, next, malformed, .. }) = self.in_hand.remove(&lane) else { return Ok(()) };
        self.ends.insert(lane, (epoch, next));
        let part = part.finish(next)?;
        self.waiting_bytes += part.size_bytes();
        self.send(Ready::File { lane, epoch, part, malformed })
    }

    fn send(&self, ready: Ready) -> Result<(), End> {
        self.ready.send(ready).map_err(|_| End::Closed)
    }

    fn memory_bytes(&self) -> usize {
        self.in_hand.values().map(|file| file.memory_bytes).sum()
    }
}
