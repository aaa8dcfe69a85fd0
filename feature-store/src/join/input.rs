//! The rows that are joined, and the rows of reviews that history is made of: Parquet is read by columns and on all cores,
//! text formats and folders of the written store through their readers. Rows are numbered through all files.

mod parquet_rows;
mod text_rows;

pub(super) use parquet_rows::{Kept, ParquetRows, Places, roots};
pub(super) use text_rows::TextRows;

use super::key::{Key, Keys, shard_of};
use super::report::ViewReport;
use super::slots::Wanted;
use super::spill::{Appender, Partitions};
use super::{JoinError, JoinProgress, Stage};
use crate::offline::source::{Content, Source};
use crate::offline::{Field, ReadOptions, files_below, is_read_as_store, sampled};
use crate::views::{EntityKind, EventSource, View, is_future};
use schemas::Timestamp;
use std::path::{Path, PathBuf};

/// Files of reviews.
pub(super) enum Input {
    /// All of them are Parquet.
    Parquet(ParquetRows),
    /// Some or all are CSV, JSON Lines, or the folder of a written store.
    Text(TextRows),
}

/// What the join knows of a row.
pub(super) struct Fact {
    /// Its number through all files.
    row: u64,
    key: Option<Key>,
    /// When it happened, in epoch milliseconds.
    time: Option<i64>,
    /// From when on it could be known: when it happened, unless a column says otherwise.
    known: Option<i64>,
    /// What the event says, where that is asked for: stars, or 1 for a positive label and 0 for a negative one.
    value: Option<f64>,
}

/// What is asked of rows.
#[derive(Clone, Copy)]
pub(super) struct Question {
    entity: EntityKind,
    /// What events are asked for, where their values are.
    events: Option<EventSource>,
    /// What the answer is for, in messages.
    purpose: &'static str,
    stage: Stage,
}

/// How files are read.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) keys: Keys,
    /// The column that says from when on a row could be known.
    pub(super) known_from: Option<&'a str>,
    pub(super) threads: usize,
    pub(super) progress: &'a JoinProgress,
}

impl Input {
    /// Opens files and looks for conditions' columns; with conditions, all Parquet rows are looked at.
    pub(super) fn open(paths: &[PathBuf], options: &ReadOptions, reading: Reading<'_>) -> Result<Self, JoinError> {
        let (mut files, mut is_parquet) = (Vec::with_capacity(paths.len()), !paths.is_empty());
        for path in paths {
            // The written store is known to its own reader.
            if is_read_as_store(path)? {
                is_parquet = false;
                continue;
            }
            for file in files_below(path)? {
                let (source, content) = Source::open(&file)?;
                if !source.is_regular {
                    return Err(JoinError::NotRegular { path: file });
                }
                is_parquet &= matches!(content, Content::Parquet(_));
                files.push(file);
            }
        }
        if is_parquet {
            ParquetRows::open(&files, options, reading).map(Self::Parquet)
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
        let purpose = "the join goes by";
        let question = Question { entity, events: None, purpose, stage: Stage::Keys };
        let make = || (partitions.appender(), ViewReport::default());
        let each = |(appender, report): &mut (Appender<'_>, ViewReport), fact: Fact| match (fact.key, fact.known) {
            (Some(key), Some(time)) => appender.push(shard_of(key), &[&Wanted { key, time, row: fact.row }.to_bytes()]),
            (None, _) => {
                report.no_entity += 1;
                Ok(())
            }
            (Some(_), None) => {
                report.no_time += 1;
                Ok(())
            }
        };
        let mut total = ViewReport::default();
        for (appender, report) in self.ask(question, reading, make, each)? {
            appender.finish()?;
            total.add(&report);
        }
        Ok(total)
    }

    /// Spreads entity, times, number and value of every event over the shards of `partitions`.
    pub(super) fn events(&self, view: &View, partitions: &Partitions, reading: Reading<'_>) -> Result<(), JoinError> {
        let purpose = "history is made of";
        let question = Question { entity: view.entity(), events: Some(view.source()), purpose, stage: Stage::History };
        let each = |appender: &mut Appender<'_>, fact: Fact| match fact {
            Fact { row, key: Some(key), time: Some(event_time), known: Some(time), value: Some(value) }
                // What the stream takes for no event.
                if !Timestamp::from_epoch_millis(event_time).is_some_and(|event| is_future(event, Some(time))) =>
            {
                let known = Wanted { key, time, row };
                let (known, event_time, value) = EventRecord { known, event_time, value }.to_bytes();
                appender.push(shard_of(key), &[&known, &event_time, &value])
            }
            _ => Ok(()),
        };
        for appender in self.ask(question, reading, || partitions.appender(), each)? {
            appender.finish()?;
        }
        Ok(())
    }

    /// What is said of how the rows were sampled.
    pub(super) fn sample_note(&self) -> Result<Option<String>, JoinError> {
        let note = match self {
            Self::Parquet(rows) => together(rows.sample_notes())?.map(str::to_owned),
            Self::Text(rows) => {
                let files = rows.files()?;
                let notes = files.samples().iter();
                together(notes.map(|(path, note)| (path.as_path(), note.as_deref())))?.map(str::to_owned)
            }
        };
        Ok(note)
    }

    /// Calls with what is known of each row, on as many threads as the files allow, each with a work of its own.
    fn ask<W: Send>(
        &self,
        question: Question,
        reading: Reading<'_>,
        make: impl Fn() -> W + Sync,
        each: impl Fn(&mut W, Fact) -> Result<(), JoinError> + Sync,
    ) -> Result<Vec<W>, JoinError> {
        match self {
            Self::Parquet(rows) => rows.ask(question, reading, make, each),
            Self::Text(rows) => rows.ask(question, reading, make, each),
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

/// What files say together of how their rows were sampled: one output says one thing.
fn together<'n>(files: impl Iterator<Item = (&'n Path, Option<&'n str>)>) -> Result<Option<&'n str>, JoinError> {
    let mut first: Option<(&Path, Option<&str>)> = None;
    for (path, note) in files {
        match first {
            Some((other, of_other)) if !sampled::are_alike(of_other, note) => {
                return Err(JoinError::DifferentSamples { first: other.to_owned(), other: path.to_owned() });
            }
            _ => first = first.or(Some((path, note))),
        }
    }
    Ok(first.and_then(|(_, note)| note))
}

impl Question {
    /// The fields that it needs, the entity's and the time first.
    fn fields(self) -> Vec<Field> {
        let entity = match self.entity {
            EntityKind::Product => Field::ProductId,
            EntityKind::User => Field::UserId,
        };
        let value = self.events.map(|source| match source {
            EventSource::Reviews => Field::Rating,
            EventSource::Feedback => Field::Label,
        });
        let fields = [Some(entity), Some(Field::CreatedAt), value];
        fields.into_iter().flatten().collect()
    }
}

/// An event of an entity, ordered by entity, the time from which it could be known, and number.
pub(super) struct EventRecord {
    pub(super) known: Wanted,
    pub(super) event_time: i64,
    pub(super) value: f64,
}

impl EventRecord {
    pub(super) const BYTES: usize = Wanted::BYTES + 16;

    /// As bytes that are ordered as events are, in pieces.
    fn to_bytes(&self) -> ([u8; Wanted::BYTES], [u8; 8], [u8; 8]) {
        (self.known.to_bytes(), self.event_time.to_le_bytes(), self.value.to_le_bytes())
    }

    pub(super) fn read(bytes: &[u8; Self::BYTES]) -> Self {
        let word = |at: usize| std::array::from_fn(|i| bytes[Wanted::BYTES + at + i]);
        Self {
            known: Wanted::from_bytes(&std::array::from_fn(|i| bytes[i])),
            event_time: i64::from_le_bytes(word(0)),
            value: f64::from_le_bytes(word(8)),
        }
    }
}
