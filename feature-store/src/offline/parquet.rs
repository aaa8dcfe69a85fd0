//! Parquet: only the needed columns are read, in batches bounded by rows and by bytes. Text in any of Arrow's layouts,
//! numbers of any width, booleans, times of any unit and dates become cells; a needed column of another type is an error.

use super::cell::Cell;
use super::column::{Column, is_number, is_usable};
use super::fingerprint::Schema;
use super::plan::Plan;
use super::pruning;
use super::random_access::RandomAccess;
use super::reader::{BATCH_ROWS, BATCH_TEXT_BYTES, OpenFile, Rows};
use super::sampled;
use super::source::Source;
use super::store;
use super::{FileError, ReadOptions, RowRef};
use arrow_array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::file::metadata::ParquetMetaData;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::Ordering;

/// A Parquet file that fits the options: its footer is read, its rows are still to come.
pub(super) struct ParquetFile {
    pub(super) source: Source,
    content: RandomAccess,
    metadata: ArrowReaderMetadata,
    pub(super) schema: Schema,
    pub(super) plan: Plan,
    /// The columns to read, by their place in the file.
    roots: Vec<usize>,
    /// For each of the plan's columns, its place in a batch.
    places: Vec<usize>,
    batch_rows: usize,
    /// The row groups to read.
    pub(super) groups: Vec<Group>,
    total_rows: u64,
}

/// The rows to read of a row group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) place: usize,
    /// How many rows of the file stand before the first to read.
    pub(super) first: u64,
    /// How many rows of the group do.
    pub(super) skip: usize,
    pub(super) rows: usize,
}

impl ParquetFile {
    /// Reads the footer and matches the columns with the options. Of a part of the written store only the rows of these
    /// offsets are wanted.
    pub(super) fn open(
        source: Source,
        content: RandomAccess,
        file: usize,
        options: &ReadOptions,
        offsets: Option<&Range<i64>>,
    ) -> Result<Self, FileError> {
        let rows = match offsets {
            Some(offsets) => store::rows_of_offsets(&content, offsets).map_err(|error| source.parquet_error(error))?,
            None => None,
        };
        let metadata = ArrowReaderMetadata::load(&content, ArrowReaderOptions::new())
            .map_err(|error| source.parquet_error(error))?;
        let arrow = metadata.schema();
        let schema: Schema =
            arrow.fields().iter().map(|field| (field.name().clone(), field.data_type().to_string())).collect();
        let present: Vec<&str> = schema.iter().map(|(name, _)| name.as_str()).collect();
        // A sample has our names, whatever the files that it was drawn from or that are read beside it call their columns.
        let of_sample = sampled::note_of(metadata.metadata())
            .map(|_| ReadOptions { columns: super::Columns::default(), ..options.clone() });
        let plan = Plan::new(file, &source.path, &present, of_sample.as_ref().unwrap_or(options))?;

        // The reader gives projected columns in the file's order.
        let wanted: Vec<usize> =
            plan.columns.iter().filter_map(|column| present.iter().position(|name| name == column)).collect();
        let mut roots = wanted.clone();
        roots.sort_unstable();
        let places = wanted.iter().filter_map(|root| roots.iter().position(|in_order| in_order == root)).collect();
        check_types(&source.path, arrow, &plan, &wanted)?;
        let groups = groups(metadata.metadata(), rows, &pruning::wanted_groups(metadata.metadata(), arrow, &plan));
        Ok(Self {
            batch_rows: rows_per_batch(metadata.metadata(), &wanted),
            total_rows: u64::try_from(metadata.metadata().file_metadata().num_rows()).unwrap_or(0),
            source,
            content,
            metadata,
            schema,
            plan,
            roots,
            places,
            groups,
        })
    }

    /// A reader of a group's rows; only of those that are selected, where a selection is given.
    pub(super) fn reader(
        &self,
        group: Group,
        selection: Option<RowSelection>,
    ) -> Result<ParquetRecordBatchReader, FileError> {
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(self.content.clone(), self.metadata.clone());
        let mask = ProjectionMask::roots(builder.parquet_schema(), self.roots.iter().copied());
        let builder = builder.with_row_groups(vec![group.place]).with_projection(mask).with_batch_size(self.batch_rows);
        let builder = match selection {
            Some(selection) => builder.with_row_selection(selection),
            None => builder.with_offset(group.skip).with_limit(group.rows),
        };
        builder.build().map_err(|error| self.source.parquet_error(error))
    }

    /// The plan's columns of a reader's next rows; none at its end.
    pub(super) fn next_batch(&self, reader: &mut ParquetRecordBatchReader) -> Result<Option<Columns>, FileError> {
        let Some(batch) = reader.next() else { return Ok(None) };
        let batch = batch.map_err(|error| self.source.parquet_error(error))?;
        Ok(Some(Columns::of(&batch, &self.places)))
    }

    /// Tells progress that the rows before this one have been read: where a page stands is the reader's affair, so rows stand
    /// for bytes.
    fn tell_progress(&self, row: u64) {
        let share = row as f64 / self.total_rows.max(1) as f64;
        self.source.bytes_read.store((self.source.size_bytes as f64 * share.min(1.0)) as u64, Ordering::Relaxed);
    }

    /// Of a file that is read from beginning to end.
    pub(super) fn into_open_file(self) -> OpenFile {
        OpenFile {
            schema: self.schema.clone(),
            fields: self.plan.fields().collect(),
            size_bytes: self.source.size_bytes,
            is_regular: self.source.is_regular,
            bytes_read: self.source.bytes_read.clone(),
            sample: sampled::note_of(self.metadata.metadata()).map(str::to_owned),
            rows: Box::new(ParquetRows {
                file: self,
                begun: 0,
                reader: None,
                columns: Columns::default(),
                next_in_batch: 0,
                row: 0,
            }),
        }
    }
}

/// Refuses columns of a type that nothing can be read from, and features that are no numbers.
pub(super) fn check_types(
    path: &Path,
    schema: &arrow_schema::Schema,
    plan: &Plan,
    wanted: &[usize],
) -> Result<(), FileError> {
    for root in wanted {
        let field = schema.field(*root);
        let described = || (path.to_owned(), field.name().clone(), field.data_type().to_string());
        if !is_usable(field.data_type()) {
            let (path, column, kind) = described();
            return Err(FileError::UnusableColumn { path, column, kind });
        }
        if plan.feature_columns().any(|column| column == field.name()) && !is_number(field.data_type()) {
            let (path, column, kind) = described();
            return Err(FileError::NoNumbers { path, column, kind });
        }
    }
    Ok(())
}

/// The groups that have rows to read: of those wanted by their statistics, what lies in the range of rows.
fn groups(metadata: &ParquetMetaData, rows: Option<Range<usize>>, wanted: &[bool]) -> Vec<Group> {
    let rows = rows.unwrap_or(0..usize::MAX);
    let mut groups = Vec::new();
    let mut start = 0;
    for (place, group) in metadata.row_groups().iter().enumerate() {
        let end = start + usize::try_from(group.num_rows()).unwrap_or(0);
        let (first, last) = (start.max(rows.start), end.min(rows.end));
        if wanted[place] && first < last {
            groups.push(Group { place, first: first as u64, skip: first - start, rows: last - first });
        }
        start = end;
    }
    groups
}

/// The plan's columns of a batch.
#[derive(Default)]
pub(super) struct Columns {
    columns: Vec<Column>,
    pub(super) rows: usize,
}

impl Columns {
    pub(super) fn of(batch: &RecordBatch, places: &[usize]) -> Self {
        let columns = places.iter().map(|place| Column::of(batch.column(*place))).collect();
        Self { columns, rows: batch.num_rows() }
    }

    pub(super) fn cell(&self, column: usize, row: usize) -> Cell<'_> {
        self.columns[column].cell(row)
    }
}

/// The rows of a file in their order.
struct ParquetRows {
    file: ParquetFile,
    /// How many of the groups have been begun.
    begun: usize,
    reader: Option<ParquetRecordBatchReader>,
    /// The plan's columns of the batch at hand.
    columns: Columns,
    /// The next of its rows.
    next_in_batch: usize,
    /// How many rows of the file stand before the next.
    row: u64,
}

impl Rows for ParquetRows {
    fn next(&mut self, show: &mut dyn FnMut(RowRef<'_>)) -> Result<bool, FileError> {
        loop {
            if self.next_in_batch == self.columns.rows {
                if !self.take_batch()? {
                    return Ok(false);
                }
                continue;
            }
            let in_batch = self.next_in_batch;
            self.next_in_batch += 1;
            self.row += 1;
            let columns = &self.columns;
            if let Some(row) = self.file.plan.row(self.row, |column| columns.cell(column, in_batch)) {
                show(row);
                return Ok(true);
            }
        }
    }
}

impl ParquetRows {
    /// Whether there was a further batch.
    fn take_batch(&mut self) -> Result<bool, FileError> {
        loop {
            if let Some(reader) = &mut self.reader
                && let Some(columns) = self.file.next_batch(reader)?
            {
                self.file.tell_progress(self.row + columns.rows as u64);
                self.columns = columns;
                self.next_in_batch = 0;
                return Ok(true);
            }
            self.columns = Columns::default();
            self.next_in_batch = 0;
            let Some(group) = self.file.groups.get(self.begun).copied() else { return Ok(false) };
            self.begun += 1;
            self.row = group.first;
            self.reader = Some(self.file.reader(group, None)?);
        }
    }
}

/// As many rows as the reader hands on at once, fewer where they are long on the average of their row group.
fn rows_per_batch(metadata: &ParquetMetaData, roots: &[usize]) -> usize {
    let bytes_per_row = |group: &parquet::file::metadata::RowGroupMetaData| {
        let leaves = group.columns().iter().enumerate();
        let needed = leaves.filter(|(leaf, _)| roots.contains(&group.schema_descr().get_column_root_idx(*leaf)));
        needed.map(|(_, column)| column.uncompressed_size()).sum::<i64>() / group.num_rows().max(1)
    };
    let longest = metadata.row_groups().iter().map(bytes_per_row).max().unwrap_or(0).max(1);
    let rows = BATCH_TEXT_BYTES / usize::try_from(longest).unwrap_or(1);
    rows.clamp(1, BATCH_ROWS)
}
