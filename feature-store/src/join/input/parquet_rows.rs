//! Rows of Parquet files, by columns.

use super::super::columns;
use super::super::scan::{ParquetFile, Rows, scan};
use super::super::{JoinError, Stage};
use super::{Fact, Question, Reading};
use crate::offline::column::{Column, is_usable};
use crate::offline::{Columns, Condition, Field, FileError, ReadOptions, sampled};
use arrow_schema::FieldRef;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Parquet files with the options they are read by.
pub(in super::super) struct ParquetRows {
    pub(in super::super) files: Vec<ParquetFile>,
    options: ReadOptions,
    our_names: Columns,
    /// The rows that conditions and times leave; none without these.
    pub(in super::super) kept: Option<Kept>,
}

/// A bit for each row.
pub(in super::super) struct Kept {
    words: Vec<AtomicU64>,
}

impl Kept {
    fn set(&self, row: u64) {
        self.words[(row / 64) as usize].fetch_or(1 << (row % 64), Ordering::Relaxed);
    }

    /// Whether a row is left.
    pub(in super::super) fn has(&self, row: u64) -> bool {
        self.words[(row / 64) as usize].load(Ordering::Relaxed) & 1 << (row % 64) != 0
    }
}

impl ParquetRows {
    pub(super) fn open(paths: &[PathBuf], options: &ReadOptions, reading: Reading<'_>) -> Result<Self, JoinError> {
        let files = ParquetFile::open_all(paths)?;
        let mut rows = Self { files, options: options.clone(), our_names: Columns::default(), kept: None };
        // A column that somebody asked for is there, whether the join needs it or not.
        for file in &rows.files {
            for (field, column) in rows.names_in(file).mapped() {
                if file.column(column).is_none() {
                    let (path, column, columns) = (file.path.clone(), column.to_owned(), file.columns());
                    return Err(FileError::NoMappedColumn { path, field, column, columns }.into());
                }
            }
        }
        if !options.conditions.is_empty() || options.asks_for_times() {
            rows.kept = Some(rows.select(reading)?);
        }
        Ok(rows)
    }

    /// Each file, with what it says of how its rows were sampled.
    pub(super) fn sample_notes(&self) -> impl Iterator<Item = (&Path, Option<&str>)> {
        self.files.iter().map(|file| (file.path.as_path(), note_of(file)))
    }

    /// Which columns of a file are our fields. A sample has our names, whatever the files beside it call theirs.
    fn names_in(&self, file: &ParquetFile) -> &Columns {
        if note_of(file).is_some() { &self.our_names } else { &self.options.columns }
    }

    pub(super) fn numbered_rows(&self) -> u64 {
        self.files.last().map_or(0, |file| file.first_row + file.rows())
    }

    pub(super) fn ask<W: Send>(
        &self,
        question: Question,
        reading: Reading<'_>,
        make: impl Fn() -> W + Sync,
        each: impl Fn(&mut W, Fact) -> Result<(), JoinError> + Sync,
    ) -> Result<Vec<W>, JoinError> {
        let columns = self.columns_of(question, reading.known_from)?;
        reading.progress.begin(question.stage, self.numbered_rows());
        // Behind the entity and the time.
        let events = question.events.map(|source| (source, 2));
        let known = reading.known_from.map(|_| 2 + usize::from(events.is_some()));
        scan(&self.files, &roots(&columns), reading.threads, reading.progress, make, |work, rows: Rows<'_>| {
            let column = |wanted| rows.batch.column(columns[rows.file].of(wanted));
            let keys = columns::keys(column(0), reading.keys);
            let times = columns::moments(column(1));
            let values = events.map(|(source, wanted)| columns::values(column(wanted), source));
            let known = known.map(|wanted| columns::moments(column(wanted)));
            for (place, row) in (rows.first_row..).take(keys.len()).enumerate() {
                if self.kept.as_ref().is_none_or(|kept| kept.has(row)) {
                    let time = times[place];
                    let known = known.as_ref().map_or(time, |known| known[place]);
                    let value = values.as_ref().and_then(|values| values[place]);
                    each(work, Fact { row, key: keys[place], time, known, value })?;
                }
            }
            Ok(())
        })
    }

    /// One output has the columns of its first file, and none of them may have the name of a feature.
    pub(in super::super) fn check_columns(&self, features: &[FieldRef]) -> Result<(), JoinError> {
        let first = &self.files[0];
        if let Some(feature) = features.iter().find(|feature| first.column(feature.name()).is_some()) {
            return Err(JoinError::TakenColumn { path: first.path.clone(), column: feature.name().clone() });
        }
        let columns = |file: &ParquetFile| file.metadata.parquet_schema().root_schema().get_fields().to_vec();
        let is_other =
            |file: &&ParquetFile| columns(file) != columns(first) || file.schema().fields() != first.schema().fields();
        match self.files.iter().find(is_other) {
            Some(other) => Err(JoinError::DifferentColumns { first: first.path.clone(), other: other.path.clone() }),
            None => Ok(()),
        }
    }

    /// The columns that answer a question, of each file: fields, then the one that says from when on rows could be known.
    fn columns_of(&self, question: Question, known_from: Option<&str>) -> Result<Vec<Places>, JoinError> {
        let of_file = |file: &ParquetFile| {
            let field = |field: Field| {
                let needs = question.purpose.to_owned();
                let column = file.column(self.names_in(file).column_of(field));
                column.ok_or_else(|| JoinError::NoField { path: file.path.clone(), field, needs })
            };
            let mut wanted: Vec<usize> = question.fields().into_iter().map(field).collect::<Result<_, _>>()?;
            if let Some(column) = known_from {
                let none = || JoinError::NoColumn {
                    path: file.path.clone(),
                    column: column.to_owned(),
                    columns: file.columns(),
                    advice: "--known-from names it for the input and for history".to_owned(),
                };
                wanted.push(file.column(column).ok_or_else(none)?);
            }
            Places::of_file(file, wanted)
        };
        self.files.iter().map(of_file).collect()
    }

    /// The rows that conditions and times leave.
    fn select(&self, reading: Reading<'_>) -> Result<Kept, JoinError> {
        let ReadOptions { conditions, .. } = &self.options;
        let of_file = |file: &ParquetFile| {
            let place = |condition: &Condition| {
                file.column(condition.column()).ok_or_else(|| FileError::NoConditionColumn {
                    path: file.path.clone(),
                    column: condition.column().to_owned(),
                    columns: file.columns(),
                })
            };
            let mut wanted: Vec<usize> = conditions.iter().map(place).collect::<Result<_, _>>()?;
            if self.options.asks_for_times() {
                let none = || FileError::NoTime { path: file.path.clone(), columns: file.columns() };
                wanted.push(file.column(self.names_in(file).column_of(Field::CreatedAt)).ok_or_else(none)?);
            }
            Places::of_file(file, wanted)
        };
        let columns: Vec<Places> = self.files.iter().map(of_file).collect::<Result<_, _>>()?;
        let words = self.numbered_rows().div_ceil(64) as usize;
        let kept = Kept { words: (0..words).map(|_| AtomicU64::new(0)).collect() };
        reading.progress.begin(Stage::Keys, self.numbered_rows());
        let each = |_: &mut (), rows: Rows<'_>| {
            let column = |wanted| Column::of(rows.batch.column(columns[rows.file].of(wanted)));
            let of_conditions: Vec<Column> = (0..conditions.len()).map(column).collect();
            let times = self.options.asks_for_times().then(|| column(conditions.len()));
            let is_in_time = |row: usize| {
                times.as_ref().is_none_or(|times| {
                    let time = times.cell(row).into_timestamp().ok().flatten();
                    time.is_some_and(|time| self.options.wants_times(time, time))
                })
            };
            for row in 0..rows.batch.num_rows() {
                let meets = |(condition, column): (&Condition, &Column)| condition.matches(&column.cell(row));
                if conditions.iter().zip(&of_conditions).all(meets) && is_in_time(row) {
                    kept.set(rows.first_row + row as u64);
                }
            }
            Ok(())
        };
        scan(&self.files, &roots(&columns), reading.threads, reading.progress, || (), each)?;
        Ok(kept)
    }
}

fn note_of(file: &ParquetFile) -> Option<&str> {
    sampled::note_of(file.metadata.metadata())
}

/// Which columns of a file are read, and where each that is wanted stands in a batch of them.
pub(in super::super) struct Places {
    roots: Vec<usize>,
    wanted: Vec<usize>,
}

impl Places {
    /// Of columns by their place in the file, one that is wanted twice included.
    pub(in super::super) fn of_file(file: &ParquetFile, wanted: Vec<usize>) -> Result<Self, JoinError> {
        for root in &wanted {
            let field = file.schema().field(*root);
            if !is_usable(field.data_type()) {
                let (column, kind) = (field.name().clone(), field.data_type().to_string());
                return Err(FileError::UnusableColumn { path: file.path.clone(), column, kind }.into());
            }
        }
        let mut roots = wanted.clone();
        roots.sort_unstable();
        roots.dedup();
        let place = |root: usize| roots.iter().position(|known| *known == root).expect("every wanted column is read");
        let wanted = wanted.into_iter().map(place).collect();
        Ok(Self { roots, wanted })
    }

    /// The place in a batch of one that is wanted.
    pub(in super::super) fn of(&self, wanted: usize) -> usize {
        self.wanted[wanted]
    }
}

/// The columns to read of each file.
pub(in super::super) fn roots(places: &[Places]) -> Vec<Vec<usize>> {
    places.iter().map(|places| places.roots.clone()).collect()
}
