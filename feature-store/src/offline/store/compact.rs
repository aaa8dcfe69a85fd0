//! Small files to large ones, while others write and read.
//!
//! A run of files that follow each other becomes one that covers their range, and then they are removed. In between both are
//! there; a reader takes the one that reaches further. A file is removed only when one file that is longer covers it, so that
//! compactions that run at the same time, or that were killed half-way, never take the last one that holds an offset. A reader
//! that had listed the small ones finds them gone and lists again; one that has them open on a disk reads on.

use super::files::{Created, Listed, PartitionFiles, Store};
use super::part::PartWriter;
use super::{Dataset, Error, Part, SourcePartition, footer, leftovers, schema};
use object_store::path::Path;
use parquet::arrow::parquet_to_arrow_schema;
use schemas::Timestamp;
use serde::Serialize;
use std::ops::Range;
use std::time::Duration;

/// What to compact.
#[derive(Debug, Clone, Copy)]
pub struct CompactOptions {
    /// A file of about so many bytes is large enough, and none is made larger.
    pub target_bytes: u64,
    /// Younger files are left alone. While a file is there, a writer that was slow to notice that its partition has another
    /// owner cannot write its range again; this is longer than any such writer takes.
    pub min_age: Duration,
}

/// What a compaction did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Compacted {
    /// Files that were written.
    pub written: u64,
    /// Files that were removed.
    pub removed: u64,
    /// Bytes that were read,
    pub bytes_before: u64,
    /// and bytes that were written for them.
    pub bytes_after: u64,
    /// Unfinished files of writers that were killed long ago, and were removed.
    pub leftovers: u64,
}

impl Compacted {
    /// Both together.
    pub fn and(self, other: Self) -> Self {
        Self {
            written: self.written + other.written,
            removed: self.removed + other.removed,
            bytes_before: self.bytes_before + other.bytes_before,
            bytes_after: self.bytes_after + other.bytes_after,
            leftovers: self.leftovers + other.leftovers,
        }
    }
}

impl Store {
    /// Compacts a dataset. Ends early, with what was done so far, when `stop` says so.
    pub async fn compact(
        &self,
        dataset: Dataset,
        options: CompactOptions,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Compacted, Error> {
        let mut done = Compacted::default();
        if let Some(folder) = self.path_on_disk(&Path::from(dataset.name())) {
            done.leftovers = leftovers::remove(&folder);
        }
        for files in self.partition_files(dataset, &Path::from(dataset.name())).await? {
            done.removed += self.remove_covered(&files).await?;
            for run in runs(&files, options, Timestamp::now()) {
                if stop() {
                    return Ok(done);
                }
                match self.join(dataset, &files.partition, &run).await {
                    Ok(joined) => done = done.and(joined),
                    // Another compaction was faster.
                    Err(Error::Gone { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(done)
    }

    /// Writes one file in place of these, and removes them. One of them at a time is in memory, and what is written.
    async fn join(&self, dataset: Dataset, partition: &SourcePartition, run: &[Part]) -> Result<Compacted, Error> {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { return Ok(Compacted::default()) };
        let offsets = first.offsets.start..last.offsets.end;
        // Of files that older and newer versions wrote, no column is left out.
        let mut columns = dataset.schema();
        for part in run {
            let (metadata, covered) = footer::read(self, &part.meta).await?;
            if covered.end < part.offsets.end {
                // A compacted file would cover what is missing for good, should it come back.
                tracing::warn!(
                    "leaves the files around {} as they are: it ends before offset {}, and no file holds those before {}; \
                     restore the file that is missing",
                    self.display(&part.meta.location),
                    covered.end,
                    part.offsets.end
                );
                return Ok(Compacted::default());
            }
            let file = metadata.file_metadata();
            let theirs = parquet_to_arrow_schema(file.schema_descr(), file.key_value_metadata()).map_err(|error| {
                let problem = format!("cannot be read as Parquet ({error})");
                Error::Damaged { path: self.display(&part.meta.location), problem }
            })?;
            columns = schema::union([&columns, &theirs.into()]);
        }
        let mut writer = PartWriter::with_columns(dataset, partition.clone(), offsets.start, &columns)?;
        for part in run {
            let mut reader = self.open_part(part).await?;
            while let Some(batch) = reader.next_batch_as(&columns)? {
                writer.write(&batch)?;
            }
        }
        let part = writer.finish_compacted(offsets.end)?;
        let written = match self.create(&part).await? {
            Created::New => 1,
            // The same rows, by another compaction.
            Created::Existed => 0,
        };
        // From here on the file is there for every reader, and those that it covers are not needed.
        let below = partition.folder(dataset);
        let mut removed = 0;
        for files in self.partition_files(dataset, &below).await? {
            removed += self.remove_covered(&files).await?;
        }
        let bytes_before = run.iter().map(Part::size_bytes).sum();
        Ok(Compacted { written, removed, bytes_before, bytes_after: part.size_bytes() as u64, leftovers: 0 })
    }

    async fn remove_covered(&self, files: &PartitionFiles) -> Result<u64, Error> {
        let covered = covered(files);
        for file in &covered {
            self.remove(&file.meta.location).await?;
        }
        Ok(covered.len() as u64)
    }
}

/// The files that one compacted file covers, and that are shorter.
fn covered(files: &PartitionFiles) -> Vec<&Listed> {
    let compacted: Vec<Range<i64>> =
        files.files.iter().filter_map(|file| Some(file.name.first..file.name.next?)).collect();
    let is_covered = |(file, offsets): &(&Listed, &Range<i64>)| {
        compacted.iter().any(|longer| {
            let covers = longer.start <= offsets.start && offsets.end <= longer.end;
            // A file is not covered by itself; one of the same range that was not compacted is.
            covers && (file.name.next.is_none() || longer != *offsets)
        })
    };
    files.files.iter().zip(&files.offsets).filter(is_covered).map(|(file, _)| file).collect()
}

/// Files that follow each other and together make one of the wanted size.
fn runs(files: &PartitionFiles, options: CompactOptions, now: Timestamp) -> Vec<Vec<Part>> {
    let mut runs: Vec<Vec<Part>> = Vec::new();
    let mut run: Vec<Part> = Vec::new();
    let mut run_bytes = 0;
    for part in files.parts() {
        let age_millis = now.epoch_millis() - part.meta.last_modified.timestamp_millis();
        let is_old = u128::try_from(age_millis).is_ok_and(|age| age >= options.min_age.as_millis());
        // What is half as large as wanted is not written again for a small file behind it.
        let is_small = part.size_bytes() < options.target_bytes / 2;
        let follows = run.last().is_none_or(|last| last.offsets.end == part.offsets.start);
        if !is_old || !is_small || !follows || run_bytes + part.size_bytes() > options.target_bytes {
            runs.push(std::mem::take(&mut run));
            run_bytes = 0;
        }
        if is_old && is_small {
            run_bytes += part.size_bytes();
            run.push(part);
        }
    }
    runs.push(run);
    runs.retain(|run| run.len() > 1);
    runs
}
