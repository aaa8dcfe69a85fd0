//! Rows of history with the records they stand for, whatever they are read from.

use super::BackfillError;
use crate::offline::cell::Cell;
use crate::offline::column::{Column, is_usable};
use crate::offline::random_access::RandomAccess;
use crate::offline::source::{Content, Source as FileSource, raw_bytes};
use crate::offline::{Condition, Field, FileError, ReadOptions, ReviewFiles};
use crate::online::is_id;
use arrow_array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use schemas::{Rating, Source, Timestamp};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::{Path, PathBuf};

/// What a backfill needs of a review.
#[derive(Debug, Clone)]
pub(super) struct HistoryRow {
    pub(super) product_id: Option<String>,
    pub(super) user_id: Option<String>,
    pub(super) rating: Option<Rating>,
    pub(super) created_at: Option<Timestamp>,
    pub(super) source: Source,
    /// Kafka's time of the record, in epoch milliseconds, where the file has it.
    pub(super) record_millis: Option<i64>,
}

/// The rows of one file.
pub(super) struct HistoryRows {
    path: PathBuf,
    /// The source of rows that name none: the file's content, once it is needed.
    content: Option<String>,
    rows: Rows,
    /// How many rows have been read, those that conditions exclude included.
    count: u64,
}

enum Rows {
    /// Parquet by its columns: it needs no text.
    Parquet { reader: Box<ParquetRecordBatchReader>, plan: Box<Plan> },
    /// Anything else by our fields.
    Fields(Box<ReviewFiles>),
}

/// Which columns of a batch are what.
struct Plan {
    product_id: Option<usize>,
    user_id: Option<usize>,
    rating: usize,
    created_at: usize,
    /// Topic, partition and offset.
    source: Option<[usize; 3]>,
    record_time: Option<usize>,
    conditions: Vec<(Condition, usize)>,
    /// Where the time decides which rows are wanted.
    times: Option<ReadOptions>,
}

const SOURCE_COLUMNS: [&str; 3] = ["source_topic", "source_partition", "source_offset"];
const BATCH_ROWS: usize = 5_000;

impl HistoryRows {
    pub(super) fn open(path: &Path, options: &ReadOptions) -> Result<Self, BackfillError> {
        let (source, content) = FileSource::open(path)?;
        if !source.is_regular {
            return Err(BackfillError::NotRegular { path: path.to_owned() });
        }
        let rows = match content {
            Content::Parquet(file) => open_parquet(path, file, options)?,
            _ => {
                let files = ReviewFiles::open(&[path.to_owned()], options)?;
                for field in [Field::Rating, Field::CreatedAt] {
                    if !files.has_field(field) {
                        let column = options.columns.column_of(field).to_owned();
                        return Err(BackfillError::NoField { path: path.to_owned(), field, column });
                    }
                }
                Rows::Fields(Box::new(files))
            }
        };
        Ok(Self { path: path.to_owned(), content: None, rows, count: 0 })
    }

    /// Whether the file says which records its rows are.
    pub(super) fn name_records(&self) -> bool {
        matches!(&self.rows, Rows::Parquet { plan, .. } if plan.source.is_some())
    }

    /// The next rows, about so many; empty at the end.
    pub(super) fn next_batch(&mut self, about: usize) -> Result<Vec<HistoryRow>, BackfillError> {
        let mut batch = Vec::new();
        if self.content.is_none() {
            self.content = Some(if self.name_records() { String::new() } else { fingerprint(&self.path)? });
        }
        let content = self.content.as_deref().unwrap_or_default();
        while batch.len() < about {
            let is_end = match &mut self.rows {
                Rows::Fields(files) => match files.next_batch()? {
                    None => true,
                    Some(rows) => {
                        batch.extend(rows.into_iter().map(|row| HistoryRow {
                            source: self::source(content, row.position.row),
                            product_id: row.product_id,
                            user_id: row.user_id,
                            rating: row.rating,
                            created_at: row.created_at,
                            record_millis: None,
                        }));
                        false
                    }
                },
                Rows::Parquet { reader, plan } => match reader.next() {
                    None => true,
                    Some(read) => {
                        let read = read.map_err(|error| damaged(&self.path, error))?;
                        plan.rows(&self.path, content, self.count, &read, &mut batch)?;
                        self.count += read.num_rows() as u64;
                        false
                    }
                },
            };
            if is_end {
                break;
            }
        }
        Ok(batch)
    }
}

impl Plan {
    fn rows(
        &self,
        path: &Path,
        content: &str,
        before: u64,
        batch: &RecordBatch,
        rows: &mut Vec<HistoryRow>,
    ) -> Result<(), BackfillError> {
        let columns: Vec<Column> = batch.columns().iter().map(Column::of).collect();
        for row in 0..batch.num_rows() {
            let cell = |column: usize| columns[column].cell(row);
            if !self.conditions.iter().all(|(condition, column)| condition.matches(&cell(*column))) {
                continue;
            }
            let number = before + row as u64 + 1;
            let moment = |column: usize| cell(column).into_timestamp().ok().flatten();
            let created_at = moment(self.created_at);
            if self.times.as_ref().is_some_and(|wanted| !created_at.is_some_and(|at| wanted.wants_times(at, at))) {
                continue;
            }
            let id = |column: Option<usize>| {
                let id = column.and_then(|column| cell(column).into_text().ok().flatten());
                id.filter(|id| is_id(id))
            };
            let source = match self.source {
                None => source(content, number),
                Some([topic, partition, offset]) => {
                    let lacks = |column| BackfillError::NoSource { path: path.to_owned(), row: number, column };
                    let whole = |cell| match cell {
                        Cell::Integer(value) if value >= 0 => Some(value),
                        _ => None,
                    };
                    let partition = whole(cell(partition)).and_then(|partition| i32::try_from(partition).ok());
                    Source {
                        topic: id(Some(topic)).ok_or_else(|| lacks(SOURCE_COLUMNS[0]))?,
                        partition: partition.ok_or_else(|| lacks(SOURCE_COLUMNS[1]))?,
                        offset: whole(cell(offset)).ok_or_else(|| lacks(SOURCE_COLUMNS[2]))?,
                    }
                }
            };
            rows.push(HistoryRow {
                product_id: id(self.product_id),
                user_id: id(self.user_id),
                rating: cell(self.rating).into_rating().ok().flatten(),
                created_at,
                source,
                record_millis: self.record_time.and_then(moment).map(Timestamp::epoch_millis),
            });
        }
        Ok(())
    }
}

fn open_parquet(path: &Path, file: RandomAccess, options: &ReadOptions) -> Result<Rows, BackfillError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| damaged(path, error))?;
    let fields = builder.schema().fields().clone();
    let listed = fields.iter().map(|field| field.name().as_str()).collect::<Vec<_>>().join(", ");
    // The reader gives columns in the order of the file: the roots in order, and each by its place among them.
    let mut roots = Vec::new();
    let mut find = |name: &str| {
        let root = fields.iter().position(|field| field.name() == name)?;
        roots.push(root);
        Some(root)
    };
    let mut ours = |field: Field| match find(options.columns.column_of(field)) {
        None if options.columns.mapped().any(|(mapped, _)| mapped == field) => {
            Err(no_field(path, field, options, &listed))
        }
        found => Ok(found),
    };
    let (product_id, user_id) = (ours(Field::ProductId)?, ours(Field::UserId)?);
    let needed = |found: Option<usize>, field| found.ok_or_else(|| no_field(path, field, options, &listed));
    let rating = needed(ours(Field::Rating)?, Field::Rating)?;
    let created_at = needed(ours(Field::CreatedAt)?, Field::CreatedAt)?;
    if product_id.is_none() && user_id.is_none() {
        return Err(no_field(path, Field::ProductId, options, &listed).into());
    }
    let source = match SOURCE_COLUMNS.map(&mut find) {
        [Some(topic), Some(partition), Some(offset)] => Some([topic, partition, offset]),
        _ => None,
    };
    let record_time = source.and_then(|_| find("source_timestamp"));
    let mut conditions = Vec::with_capacity(options.conditions.len());
    for condition in &options.conditions {
        let root = find(condition.column()).ok_or_else(|| FileError::NoConditionColumn {
            path: path.to_owned(),
            column: condition.column().to_owned(),
            columns: listed.clone(),
        })?;
        conditions.push((condition.clone(), root));
    }
    roots.sort_unstable();
    roots.dedup();
    for root in &roots {
        let field = &fields[*root];
        if !is_usable(field.data_type()) {
            let (column, kind) = (field.name().clone(), field.data_type().to_string());
            return Err(FileError::UnusableColumn { path: path.to_owned(), column, kind }.into());
        }
    }
    let place = |root: usize| roots.partition_point(|known| *known < root);
    let plan = Plan {
        product_id: product_id.map(place),
        user_id: user_id.map(place),
        rating: place(rating),
        created_at: place(created_at),
        source: source.map(|source| source.map(place)),
        record_time: record_time.map(place),
        conditions: conditions.into_iter().map(|(condition, root)| (condition, place(root))).collect(),
        times: options.asks_for_times().then(|| options.clone()),
    };
    let mask = ProjectionMask::roots(builder.parquet_schema(), roots.iter().copied());
    let reader = builder.with_projection(mask).with_batch_size(BATCH_ROWS).build();
    Ok(Rows::Parquet { reader: Box::new(reader.map_err(|error| damaged(path, error))?), plan: Box::new(plan) })
}

/// The record that a row stands for whose file says nothing of records.
fn source(topic: &str, row: u64) -> Source {
    Source { topic: topic.to_owned(), partition: 0, offset: i64::try_from(row).unwrap_or(i64::MAX) }
}

/// A name of a file's content: `file:` and half of its SHA-256. No topic of Kafka has a colon in its name.
fn fingerprint(path: &Path) -> Result<String, FileError> {
    let mut hash = Sha256::new();
    let mut bytes = raw_bytes(path)?;
    let mut buffer = vec![0; 1 << 18];
    loop {
        let count = bytes.read(&mut buffer).map_err(|source| FileError::Io { path: path.to_owned(), source })?;
        if count == 0 {
            break;
        }
        hash.update(&buffer[..count]);
    }
    let digest = hash.finalize();
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("file:{hex}"))
}

fn no_field(path: &Path, field: Field, options: &ReadOptions, columns: &str) -> FileError {
    let column = options.columns.column_of(field).to_owned();
    FileError::NoMappedColumn { path: path.to_owned(), field, column, columns: columns.to_owned() }
}

fn damaged(path: &Path, error: impl ToString) -> FileError {
    FileError::Damaged { path: path.to_owned(), format: "Parquet", reason: error.to_string() }
}
