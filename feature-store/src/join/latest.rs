//! The join with ready feature rows: the latest strictly before each row. While the rows to be joined fit into memory, the
//! feature rows only pass by; else they are spread over shards on disk, and pass by shard after shard.

use super::budget::Budget;
use super::feature_rows::{FeatureBatch, FeatureRows};
use super::input::Reading;
use super::key::{Key, SHARDS, shard_of};
use super::report::ViewReport;
use super::results::{Payload, ResultWriter, Results};
use super::scan::in_parallel;
use super::slots::{Rank, Slots, Wanted};
use super::spill::{Appender, Partitions};
use super::{JoinError, Stage};
use std::sync::{Mutex, PoisonError};

/// One view's join.
pub(super) struct Latest<'a> {
    pub(super) wanted: &'a Partitions,
    pub(super) features: &'a FeatureRows,
    pub(super) ttl_millis: Option<i64>,
    pub(super) results: &'a Results,
    pub(super) budget: &'a Budget,
}

/// What one thread has found.
struct Finding<'a> {
    writer: ResultWriter<'a>,
    report: ViewReport,
    ttl_millis: Option<i64>,
}

impl Latest<'_> {
    /// Finds the values of every row; the bytes that were spilled on the way come with the counts.
    pub(super) fn find(&self, reading: Reading<'_>) -> Result<(ViewReport, u64), JoinError> {
        let needed = self.wanted.total().saturating_mul(Slots::bytes_per_row(self.payload().bytes()) as u64);
        if needed <= self.budget.matching_bytes as u64 {
            Ok((self.pass_by(reading)?, 0))
        } else {
            self.by_shards(reading)
        }
    }

    fn payload(&self) -> Payload {
        Payload { features: self.features.features().len() }
    }

    /// All rows to be joined in memory, and every feature row seen once.
    fn pass_by(&self, reading: Reading<'_>) -> Result<ViewReport, JoinError> {
        let payload = self.payload();
        let slots: Vec<Mutex<Option<Slots>>> = (0..SHARDS).map(|_| Mutex::default()).collect();
        in_parallel(
            reading.threads,
            SHARDS,
            || (),
            |(), shard| {
                let mut wanted = Vec::with_capacity(self.wanted.records(shard) as usize);
                self.wanted.read(shard, |block| {
                    wanted.extend(Wanted::all(block));
                    Ok(())
                })?;
                self.wanted.clear(shard);
                *lock(&slots[shard]) = Some(Slots::new(wanted, payload.bytes()));
                Ok(())
            },
        )?;
        self.features.scan(reading, Sorted::default, |sorted, batch| {
            sorted.by_shard(&batch);
            // One lock for all rows of a shard, which also find it in the caches.
            for shard in 0..SHARDS {
                let rows = &sorted.rows[sorted.starts[shard]..sorted.starts[shard + 1]];
                if rows.is_empty() {
                    continue;
                }
                if let Some(slots) = lock(&slots[shard]).as_mut() {
                    for (row, key, rank) in rows {
                        slots.offer(*key, *rank, |bytes| batch.write(*row, payload, bytes))?;
                    }
                }
            }
            Ok(())
        })?;
        reading.progress.begin(Stage::Matching, SHARDS as u64);
        let findings = in_parallel(
            reading.threads,
            SHARDS,
            || self.finding(),
            |finding, shard| {
                reading.progress.advance(1)?;
                lock(&slots[shard]).take().map_or(Ok(()), |slots| finding.take(slots))
            },
        )?;
        Finding::sum(findings)
    }

    /// Feature rows on disk by shard; of each shard, as many rows to be joined at a time as memory takes.
    fn by_shards(&self, reading: Reading<'_>) -> Result<(ViewReport, u64), JoinError> {
        let payload = self.payload();
        let features = Partitions::new(SHARDS, RECORD_BYTES + payload.bytes(), self.budget.history_spill());
        let make = || (features.appender(), vec![0; payload.bytes()]);
        let each = |(appender, bytes): &mut (Appender<'_>, Vec<u8>), batch: FeatureBatch<'_>| {
            for (row, key, rank) in batch.rows() {
                let shard = shard_of(key);
                // Nobody asks for any entity of this shard.
                if self.wanted.records(shard) == 0 {
                    continue;
                }
                batch.write(row, payload, bytes)?;
                let (time, number) = (rank.time.to_le_bytes(), rank.number.to_le_bytes());
                appender.push(shard, &[&key.to_le_bytes(), &time, &number, bytes])?;
            }
            Ok(())
        };
        for (appender, _) in self.features.scan(reading, make, each)? {
            appender.finish()?;
        }
        reading.progress.begin(Stage::Matching, SHARDS as u64);
        let per_row = Slots::bytes_per_row(payload.bytes()) + size_of::<Wanted>();
        let most_rows = (self.budget.matching_bytes / reading.threads / per_row).clamp(1, u32::MAX as usize);
        let findings = in_parallel(
            reading.threads,
            SHARDS,
            || self.finding(),
            |finding, shard| {
                let mut piece = Vec::new();
                let mut match_piece = |piece: &mut Vec<Wanted>| {
                    let mut slots = Slots::new(std::mem::take(piece), payload.bytes());
                    features.read(shard, |block| {
                        for record in block.chunks_exact(RECORD_BYTES + payload.bytes()) {
                            let (key, rank, found) = read_record(record);
                            slots.offer(key, rank, |bytes| {
                                bytes.copy_from_slice(found);
                                Ok::<(), JoinError>(())
                            })?;
                        }
                        reading.progress.advance(0)
                    })?;
                    finding.take(slots)
                };
                self.wanted.read(shard, |block| {
                    for wanted in Wanted::all(block) {
                        piece.push(wanted);
                        if piece.len() == most_rows {
                            match_piece(&mut piece)?;
                        }
                    }
                    Ok(())
                })?;
                match_piece(&mut piece)?;
                self.wanted.clear(shard);
                features.clear(shard);
                reading.progress.advance(1)
            },
        )?;
        Ok((Finding::sum(findings)?, features.spilled_bytes()))
    }

    fn finding(&self) -> Finding<'_> {
        Finding { writer: self.results.writer(), report: ViewReport::default(), ttl_millis: self.ttl_millis }
    }
}

impl Finding<'_> {
    fn take(&mut self, slots: Slots) -> Result<(), JoinError> {
        slots.finish(|row, found| match found {
            None => {
                self.report.missing += 1;
                Ok(())
            }
            Some((age, _)) if self.ttl_millis.is_some_and(|ttl| age > ttl) => {
                self.report.stale += 1;
                Ok(())
            }
            Some((_, payload)) => {
                self.report.matched += 1;
                self.writer.push(row, payload)
            }
        })
    }

    fn sum(findings: Vec<Self>) -> Result<ViewReport, JoinError> {
        let mut total = ViewReport::default();
        for finding in findings {
            finding.writer.finish()?;
            total.add(&finding.report);
        }
        Ok(total)
    }
}

/// The rows of a batch, ordered by shard.
#[derive(Default)]
struct Sorted {
    /// Where the rows of each shard begin, and where the last ones end.
    starts: Vec<usize>,
    rows: Vec<(usize, Key, Rank)>,
    unsorted: Vec<(usize, Key, Rank)>,
}

impl Sorted {
    fn by_shard(&mut self, batch: &FeatureBatch<'_>) {
        self.unsorted.clear();
        self.unsorted.extend(batch.rows());
        self.starts.clear();
        self.starts.resize(SHARDS + 1, 0);
        for (_, key, _) in &self.unsorted {
            self.starts[shard_of(*key) + 1] += 1;
        }
        for shard in 0..SHARDS {
            self.starts[shard + 1] += self.starts[shard];
        }
        let Some(any) = self.unsorted.first() else { return self.rows.clear() };
        self.rows.resize(self.unsorted.len(), *any);
        let mut next = self.starts.clone();
        for row in &self.unsorted {
            let place = &mut next[shard_of(row.1)];
            self.rows[*place] = *row;
            *place += 1;
        }
    }
}

/// Key, time and number of a feature row on disk.
const RECORD_BYTES: usize = 32;

fn read_record(record: &[u8]) -> (Key, Rank, &[u8]) {
    let (head, found) = record.split_at(RECORD_BYTES);
    let (key, rest) = head.split_at(16);
    let (time, number) = rest.split_at(8);
    let rank = Rank {
        time: i64::from_le_bytes(time.try_into().expect("8 bytes")),
        number: u64::from_le_bytes(number.try_into().expect("8 bytes")),
    };
    (Key::from_le_bytes(key.try_into().expect("16 bytes")), rank, found)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
