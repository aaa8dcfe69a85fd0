//! The rows that are joined, and the rows of reviews that history is made of: Parquet is read by columns and on all cores,
//! text formats and folders of the written store through their readers. Rows are numbered through all files.

mod parquet_rows;
mod text_rows;

pub(super) use parquet_rows::{Kept, ParquetRows, Places, roots};
pub(super) use text_rows::TextRows;

use super::key::Keys;
use super::report::ViewReport;
use super::slots::Wanted;
use super::spill::Partitions;
use super::{JoinError, JoinProgress};
use crate::offline::source::{Content, Source};
use crate::offline::{Field, ReadOptions};
use crate::views::EntityKind;
use std::path::PathBuf;

/// Files of reviews.
pub(super) enum Input {
    /// All of them are Parquet.
    Parquet(ParquetRows),
    /// Some or all are CSV, JSON Lines, or the folder of a written store.
    Text(TextRows),
}

/// How files are read.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) keys: Keys,
    pub(super) threads: usize,
    pub(super) progress: &'a JoinProgress,
}

impl Input {
    /// Opens files and looks for conditions' columns; with conditions, all Parquet rows are looked at.
    pub(super) fn open(paths: &[PathBuf], options: &ReadOptions, reading: Reading<'_>) -> Result<Self, JoinError> {
        let mut is_parquet = true;
        for path in paths {
            if path.is_dir() {
                // The folder of a written store, which its own reader knows.
                is_parquet = false;
                continue;
            }
            let (source, content) = Source::open(path)?;
            if !source.is_regular {
                return Err(JoinError::NotRegular { path: path.clone() });
            }
            is_parquet &= matches!(content, Content::Parquet(_));
        }
        if is_parquet && !paths.is_empty() {
            ParquetRows::open(paths, options, reading).map(Self::Parquet)
        } else {
            TextRows::open(paths, options).map(Self::Text)
        }
    }

    /// Spreads entity and time of every row over the shards of `partitions`; counts the rows that lack one.
    pub(super) fn wanted(
        &self,
        entity: EntityKind,
        partitions: &Partitions,
        reading: Reading<'_>,
    ) -> Result<ViewReport, JoinError> {
        match self {
            Self::Parquet(rows) => rows.wanted(entity, partitions, reading),
            Self::Text(rows) => rows.wanted(entity, partitions, reading),
        }
    }

    /// Spreads entity, time, number and rating of every row that has all over the shards of `partitions`.
    pub(super) fn events(
        &self,
        entity: EntityKind,
        partitions: &Partitions,
        reading: Reading<'_>,
    ) -> Result<(), JoinError> {
        match self {
            Self::Parquet(rows) => rows.events(entity, partitions, reading),
            Self::Text(rows) => rows.events(entity, partitions, reading),
        }
    }

    /// How many rows there are, those that conditions exclude included; known for text after a first reading.
    pub(super) fn numbered_rows(&self) -> u64 {
        match self {
            Self::Parquet(rows) => rows.numbered_rows(),
            Self::Text(rows) => rows.numbered_rows(),
        }
    }
}

/// The field that holds an entity's id.
fn field_of(entity: EntityKind) -> Field {
    match entity {
        EntityKind::Product => Field::ProductId,
        EntityKind::User => Field::UserId,
    }
}

/// An event of an entity, as bytes that are ordered by entity, time and number.
pub(super) struct EventRecord;

impl EventRecord {
    pub(super) const BYTES: usize = Wanted::BYTES + 8;

    pub(super) fn read(bytes: &[u8; Self::BYTES]) -> (Wanted, f64) {
        let wanted = Wanted::from_bytes(&std::array::from_fn(|i| bytes[i]));
        (wanted, f64::from_le_bytes(std::array::from_fn(|i| bytes[Wanted::BYTES + i])))
    }
}
