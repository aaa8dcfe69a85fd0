//! The sample as a file: Parquet with zstd, our fields under our names, the columns that were asked for behind them, and the note
//! in the footer. Rows stand in the order of the hash of their text, which is a shuffle that every engine repeats.

use super::SampleError;
use super::note::SampleNote;
use super::record::{Record, TEXTS};
use arrow_array::builder::{Float64Builder, Int8Builder, StringBuilder, TimestampMillisecondBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use feature_store::offline::{Partial, SAMPLE_KEY};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

/// A batch ends with so many rows,
const BATCH_ROWS: usize = 4096;
/// or so many bytes of them.
const BATCH_BYTES: usize = 4 << 20;
/// A row group ends with so many rows, or bytes. Both go by the rows alone, so that the same rows make the same file.
const GROUP_ROWS: usize = 64 * 1024;
const GROUP_BYTES: usize = 64 << 20;

/// The columns behind our own.
#[derive(Debug, Clone)]
pub(super) struct OutputColumns {
    /// The names of the extra columns; none for one that is not written.
    pub(super) extras: Vec<Option<String>>,
    /// The names of the columns of numbers.
    pub(super) numbers: Vec<String>,
}

impl OutputColumns {
    fn schema(&self) -> SchemaRef {
        let text = |name: &str| Field::new(name, DataType::Utf8, true);
        let mut fields: Vec<Field> = ["review_id", "product_id", "user_id", "title", "text"].map(text).to_vec();
        fields.push(Field::new("rating", DataType::Float64, true));
        fields.push(Field::new("created_at", DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())), true));
        fields.push(Field::new("label", DataType::Int8, false));
        fields.extend(self.extras.iter().flatten().map(|name| text(name)));
        fields.extend(self.numbers.iter().map(|name| Field::new(name, DataType::Float64, true)));
        Arc::new(Schema::new(fields))
    }
}

/// Writes rows, which `shards` gives in pieces: the rows of each piece come before those of the next, in any order within it.
/// Refuses to make a file that lacks a row that the note counts.
pub(super) fn write(
    partial: &mut Partial,
    columns: &OutputColumns,
    note: &SampleNote,
    shards: impl Iterator<Item = Result<Vec<Vec<u8>>, SampleError>> + Send,
    stays: impl Fn(&Record<'_>) -> bool + Send,
) -> Result<(), SampleError> {
    let schema = columns.schema();
    let properties = properties(&schema, note).map_err(|error| partial.error(error))?;
    std::thread::scope(|scope| {
        // One batch ahead: while it is compressed the next is made.
        let (sender, receiver) = sync_channel(1);
        let of_maker = schema.clone();
        let maker = scope.spawn(move || make_batches(of_maker, columns, shards, stays, &sender));
        let written = (|| {
            let mut target = &mut *partial;
            let mut writer = ArrowWriter::try_new(&mut target, schema, Some(properties))?;
            for batch in receiver {
                writer.write(&batch)?;
            }
            writer.close().map(|_| ())
        })();
        let made = maker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        // An error of the writer ends the maker too, which has none then.
        let rows = made?;
        written.map_err(|error: parquet::errors::ParquetError| partial.error(error))?;
        match rows == note.rows.total() {
            true => Ok(()),
            false => Err(SampleError::Changed { chosen: note.rows.total(), found: rows }),
        }
    })
}

fn properties(schema: &SchemaRef, note: &SampleNote) -> Result<WriterProperties, serde_json::Error> {
    let note = KeyValue::new(SAMPLE_KEY.to_owned(), serde_json::to_string(note)?);
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("plaudit ", env!("CARGO_PKG_VERSION")).to_owned())
        // Level 1: the next levels cost more time than they save bytes.
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).unwrap_or_default()))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_max_row_group_bytes(Some(GROUP_BYTES))
        .set_key_value_metadata(Some(vec![note]));
    // Each value of these differs from the others: a dictionary would be given up after a megabyte of it.
    for unique in ["review_id", "title", "text"] {
        properties = properties.set_column_dictionary_enabled(ColumnPath::from(unique), false);
    }
    // The least and the greatest text tell nobody anything, and stand unprotected in the footer.
    for field in schema.fields().iter().filter(|field| matches!(field.name().as_str(), "title" | "text")) {
        let path = ColumnPath::from(field.name().as_str());
        properties = properties.set_column_statistics_enabled(path, EnabledStatistics::None);
    }
    Ok(properties.build())
}

/// How many rows the batches have.
fn make_batches(
    schema: SchemaRef,
    columns: &OutputColumns,
    shards: impl Iterator<Item = Result<Vec<Vec<u8>>, SampleError>>,
    stays: impl Fn(&Record<'_>) -> bool,
    sender: &SyncSender<RecordBatch>,
) -> Result<u64, SampleError> {
    let mut batch = Batch::new(schema, columns);
    let mut count = 0;
    for shard in shards {
        let shard = shard?;
        let mut rows: Vec<Record<'_>> =
            shard.iter().flat_map(|bytes| Record::read_all(bytes)).filter(|record| stays(record)).collect();
        // Each text stays once.
        rows.sort_unstable_by_key(|record| (record.hash, record.place));
        for row in rows {
            batch.push(&row);
            count += 1;
            if (batch.rows == BATCH_ROWS || batch.bytes >= BATCH_BYTES) && sender.send(batch.take()).is_err() {
                return Ok(count);
            }
        }
    }
    if batch.rows > 0 {
        // Refused, the writer has an error of its own.
        let _ = sender.send(batch.take());
    }
    Ok(count)
}

/// Rows on their way into columns.
struct Batch<'c> {
    schema: SchemaRef,
    columns: &'c OutputColumns,
    texts: Vec<StringBuilder>,
    rating: Float64Builder,
    created_at: TimestampMillisecondBuilder,
    label: Int8Builder,
    extras: Vec<StringBuilder>,
    numbers: Vec<Float64Builder>,
    rows: usize,
    bytes: usize,
}

impl<'c> Batch<'c> {
    fn new(schema: SchemaRef, columns: &'c OutputColumns) -> Self {
        Self {
            schema,
            columns,
            texts: (0..TEXTS).map(|_| StringBuilder::new()).collect(),
            rating: Float64Builder::new(),
            created_at: TimestampMillisecondBuilder::new(),
            label: Int8Builder::new(),
            extras: columns.extras.iter().flatten().map(|_| StringBuilder::new()).collect(),
            numbers: columns.numbers.iter().map(|_| Float64Builder::new()).collect(),
            rows: 0,
            bytes: 0,
        }
    }

    fn push(&mut self, row: &Record<'_>) {
        let mut values = row.values();
        let (label, rating, created_at) = values.head();
        self.label.append_value(i8::from(label.is_positive()));
        self.rating.append_option(rating);
        self.created_at.append_option(created_at);
        for column in &mut self.texts {
            let text = values.text();
            self.bytes += text.map_or(0, str::len);
            column.append_option(text);
        }
        let mut extras = self.extras.iter_mut();
        for name in &self.columns.extras {
            let text = values.text();
            if name.is_some()
                && let Some(column) = extras.next()
            {
                self.bytes += text.map_or(0, str::len);
                column.append_option(text);
            }
        }
        for column in &mut self.numbers {
            let number = values.number();
            column.append_option((!number.is_nan()).then_some(number));
        }
        self.rows += 1;
    }

    fn take(&mut self) -> RecordBatch {
        (self.rows, self.bytes) = (0, 0);
        let mut arrays: Vec<ArrayRef> = self.texts.iter_mut().map(|column| Arc::new(column.finish()) as _).collect();
        arrays.push(Arc::new(self.rating.finish()));
        arrays.push(Arc::new(self.created_at.finish().with_timezone("UTC")));
        arrays.push(Arc::new(self.label.finish()));
        arrays.extend(self.extras.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef));
        arrays.extend(self.numbers.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef));
        RecordBatch::try_new(self.schema.clone(), arrays).expect("each column has the type of the schema and every row")
    }
}
