//! Parquet: only the needed columns are read, in batches bounded by rows and by bytes. Text in any of Arrow's layouts,
//! numbers of any width, booleans, times of any unit and dates become cells; a needed column of another type is an error.

use super::cell::Cell;
use super::fingerprint::Schema;
use super::plan::Plan;
use super::reader::{BATCH_ROWS, BATCH_TEXT_BYTES, OpenFile, Rows};
use super::source::Source;
use super::store;
use super::{FileError, ReadOptions, Row};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, LargeStringArray, RecordBatch, StringArray, StringViewArray,
};
use arrow_schema::{DataType, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::ParquetMetaData;
use std::borrow::Cow;
use std::fs::File;
use std::ops::Range;
use std::sync::atomic::Ordering;

struct ParquetRows {
    source: Source,
    reader: ParquetRecordBatchReader,
    plan: Plan,
    /// For each of the plan's columns, its place in a batch.
    places: Vec<usize>,
    /// The plan's columns of the batch at hand.
    columns: Vec<Column>,
    batch_rows: usize,
    next_in_batch: usize,
    row: u64,
    total_rows: u64,
}

/// Opens Parquet: reads its footer and matches its columns with the options. Of a part of the written store only the rows of
/// these offsets are wanted.
pub(super) fn open(
    source: Source,
    content: File,
    file: usize,
    options: &ReadOptions,
    offsets: Option<&Range<i64>>,
) -> Result<OpenFile, FileError> {
    let rows = match offsets {
        Some(offsets) => store::rows_of_offsets(&content, offsets).map_err(|error| source.parquet_error(error))?,
        None => None,
    };
    let builder = ParquetRecordBatchReaderBuilder::try_new(content).map_err(|error| source.parquet_error(error))?;
    let arrow = builder.schema().clone();
    let schema: Schema =
        arrow.fields().iter().map(|field| (field.name().clone(), field.data_type().to_string())).collect();
    let present: Vec<&str> = schema.iter().map(|(name, _)| name.as_str()).collect();
    let plan = Plan::new(file, &source.path, &present, options)?;

    // The reader gives projected columns in the file's order.
    let wanted: Vec<usize> =
        plan.columns.iter().filter_map(|column| present.iter().position(|name| name == column)).collect();
    let mut in_file_order = wanted.clone();
    in_file_order.sort_unstable();
    let places = wanted.iter().filter_map(|root| in_file_order.iter().position(|in_order| in_order == root)).collect();
    for root in &wanted {
        let field = arrow.field(*root);
        if !is_usable(field.data_type()) {
            return Err(FileError::UnusableColumn {
                path: source.path,
                column: field.name().clone(),
                kind: field.data_type().to_string(),
            });
        }
        if plan.feature_columns().any(|column| column == field.name()) && !is_number(field.data_type()) {
            return Err(FileError::NoNumbers {
                path: source.path,
                column: field.name().clone(),
                kind: field.data_type().to_string(),
            });
        }
    }

    let total_rows = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
    let batch_rows = rows_per_batch(builder.metadata(), &wanted);
    let mask = ProjectionMask::roots(builder.parquet_schema(), wanted);
    let builder = match rows {
        Some(rows) => builder.with_offset(rows.start).with_limit(rows.len()),
        None => builder,
    };
    let reader = builder
        .with_projection(mask)
        .with_batch_size(batch_rows)
        .build()
        .map_err(|error| source.parquet_error(error))?;
    let fields = plan.fields().collect();
    Ok(OpenFile {
        schema,
        fields,
        size_bytes: source.size_bytes,
        is_regular: source.is_regular,
        bytes_read: source.bytes_read.clone(),
        rows: Box::new(ParquetRows {
            source,
            reader,
            plan,
            places,
            columns: Vec::new(),
            batch_rows: 0,
            next_in_batch: 0,
            row: 0,
            total_rows,
        }),
    })
}

impl Rows for ParquetRows {
    fn next_row(&mut self) -> Result<Option<Row>, FileError> {
        loop {
            if self.next_in_batch == self.batch_rows {
                match self.reader.next() {
                    None => return Ok(None),
                    Some(batch) => {
                        let batch = batch.map_err(|error| self.source.parquet_error(error))?;
                        self.take(&batch);
                    }
                }
                continue;
            }
            let in_batch = self.next_in_batch;
            self.next_in_batch += 1;
            self.row += 1;
            let columns = &self.columns;
            let row = self.plan.row(self.row, |column| columns[column].cell(in_batch));
            if row.is_some() {
                return Ok(row);
            }
        }
    }
}

impl ParquetRows {
    fn take(&mut self, batch: &RecordBatch) {
        self.columns = self.places.iter().map(|place| Column::of(batch.column(*place))).collect();
        self.batch_rows = batch.num_rows();
        self.next_in_batch = 0;
        // Where a page stands in the file is the reader's affair: rows stand for bytes.
        let share = (self.row + batch.num_rows() as u64) as f64 / self.total_rows.max(1) as f64;
        self.source.bytes_read.store((self.source.size_bytes as f64 * share.min(1.0)) as u64, Ordering::Relaxed);
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

/// One column of a batch, in the few shapes that cells come from.
pub(crate) enum Column {
    Null,
    Utf8(StringArray),
    LargeUtf8(LargeStringArray),
    Utf8View(StringViewArray),
    /// Bytes that older writers mean as text.
    Binary(BinaryArray),
    Boolean(BooleanArray),
    Integers(Vec<Option<i64>>),
    Numbers(Vec<Option<f64>>),
    /// Epoch milliseconds; the inner none is a moment that is out of range.
    Moments(Vec<Option<Option<i64>>>),
    Dictionary {
        keys: Vec<Option<usize>>,
        values: Box<Column>,
    },
}

/// Whether [`Column::of`] knows the type.
pub(crate) fn is_usable(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, values) => is_usable(values),
        DataType::Null | DataType::Boolean => true,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Binary => true,
        DataType::Float32 | DataType::Float64 | DataType::Decimal128(_, _) => true,
        DataType::Timestamp(_, _) | DataType::Date32 | DataType::Date64 => true,
        kind => kind.is_integer(),
    }
}

/// Whether each value of the type is a number or none.
fn is_number(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, values) => is_number(values),
        DataType::Null | DataType::Boolean => true,
        DataType::Float32 | DataType::Float64 | DataType::Decimal128(_, _) => true,
        kind => kind.is_integer(),
    }
}

impl Column {
    pub(crate) fn of(array: &ArrayRef) -> Self {
        match array.data_type() {
            DataType::Utf8 => Column::Utf8(array.as_string().clone()),
            DataType::LargeUtf8 => Column::LargeUtf8(array.as_string().clone()),
            DataType::Utf8View => Column::Utf8View(array.as_string_view().clone()),
            DataType::Binary => Column::Binary(array.as_binary().clone()),
            DataType::Boolean => Column::Boolean(array.as_boolean().clone()),
            DataType::Int8 => integers::<Int8Type>(array),
            DataType::Int16 => integers::<Int16Type>(array),
            DataType::Int32 => integers::<Int32Type>(array),
            DataType::Int64 => integers::<Int64Type>(array),
            DataType::UInt8 => integers::<UInt8Type>(array),
            DataType::UInt16 => integers::<UInt16Type>(array),
            DataType::UInt32 => integers::<UInt32Type>(array),
            DataType::UInt64 => unsigned(array),
            DataType::Float32 => Column::Numbers(each::<Float32Type, _>(array, f64::from)),
            DataType::Float64 => Column::Numbers(each::<Float64Type, _>(array, |value| value)),
            DataType::Decimal128(_, scale) => {
                let unit = 10f64.powi(i32::from(*scale));
                Column::Numbers(each::<Decimal128Type, _>(array, |value| value as f64 / unit))
            }
            DataType::Date32 => moments::<Date32Type>(array, |days| i64::from(days).checked_mul(86_400_000)),
            DataType::Date64 => moments::<Date64Type>(array, Some),
            DataType::Timestamp(TimeUnit::Second, _) => {
                moments::<TimestampSecondType>(array, |seconds| seconds.checked_mul(1000))
            }
            DataType::Timestamp(TimeUnit::Millisecond, _) => moments::<TimestampMillisecondType>(array, Some),
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                moments::<TimestampMicrosecondType>(array, |micros| Some(micros.div_euclid(1000)))
            }
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                moments::<TimestampNanosecondType>(array, |nanos| Some(nanos.div_euclid(1_000_000)))
            }
            DataType::Dictionary(_, _) => dictionary(array),
            // `is_usable` has refused everything else at the opening.
            _ => Column::Null,
        }
    }

    pub(crate) fn cell(&self, row: usize) -> Cell<'_> {
        match self {
            Column::Null => Cell::Null,
            Column::Utf8(texts) if texts.is_valid(row) => Cell::Text(Cow::Borrowed(texts.value(row))),
            Column::LargeUtf8(texts) if texts.is_valid(row) => Cell::Text(Cow::Borrowed(texts.value(row))),
            Column::Utf8View(texts) if texts.is_valid(row) => Cell::Text(Cow::Borrowed(texts.value(row))),
            Column::Binary(texts) if texts.is_valid(row) => match String::from_utf8_lossy(texts.value(row)) {
                Cow::Borrowed(text) => Cell::Text(Cow::Borrowed(text)),
                Cow::Owned(text) => Cell::Repaired(text),
            },
            Column::Boolean(values) if values.is_valid(row) => Cell::Boolean(values.value(row)),
            Column::Utf8(_) | Column::LargeUtf8(_) | Column::Utf8View(_) | Column::Binary(_) | Column::Boolean(_) => {
                Cell::Null
            }
            Column::Integers(values) => values[row].map_or(Cell::Null, Cell::Integer),
            Column::Numbers(values) => values[row].map_or(Cell::Null, Cell::Number),
            Column::Moments(values) => values[row].map_or(Cell::Null, Cell::moment),
            Column::Dictionary { keys, values } => keys[row].map_or(Cell::Null, |key| values.cell(key)),
        }
    }
}

fn each<T: ArrowPrimitiveType, V>(array: &ArrayRef, convert: impl Fn(T::Native) -> V) -> Vec<Option<V>> {
    array.as_primitive::<T>().iter().map(|value| value.map(&convert)).collect()
}

fn integers<T: ArrowPrimitiveType>(array: &ArrayRef) -> Column
where
    i64: From<T::Native>,
{
    Column::Integers(each::<T, _>(array, i64::from))
}

/// Unsigned integers that i64 doesn't hold are kept as text, so that ids of 64 random bits stay exact.
fn unsigned(array: &ArrayRef) -> Column {
    let values = array.as_primitive::<UInt64Type>();
    if values.iter().flatten().all(|value| i64::try_from(value).is_ok()) {
        return Column::Integers(
            values.iter().map(|value| value.and_then(|value| i64::try_from(value).ok())).collect(),
        );
    }
    Column::Utf8(values.iter().map(|value| value.map(|value| value.to_string())).collect())
}

fn moments<T: ArrowPrimitiveType>(array: &ArrayRef, millis: impl Fn(T::Native) -> Option<i64>) -> Column {
    Column::Moments(each::<T, _>(array, millis))
}

fn dictionary(array: &ArrayRef) -> Column {
    let dictionary = array.as_any_dictionary();
    if dictionary.values().is_empty() {
        return Column::Null;
    }
    let keys = dictionary.normalized_keys().into_iter().enumerate();
    let keys = keys.map(|(row, key)| dictionary.keys().is_valid(row).then_some(key)).collect();
    Column::Dictionary { keys, values: Box::new(Column::of(dictionary.values())) }
}
