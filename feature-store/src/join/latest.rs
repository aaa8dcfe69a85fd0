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
use super::spill::{Appender, Blocks, Partitions};
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
        // A block of rows of one shard takes one lock, and finds the shard in the caches.
        let settings = self.budget.history_spill();
        let make = || (Blocks::new(SHARDS, RECORD_BYTES + payload.bytes(), &settings), vec![0; payload.bytes()]);
        let offer = |shard: usize, block: &[u8]| {
            if let Some(slots) = lock(&slots[shard]).as_mut() {
                offer_all(slots, block, payload);
            }
        };
        let each = |(blocks, bytes): &mut (Blocks, Vec<u8>), batch: FeatureBatch<'_>| {
            for (row, key, rank) in batch.rows() {
                batch.write(row, payload, bytes)?;
                let shard = shard_of(key);
                if let Some(full) = blocks.push(shard, &[&key.to_le_bytes(), &rank.to_bytes(), bytes]) {
                    offer(shard, full);
                    full.clear();
                }
            }
            Ok(())
        };
        for (blocks, _) in self.features.scan(reading, make, each)? {
            blocks.rest().for_each(|(shard, block)| offer(shard, &block));
        }
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
                appender.push(shard, &[&key.to_le_bytes(), &rank.to_bytes(), bytes])?;
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
                        offer_all(&mut slots, block, payload);
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

/// Key and rank of a feature row on its way to its shard, before its payload.
const RECORD_BYTES: usize = size_of::<Key>() + Rank::BYTES;

/// Offers all feature rows of a block.
fn offer_all(slots: &mut Slots, block: &[u8], payload: Payload) {
    for record in block.chunks_exact(RECORD_BYTES + payload.bytes()) {
        let (head, found) = record.split_at(RECORD_BYTES);
        let (key, rank) = head.split_at(size_of::<Key>());
        let key = Key::from_le_bytes(key.try_into().expect("the size of a key"));
        slots.offer(key, Rank::from_bytes(rank.try_into().expect("the size of a rank")), found);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
