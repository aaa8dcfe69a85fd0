//! The bytes of a part file: Parquet with what makes filters by time and by id cheap (statistics and an index of pages,
//! bloom filters), and in its metadata the range of offsets that it covers.

use super::partition::PartName;
use super::{Dataset, Error, SourcePartition};
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use object_store::{PutPayload, PutPayloadMut};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{FileMetaData, KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use std::io::{self, Write};
use std::ops::Range;

/// Filters for ids are as large as a row group's ids make them; a group of more rows would make reading one row dearer.
const ROW_GROUP_ROWS: usize = 128 * 1024;
/// A group ends with this many bytes too, so that a reader who holds one column of it holds little.
const ROW_GROUP_BYTES: usize = 64 * 1024 * 1024;
/// A file grows by blocks of this size, and is never copied to make room.
const BLOCK_BYTES: usize = 256 * 1024;
/// Of those who look for an id that is not there, this share looks in vain.
const BLOOM_FALSE_POSITIVES: f64 = 0.01;

const FIRST_OFFSET: &str = "plaudit.first_offset";
const NEXT_OFFSET: &str = "plaudit.next_offset";

/// A part file in the making, in memory.
pub struct PartWriter {
    dataset: Dataset,
    partition: SourcePartition,
    first: i64,
    rows: u64,
    writer: ArrowWriter<Blocks>,
}

/// The bytes of a file as far as they are final.
struct Blocks(PutPayloadMut);

impl Write for Blocks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A part file that is ready to be created.
#[derive(Debug, Clone)]
pub struct FinishedPart {
    pub(super) dataset: Dataset,
    pub(super) partition: SourcePartition,
    pub(super) name: PartName,
    pub(super) offsets: Range<i64>,
    rows: u64,
    pub(super) payload: PutPayload,
}

impl FinishedPart {
    /// The offsets that it covers.
    pub fn offsets(&self) -> Range<i64> {
        self.offsets.clone()
    }

    /// How many rows it has.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The size of the file.
    pub fn size_bytes(&self) -> usize {
        self.payload.content_length()
    }
}

impl PartWriter {
    /// A part that begins with this offset, where the chain of its partition ends.
    pub fn new(dataset: Dataset, partition: SourcePartition, first: i64) -> Result<Self, Error> {
        Self::with_columns(dataset, partition, first, &dataset.schema())
    }

    /// The same for rows that have these columns.
    pub(super) fn with_columns(
        dataset: Dataset,
        partition: SourcePartition,
        first: i64,
        columns: &SchemaRef,
    ) -> Result<Self, Error> {
        let blocks = Blocks(PutPayloadMut::new().with_block_size(BLOCK_BYTES));
        let writer = ArrowWriter::try_new(blocks, columns.clone(), Some(properties(columns)))
            .map_err(|error| Error::encode(dataset, &partition, error))?;
        Ok(Self { dataset, partition, first, rows: 0, writer })
    }

    /// Adds rows behind those that were added before.
    pub fn write(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        self.rows += rows.num_rows() as u64;
        self.writer.write(rows).map_err(|error| Error::encode(self.dataset, &self.partition, error))
    }

    /// The offset with which it begins.
    pub fn first(&self) -> i64 {
        self.first
    }

    /// How many rows it has.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// About the bytes that the file would have if it were finished now.
    pub fn size_bytes(&self) -> usize {
        self.writer.bytes_written() + self.writer.in_progress_size()
    }

    /// The bytes that it holds in memory.
    pub fn memory_bytes(&self) -> usize {
        self.writer.bytes_written() + self.writer.memory_size()
    }

    /// Ends the file: it covers the offsets before `next`.
    pub fn finish(self, next: i64) -> Result<FinishedPart, Error> {
        let name = PartName { first: self.first, next: None };
        self.finish_as(next, name)
    }

    /// The same for a part that takes the place of others.
    pub(super) fn finish_compacted(self, next: i64) -> Result<FinishedPart, Error> {
        let name = PartName { first: self.first, next: Some(next) };
        self.finish_as(next, name)
    }

    fn finish_as(mut self, next: i64, name: PartName) -> Result<FinishedPart, Error> {
        if next <= self.first {
            // Its name would hide the file that belongs there.
            let problem = format!("the file would begin with offset {} and end before {next}", self.first);
            return Err(Error::encode(self.dataset, &self.partition, ParquetError::General(problem)));
        }
        for (key, value) in [
            ("plaudit.dataset", self.dataset.name().to_owned()),
            ("plaudit.topic", self.partition.topic.clone()),
            ("plaudit.partition", self.partition.partition.to_string()),
            (FIRST_OFFSET, self.first.to_string()),
            (NEXT_OFFSET, next.to_string()),
        ] {
            self.writer.append_key_value_metadata(KeyValue::new(key.to_owned(), value));
        }
        let Blocks(payload) =
            self.writer.into_inner().map_err(|error| Error::encode(self.dataset, &self.partition, error))?;
        Ok(FinishedPart {
            dataset: self.dataset,
            partition: self.partition,
            name,
            offsets: self.first..next,
            rows: self.rows,
            payload: payload.freeze(),
        })
    }
}

/// The offsets that a part covers, as its metadata says.
pub(super) fn offsets_of(metadata: &FileMetaData) -> Option<Range<i64>> {
    let number = |key: &str| {
        let pair = metadata.key_value_metadata()?.iter().find(|pair| pair.key == key)?;
        pair.value.as_ref()?.parse::<i64>().ok()
    };
    Some(number(FIRST_OFFSET)?..number(NEXT_OFFSET)?)
}

fn properties(schema: &SchemaRef) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("plaudit ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
        .set_statistics_enabled(EnabledStatistics::Page);
    for id in ["review_id", "product_id", "user_id"] {
        if schema.column_with_name(id).is_some() {
            properties = properties.set_column_bloom_filter_fpp(ColumnPath::from(id), BLOOM_FALSE_POSITIVES);
        }
    }
    // Each value of these differs from the others: a dictionary would be given up after a megabyte of it.
    for unique in [
        "review_id",
        "title",
        "text",
        "malformed_key",
        "malformed_value",
        "confidence",
        "probability",
        "features.key_value.value",
    ] {
        properties = properties.set_column_dictionary_enabled(path(unique), false);
    }
    // The least and the greatest text tell nobody anything, and stand unprotected in the footer.
    for text in ["title", "text", "malformed_key", "malformed_value"] {
        properties = properties.set_column_statistics_enabled(ColumnPath::from(text), EnabledStatistics::None);
    }
    // These differ little from the ones before.
    for near in ["source_offset", "source_timestamp", "ingested_at", "created_at", "scored_at", "source.offset"] {
        properties = properties
            .set_column_dictionary_enabled(path(near), false)
            .set_column_encoding(path(near), Encoding::DELTA_BINARY_PACKED);
    }
    properties.set_sorting_columns(sorted_by_offset(schema)).build()
}

/// A column by its name, or within another one's.
fn path(name: &str) -> ColumnPath {
    ColumnPath::new(name.split('.').map(str::to_owned).collect())
}

fn sorted_by_offset(schema: &SchemaRef) -> Option<Vec<SortingColumn>> {
    let schema = parquet::arrow::ArrowSchemaConverter::new().convert(schema).ok()?;
    let leaf = schema.columns().iter().position(|column| column.path().string() == "source_offset")?;
    Some(vec![SortingColumn { column_idx: i32::try_from(leaf).ok()?, descending: false, nulls_first: false }])
}
