//! Reading: the parts of a dataset without overlaps, and their rows.
//!
//! Whoever has listed parts may find one gone: a compaction has put another in its place. The error says so, and listing
//! again from the offset that was reached gives the rest; rows of one offset are the same in every file.

use super::chain::Link;
use super::files::{PartitionFiles, Store};
use super::{Dataset, Error, SourcePartition, footer, part, schema};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, RecordBatch};
use arrow_schema::SchemaRef;
use futures::{StreamExt, TryStreamExt};
use object_store::ObjectMeta;
use object_store::path::Path;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::ChunkReader;
use parquet::file::statistics::Statistics;
use schemas::Timestamp;
use std::fs::File;
use std::ops::{Range, RangeInclusive};
use std::path::PathBuf;

/// Footers that are read at a time.
const FOOTERS_AT_A_TIME: usize = 16;
/// Rows of a batch.
const BATCH_ROWS: usize = 1024;

/// A file to read, and which of its rows.
#[derive(Debug, Clone)]
pub struct Part {
    /// Where its rows come from.
    pub partition: SourcePartition,
    /// The offsets to read of it; a row of another offset is read of another part.
    pub offsets: Range<i64>,
    pub(super) meta: ObjectMeta,
}

impl Part {
    /// The size of the file.
    pub fn size_bytes(&self) -> u64 {
        self.meta.size
    }
}

/// What a dataset consists of now.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// By partition, and in the order of offsets within each.
    pub parts: Vec<Part>,
    /// Offsets that no file holds, though files before and behind do: somebody has removed files.
    pub gaps: Vec<(SourcePartition, Range<i64>)>,
}

impl Store {
    /// The parts of a dataset, so that each offset is read once.
    pub async fn list(&self, dataset: Dataset) -> Result<Listing, Error> {
        let mut listing = Listing::default();
        for files in self.partition_files(dataset, &Path::from(dataset.name())).await? {
            listing.parts.extend(files.parts());
            for gap in files.chain().gaps {
                self.tell_gap(&files.partition, gap.clone());
                listing.gaps.push((files.partition.clone(), gap));
            }
        }
        Ok(listing)
    }

    /// Those parts among these that may hold rows of this time, by their statistics.
    pub async fn of_time(&self, parts: Vec<Part>, times: RangeInclusive<Timestamp>) -> Result<Vec<Part>, Error> {
        let checked = futures::stream::iter(parts).map(|part| async {
            let (metadata, _) = footer::read(self, &part.meta).await?;
            let may_hold = created_between(&metadata)
                .is_none_or(|found| found.start() <= times.end() && times.start() <= found.end());
            Ok::<_, Error>(may_hold.then_some(part))
        });
        let found: Vec<Option<Part>> = checked.buffered(FOOTERS_AT_A_TIME).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Opens a part. On a disk it is read as it goes; of a bucket it is fetched whole, which takes the memory of one file.
    pub async fn open_part(&self, part: &Part) -> Result<PartReader, Error> {
        let damaged = |error: &dyn std::fmt::Display| Error::Damaged {
            path: self.display(&part.meta.location),
            problem: format!("cannot be read as Parquet ({error})"),
        };
        let (covered, reader) = match self.path_on_disk(&part.meta.location) {
            Some(path) => {
                let file = File::open(&path).map_err(|error| Error::open(path, error))?;
                let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| damaged(&error))?;
                (part::offsets_of(builder.metadata().file_metadata()), builder.with_batch_size(BATCH_ROWS).build())
            }
            None => {
                let bytes = self.read(&part.meta.location).await?;
                let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(|error| damaged(&error))?;
                (part::offsets_of(builder.metadata().file_metadata()), builder.with_batch_size(BATCH_ROWS).build())
            }
        };
        let path = self.display(&part.meta.location);
        // A part that does not name its end was taken to reach up to the next one.
        if let Some(covered) = covered.filter(|covered| covered.end < part.offsets.end) {
            self.tell_gap(&part.partition, covered.end..part.offsets.end);
        }
        Ok(PartReader { reader: reader.map_err(|error| damaged(&error))?, offsets: part.offsets.clone(), path })
    }

    /// The address of a part's file.
    pub fn url_of(&self, part: &Part) -> String {
        self.display(&part.meta.location)
    }

    /// The file of a part, where it is on a disk.
    pub fn path_of(&self, part: &Part) -> Option<PathBuf> {
        self.path_on_disk(&part.meta.location)
    }
}

impl PartitionFiles {
    /// The files to read, in the order of offsets.
    pub(super) fn parts(&self) -> Vec<Part> {
        let links = self.chain().links;
        let part = |(i, link): (usize, &Link)| {
            let end = self.offsets[link.part].end;
            // Where two parts overlap, the second is read from where the first ends.
            let offsets = link.from..links.get(i + 1).map_or(end, |next| end.min(next.from));
            Part { partition: self.partition.clone(), offsets, meta: self.files[link.part].meta.clone() }
        };
        links.iter().enumerate().map(part).collect()
    }
}

/// The rows of a part, in batches.
pub struct PartReader {
    reader: ParquetRecordBatchReader,
    offsets: Range<i64>,
    path: String,
}

impl PartReader {
    /// The columns of the file, which may lack some of the dataset's.
    pub fn schema(&self) -> SchemaRef {
        arrow_array::RecordBatchReader::schema(&self.reader)
    }

    /// The next rows; none at the end.
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>, Error> {
        let damaged = |problem: String| Error::Damaged { path: self.path.clone(), problem };
        loop {
            let Some(batch) = self.reader.next() else { return Ok(None) };
            let batch = batch.map_err(|error| damaged(format!("cannot be read as Parquet ({error})")))?;
            let rows = rows_of(&batch, &self.offsets)
                .ok_or_else(|| damaged("has no column source_offset of whole numbers".to_owned()))?;
            if !rows.is_empty() {
                return Ok(Some(batch.slice(rows.start, rows.len())));
            }
        }
    }

    /// The same with these columns and no others: one that the file lacks is null.
    pub fn next_batch_as(&mut self, columns: &SchemaRef) -> Result<Option<RecordBatch>, Error> {
        let Some(batch) = self.next_batch()? else { return Ok(None) };
        let adapted = schema::adapt(&batch, columns);
        adapted.map(Some).map_err(|problem| Error::Damaged { path: self.path.clone(), problem })
    }
}

/// The rows of these offsets: rows of a file are in their order.
fn rows_of(batch: &RecordBatch, offsets: &Range<i64>) -> Option<Range<usize>> {
    let column = batch.column_by_name("source_offset")?.as_primitive_opt::<Int64Type>()?;
    if column.null_count() > 0 {
        return None;
    }
    let values = column.values();
    let start = values.partition_point(|offset| *offset < offsets.start);
    Some(start..values.partition_point(|offset| *offset < offsets.end).max(start))
}

/// The rows of a part that have these offsets; none when all have.
pub(in crate::offline) fn rows_of_offsets(
    file: &(impl ChunkReader + Clone + 'static),
    offsets: &Range<i64>,
) -> parquet::errors::Result<Option<Range<usize>>> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file.clone())?;
    let covered = part::offsets_of(builder.metadata().file_metadata());
    if covered.is_none_or(|covered| offsets.start <= covered.start && covered.end <= offsets.end) {
        return Ok(None);
    }
    let mask = ProjectionMask::columns(builder.parquet_schema(), ["source_offset"]);
    let (mut start, mut end) = (0, 0);
    for batch in builder.with_projection(mask).build()? {
        let batch = batch?;
        let rows = rows_of(&batch, offsets)
            .ok_or_else(|| ParquetError::General("it has no column source_offset of whole numbers".to_owned()))?;
        // Rows before those wanted, and then those as far as they go.
        start += rows.start;
        end += rows.end;
    }
    Ok(Some(start..end))
}

/// The least and the greatest `created_at`; none where the file does not say.
fn created_between(metadata: &ParquetMetaData) -> Option<RangeInclusive<Timestamp>> {
    let leaf = metadata
        .file_metadata()
        .schema_descr()
        .columns()
        .iter()
        .position(|column| column.path().string() == "created_at")?;
    let mut found: Option<(i64, i64)> = None;
    for group in metadata.row_groups() {
        let Some(Statistics::Int64(statistics)) = group.column(leaf).statistics() else { return None };
        // A group of nothing but nulls has neither.
        let Some((least, greatest)) = statistics.min_opt().zip(statistics.max_opt()) else { continue };
        let (least, greatest) = (*least, *greatest);
        found = Some(found.map_or((least, greatest), |(low, high)| (low.min(least), high.max(greatest))));
    }
    let (least, greatest) = found?;
    Some(Timestamp::from_epoch_millis(least)?..=Timestamp::from_epoch_millis(greatest)?)
}
