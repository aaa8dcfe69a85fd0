//! What is read of one file: its columns matched once with the options, so that each row costs only the columns it needs.

use super::cell::Cell;
use super::{Columns, Condition, Field, FileError, RowPosition, RowRef};
use schemas::Timestamp;
use std::path::Path;

/// What to read of files of other people.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReadOptions {
    /// Which column holds each field.
    pub columns: Columns,
    /// Which rows are wanted: those that meet all of these.
    pub conditions: Vec<Condition>,
    /// The features whose values are wanted, each in a column of its own name. A file without one of them is refused.
    pub features: Vec<String>,
    /// Only rows whose created_at is this or later.
    pub since: Option<Timestamp>,
    /// Only rows whose created_at is before this.
    pub until: Option<Timestamp>,
    /// Further columns whose values are wanted as text, where a row is read as a [`RowRef`]. A file without one of them is
    /// refused.
    pub extras: Vec<String>,
}

impl ReadOptions {
    /// Whether the time of a row decides if it is wanted.
    pub(crate) fn asks_for_times(&self) -> bool {
        self.since.is_some() || self.until.is_some()
    }

    /// Whether rows of these times, the last included, may be wanted.
    pub(crate) fn wants_times(&self, first: Timestamp, last: Timestamp) -> bool {
        self.since.is_none_or(|since| last >= since) && self.until.is_none_or(|until| first < until)
    }
}

/// The columns of one file that are needed, by name, and what each is needed for.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    file: usize,
    /// The distinct columns to read.
    pub(super) columns: Vec<String>,
    fields: Vec<(Field, usize)>,
    conditions: Vec<(Condition, usize)>,
    /// The columns of the features, in the order in which they are wanted.
    features: Vec<usize>,
    extras: Vec<usize>,
    /// Where the time decides: its column.
    times: Option<usize>,
    options: ReadOptions,
}

impl Plan {
    /// Matches a file's columns with the options.
    pub(super) fn new(file: usize, path: &Path, present: &[&str], options: &ReadOptions) -> Result<Self, FileError> {
        let is_present = |column: &str| present.contains(&column);
        let mut plan = Self {
            file,
            columns: Vec::new(),
            fields: Vec::new(),
            conditions: Vec::new(),
            features: Vec::new(),
            extras: Vec::new(),
            times: None,
            options: options.clone(),
        };
        for field in Field::ALL {
            match options.columns.mapped_column(field) {
                Some(column) if !is_present(column) => {
                    return Err(FileError::NoMappedColumn {
                        path: path.to_owned(),
                        field,
                        column: column.to_owned(),
                        columns: listed(present),
                    });
                }
                None if !is_present(field.name()) => {}
                _ => plan.add_field(field, options.columns.column_of(field)),
            }
        }
        if !plan.has(Field::Text) {
            return Err(FileError::NoText { path: path.to_owned(), columns: listed(present) });
        }
        for condition in &options.conditions {
            if !is_present(condition.column()) {
                return Err(FileError::NoConditionColumn {
                    path: path.to_owned(),
                    column: condition.column().to_owned(),
                    columns: listed(present),
                });
            }
            let index = plan.index_of(condition.column());
            plan.conditions.push((condition.clone(), index));
        }
        for feature in &options.features {
            if !is_present(feature) {
                return Err(FileError::NoFeatureColumn {
                    path: path.to_owned(),
                    feature: feature.clone(),
                    columns: listed(present),
                });
            }
            let index = plan.index_of(feature);
            plan.features.push(index);
        }
        for extra in &options.extras {
            if !is_present(extra) {
                return Err(FileError::NoExtraColumn {
                    path: path.to_owned(),
                    column: extra.clone(),
                    columns: listed(present),
                });
            }
            let index = plan.index_of(extra);
            plan.extras.push(index);
        }
        if options.asks_for_times() {
            let time = plan.fields.iter().find(|(field, _)| *field == Field::CreatedAt).map(|(_, column)| *column);
            plan.times =
                Some(time.ok_or_else(|| FileError::NoTime { path: path.to_owned(), columns: listed(present) })?);
        }
        for column in &plan.columns {
            let count = present.iter().filter(|name| *name == column).count();
            if count > 1 {
                return Err(FileError::RepeatedColumn { path: path.to_owned(), column: column.clone(), count });
            }
        }
        Ok(plan)
    }

    /// Adds the fields that the file is not known to have, for a format whose columns only its last line knows.
    pub(super) fn with_every_field(mut self, options: &ReadOptions) -> Self {
        for field in Field::ALL {
            if !self.has(field) {
                self.add_field(field, options.columns.column_of(field));
            }
        }
        self
    }

    /// Whether a field is read.
    pub(super) fn has(&self, field: Field) -> bool {
        self.fields.iter().any(|(present, _)| *present == field)
    }

    /// The fields that are read.
    pub(super) fn fields(&self) -> impl Iterator<Item = Field> {
        self.fields.iter().map(|(field, _)| *field)
    }

    /// The names of the columns that hold features.
    pub(super) fn feature_columns(&self) -> impl Iterator<Item = &str> {
        self.features.iter().map(|&column| self.columns[column].as_str())
    }

    /// The position of a row of this file.
    pub(super) fn position(&self, row: u64) -> RowPosition {
        RowPosition { file: self.file, row }
    }

    /// The conditions, each with the index of its column here.
    pub(super) fn conditions(&self) -> impl Iterator<Item = (&Condition, usize)> {
        self.conditions.iter().map(|(condition, column)| (condition, *column))
    }

    /// Where the time decides which rows are wanted: the index of its column here.
    pub(super) fn time_column(&self) -> Option<usize> {
        self.times
    }

    /// Whether rows of these times, the last included, may be wanted.
    pub(super) fn wants_times(&self, first: Timestamp, last: Timestamp) -> bool {
        self.options.wants_times(first, last)
    }

    /// Builds a row from its cells, given by the index of their column here; none when a condition or the time excludes it.
    pub(super) fn row<'a>(&self, row: u64, mut cell: impl FnMut(usize) -> Cell<'a>) -> Option<RowRef<'a>> {
        if !self.conditions.iter().all(|(condition, column)| condition.matches(&cell(*column))) {
            return None;
        }
        let mut built = RowRef::new(self.position(row));
        for (field, column) in &self.fields {
            built.set(*field, cell(*column));
        }
        if self.times.is_some() && !built.created_at.is_some_and(|time| self.options.wants_times(time, time)) {
            // A time that cannot be read may lie within: such a row is counted, and not passed over in silence.
            let unreadable = built.problems.iter().find(|problem| problem.field == Some(Field::CreatedAt))?;
            return Some(RowRef::broken(built.position, unreadable.message.clone()));
        }
        for &column in &self.features {
            match cell(column).into_number() {
                Ok(value) => built.features.push(value),
                Err(found) => {
                    let message = format!("feature `{}` is {found}, expected a number", self.columns[column]);
                    return Some(RowRef::broken(built.position, message));
                }
            }
        }
        for &column in &self.extras {
            built.extras.push(cell(column).into_cow().ok().flatten());
        }
        Some(built)
    }

    fn add_field(&mut self, field: Field, column: &str) {
        let index = self.index_of(column);
        self.fields.push((field, index));
    }

    fn index_of(&mut self, column: &str) -> usize {
        self.columns.iter().position(|name| name == column).unwrap_or_else(|| {
            self.columns.push(column.to_owned());
            self.columns.len() - 1
        })
    }
}

/// Column names for a message; a file of a thousand columns doesn't need them all.
fn listed(columns: &[&str]) -> String {
    const LIMIT: usize = 40;
    match columns.len() {
        0 => "none".to_owned(),
        count if count > LIMIT => format!("{} and {} more", columns[..LIMIT].join(", "), count - LIMIT),
        _ => columns.join(", "),
    }
}
