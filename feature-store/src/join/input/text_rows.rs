//! Rows of CSV, JSON Lines and the written store, or of these and Parquet mixed, by our fields.

use super::super::key::{Key, shard_of};
use super::super::report::ViewReport;
use super::super::slots::Wanted;
use super::super::spill::Partitions;
use super::super::{JoinError, Stage};
use super::{Reading, field_of};
use crate::offline::{Field, ReadOptions, ReviewFiles, Row};
use crate::views::EntityKind;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

/// Files of any format with the options they are read by.
pub(in super::super) struct TextRows {
    paths: Vec<PathBuf>,
    options: ReadOptions,
    rows: AtomicU64,
}

impl TextRows {
    pub(super) fn open(paths: &[PathBuf], options: &ReadOptions) -> Result<Self, JoinError> {
        let rows = Self { paths: paths.to_vec(), options: options.clone(), rows: AtomicU64::new(0) };
        rows.files()?;
        Ok(rows)
    }

    /// The files from their beginning.
    pub(in super::super) fn files(&self) -> Result<ReviewFiles, JoinError> {
        Ok(ReviewFiles::open(&self.paths, &self.options)?)
    }

    pub(super) fn numbered_rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    pub(super) fn wanted(
        &self,
        entity: EntityKind,
        partitions: &Partitions,
        reading: Reading<'_>,
    ) -> Result<ViewReport, JoinError> {
        let fields = [field_of(entity), Field::CreatedAt];
        let (mut appender, mut report, mut count) = (partitions.appender(), ViewReport::default(), 0);
        reading.progress.begin(Stage::Keys, 0);
        self.each(&fields, "the join goes by", reading, |number, row| {
            count = number + 1;
            match (key_of(row, entity, reading), row.created_at) {
                (Some(key), Some(time)) => {
                    let wanted = Wanted { key, time: time.epoch_millis(), row: number };
                    appender.push(shard_of(key), &[&wanted.to_bytes()])?;
                }
                (None, _) => report.no_entity += 1,
                (Some(_), None) => report.no_time += 1,
            }
            Ok(())
        })?;
        self.rows.store(count, Ordering::Relaxed);
        appender.finish()?;
        Ok(report)
    }

    pub(super) fn events(
        &self,
        entity: EntityKind,
        partitions: &Partitions,
        reading: Reading<'_>,
    ) -> Result<(), JoinError> {
        let fields = [field_of(entity), Field::CreatedAt, Field::Rating];
        let mut appender = partitions.appender();
        reading.progress.begin(Stage::History, 0);
        self.each(&fields, "history is made of", reading, |number, row| {
            if let (Some(key), Some(time), Some(rating)) = (key_of(row, entity, reading), row.created_at, row.rating) {
                let event = Wanted { key, time: time.epoch_millis(), row: number };
                appender.push(shard_of(key), &[&event.to_bytes(), &rating.stars().to_le_bytes()])?;
            }
            Ok(())
        })?;
        appender.finish()
    }

    fn each(
        &self,
        fields: &[Field],
        needs: &str,
        reading: Reading<'_>,
        mut each: impl FnMut(u64, &Row) -> Result<(), JoinError>,
    ) -> Result<(), JoinError> {
        let mut files = self.files()?;
        if let Some(field) = fields.iter().find(|field| !files.has_field(**field)) {
            let path = self.paths.first().cloned().unwrap_or_default();
            return Err(JoinError::NoField { path, field: *field, needs: needs.to_owned() });
        }
        let mut number = 0;
        while let Some(batch) = files.next_batch()? {
            for row in &batch {
                each(number, row)?;
                number += 1;
            }
            reading.progress.advance(batch.len())?;
        }
        Ok(())
    }
}

fn key_of(row: &Row, entity: EntityKind, reading: Reading<'_>) -> Option<Key> {
    let id = match entity {
        EntityKind::Product => row.product_id.as_deref(),
        EntityKind::User => row.user_id.as_deref(),
    };
    id.and_then(|id| reading.keys.of(id))
}
