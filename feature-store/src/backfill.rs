//! History into the online store: the ratings of files of reviews, as the updates that the stream would have made of them.
//! Each update names the record that it comes from, so that doing it twice changes nothing the second time, and that a
//! running ingest and a backfill count each record once between them. Rows that came through Kafka say where they stood
//! there; the rows of any other file are the records of a source that is named after the file's content.

mod error;
mod rows;

pub use error::BackfillError;

use crate::offline::ReadOptions;
use crate::online::{Applied, OnlineStore, ReviewEntities, Update};
use crate::views::is_future;
use rows::{HistoryRow, HistoryRows};
use schemas::{Source, Timestamp};
use serde::Serialize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Rows that are applied together.
const BATCH_ROWS: usize = 5_000;

/// What is filled in.
#[derive(Debug, Clone)]
pub struct BackfillRequest {
    /// Files of reviews.
    pub input: Vec<PathBuf>,
    /// Which of their columns are ours, and which rows count.
    pub read: ReadOptions,
    /// Only what happened before.
    pub before: Option<Timestamp>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct BackfillReport {
    /// Rows that were read.
    pub rows: u64,
    /// Rows that change nothing: without a rating, a time (or with one that is a day later than the record's), or anybody to
    /// have it.
    pub skipped: u64,
    /// Rows that are left out, since they are not from before the time asked for.
    pub later: u64,
    /// Updates of entities that changed something.
    pub applied: u64,
    /// Updates that had been applied before.
    pub replayed: u64,
    /// Updates of entities whose key in the store holds something else.
    pub unusable: u64,
}

/// Applies the ratings of files. Ends early, between two batches, when `goes_on` says so of the report so far: what was
/// applied stays, and the next run goes over it.
pub async fn backfill(
    store: &OnlineStore,
    request: &BackfillRequest,
    mut goes_on: impl FnMut(&BackfillReport) -> bool,
) -> Result<BackfillReport, BackfillError> {
    let BackfillRequest { input, read, before } = request;
    let mut report = BackfillReport::default();
    let mut order = Order::default();
    // Every file is opened first, so that a wrong one changes nothing.
    for path in input {
        let is_partial = before.is_some() || !read.conditions.is_empty() || read.asks_for_times();
        if HistoryRows::open(path, read)?.name_records() && is_partial {
            return Err(BackfillError::Partial { path: path.clone() });
        }
    }
    for (file, path) in input.iter().enumerate() {
        let mut rows = HistoryRows::open(path, read)?;
        loop {
            let batch = rows.next_batch(BATCH_ROWS)?;
            if batch.is_empty() {
                break;
            }
            report.rows += batch.len() as u64;
            order.check(file, path, &batch)?;
            let applied = apply(store, &batch, *before, &mut report).await?;
            report.applied += applied.applied as u64;
            report.replayed += applied.replayed as u64;
            report.unusable += applied.unusable as u64;
            if !goes_on(&report) {
                return Ok(report);
            }
        }
    }
    Ok(report)
}

async fn apply(
    store: &OnlineStore,
    rows: &[HistoryRow],
    before: Option<Timestamp>,
    report: &mut BackfillReport,
) -> Result<Applied, BackfillError> {
    let mut updates = Vec::with_capacity(2 * rows.len());
    for row in rows {
        if row.created_at.zip(before).is_some_and(|(at, before)| at >= before) {
            report.later += 1;
            continue;
        }
        let known = updates.len();
        let event_time = row.created_at.filter(|event_time| !is_future(*event_time, row.record_millis));
        if let (Some(rating), Some(event_time)) = (row.rating, event_time) {
            let entities = ReviewEntities { product_id: row.product_id.as_deref(), user_id: row.user_id.as_deref() };
            updates.extend(Update::of_rating(entities, rating, event_time, &row.source));
        }
        report.skipped += u64::from(updates.len() == known);
    }
    Ok(store.apply_history(&updates).await?)
}

/// How far each partition has come. A lower offset behind a higher one would pass for applied before, and be lost without a
/// word; only files that overlap, each in its order, may go over the same offsets again.
#[derive(Default)]
struct Order(HashMap<(String, i32), Reached>);

struct Reached {
    file: usize,
    /// The first offset of that file.
    first: i64,
    last: i64,
}

impl Order {
    fn check(&mut self, file: usize, path: &Path, rows: &[HistoryRow]) -> Result<(), BackfillError> {
        for row in rows {
            let Source { topic, partition, offset } = &row.source;
            let begun = Reached { file, first: *offset, last: *offset };
            let Some(reached) = self.0.get_mut(&(topic.clone(), *partition)) else {
                self.0.insert((topic.clone(), *partition), begun);
                continue;
            };
            let least = if reached.file == file { reached.last } else { reached.first };
            if *offset < least {
                let record = format!("{topic}/{partition}@{offset}");
                return Err(BackfillError::OutOfOrder { path: path.to_owned(), record, last: least });
            }
            if reached.file == file {
                reached.last = *offset;
            } else {
                *reached = begun;
            }
        }
        Ok(())
    }
}
