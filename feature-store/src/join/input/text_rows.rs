//! Rows of CSV, JSON Lines and the written store, or of these and Parquet mixed, by our fields.

use super::super::JoinError;
use super::{Fact, Question, Reading};
use crate::offline::{Listing, ReadOptions, ReviewFiles};
use crate::views::{EntityKind, EventSource, value_of_label};
use schemas::{Rating, Timestamp};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

/// Files of any format with the options they are read by. A join reads them several times and knows rows by their numbers, so what a
/// folder holds is what it held at the beginning.
pub(in super::super) struct TextRows {
    paths: Vec<PathBuf>,
    listing: Listing,
    options: ReadOptions,
    rows: AtomicU64,
}

impl TextRows {
    pub(super) fn open(paths: &[PathBuf], options: &ReadOptions) -> Result<Self, JoinError> {
        let listing = Listing::of(paths)?;
        let rows = Self { paths: paths.to_vec(), listing, options: options.clone(), rows: AtomicU64::new(0) };
        rows.files()?;
        Ok(rows)
    }

    /// The files from their beginning.
    pub(in super::super) fn files(&self) -> Result<ReviewFiles, JoinError> {
        Ok(ReviewFiles::open_listed(&self.listing, &self.options)?)
    }

    pub(super) fn numbered_rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    pub(super) fn ask<W>(
        &self,
        question: Question,
        reading: Reading<'_>,
        make: impl Fn() -> W,
        each: impl Fn(&mut W, Fact) -> Result<(), JoinError>,
    ) -> Result<Vec<W>, JoinError> {
        let extras = reading.known_from.map(str::to_owned).into_iter().collect();
        let mut files = ReviewFiles::open_listed(&self.listing, &ReadOptions { extras, ..self.options.clone() })?;
        if let Some(field) = question.fields().into_iter().find(|field| !files.has_field(*field)) {
            let path = self.paths.first().cloned().unwrap_or_default();
            return Err(JoinError::NoField { path, field, needs: question.purpose.to_owned() });
        }
        reading.progress.begin(question.stage, 0);
        let (mut work, mut numbers) = (make(), 0..);
        while let Some(batch) = files.next_batch()? {
            for (row, number) in batch.iter().zip(&mut numbers) {
                let id = match question.entity {
                    EntityKind::Product => &row.product_id,
                    EntityKind::User => &row.user_id,
                };
                let time = row.created_at.map(Timestamp::epoch_millis);
                let known = match row.extras.first() {
                    Some(known) => known.as_deref().and_then(Timestamp::parse).map(Timestamp::epoch_millis),
                    None => time.filter(|_| reading.known_from.is_none()),
                };
                let key = id.as_deref().and_then(|id| reading.keys.of(id));
                let value = match question.events {
                    Some(EventSource::Reviews) => row.rating.map(Rating::stars),
                    Some(EventSource::Feedback) => row.label.map(value_of_label),
                    None => None,
                };
                each(&mut work, Fact { row: number, key, time, known, value })?;
            }
            reading.progress.advance(batch.len())?;
        }
        self.rows.store(numbers.start, Ordering::Relaxed);
        Ok(vec![work])
    }
}
