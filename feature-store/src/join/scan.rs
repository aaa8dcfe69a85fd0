//! Parquet files read on all cores: each thread takes the next row group, whichever file it is in.

use super::{JoinError, JoinProgress};
use crate::offline::FileError;
use crate::offline::random_access::RandomAccess;
use crate::offline::source::{Content, Source};
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Small enough for the caches, large enough that a batch costs nothing by itself.
const BATCH_ROWS: usize = 8192;

/// A Parquet file whose footer was read.
#[derive(Debug, Clone)]
pub(super) struct ParquetFile {
    pub(super) path: PathBuf,
    pub(super) metadata: ArrowReaderMetadata,
    /// The number of its first row among all rows of all files.
    pub(super) first_row: u64,
}

/// Some rows of a file.
pub(super) struct Rows<'a> {
    pub(super) file: usize,
    /// The number of the first among all rows of all files.
    pub(super) first_row: u64,
    pub(super) batch: &'a RecordBatch,
}

impl ParquetFile {
    /// Opens files, and numbers their rows.
    pub(super) fn open_all(paths: &[PathBuf]) -> Result<Vec<Self>, JoinError> {
        let mut first_row = 0;
        let mut files = Vec::with_capacity(paths.len());
        for path in paths {
            let content = open(path)?;
            let metadata = ArrowReaderMetadata::load(&content, ArrowReaderOptions::new());
            let metadata = metadata.map_err(|error| damaged(path, &error))?;
            let file = Self { path: path.clone(), metadata, first_row };
            let of_groups: u64 =
                (0..file.metadata.metadata().num_row_groups()).map(|group| file.group_rows(group)).sum();
            if of_groups != file.rows() {
                return Err(file.error(format!("its footer counts {} rows, its row groups {of_groups}", file.rows())));
            }
            first_row += of_groups;
            files.push(file);
        }
        Ok(files)
    }

    /// The columns.
    pub(super) fn schema(&self) -> &SchemaRef {
        self.metadata.schema()
    }

    /// The place of a column.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        self.schema().fields().iter().position(|field| field.name() == name)
    }

    /// The names of the columns, for messages.
    pub(super) fn columns(&self) -> String {
        let names: Vec<&str> = self.schema().fields().iter().map(|field| field.name().as_str()).collect();
        names.join(", ")
    }

    /// How many rows it has.
    pub(super) fn rows(&self) -> u64 {
        u64::try_from(self.metadata.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// How many rows a row group has.
    pub(super) fn group_rows(&self, group: usize) -> u64 {
        u64::try_from(self.metadata.metadata().row_group(group).num_rows()).unwrap_or(0)
    }

    /// A reader of one row group with a set of columns, which it gives in the file's order.
    pub(super) fn reader(
        &self,
        group: usize,
        columns: &[usize],
    ) -> Result<ParquetRecordBatchReaderBuilder<RandomAccess>, JoinError> {
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(self.content()?, self.metadata.clone());
        let mask = ProjectionMask::roots(builder.parquet_schema(), columns.iter().copied());
        Ok(builder.with_row_groups(vec![group]).with_projection(mask).with_batch_size(BATCH_ROWS))
    }

    /// Its bytes. Opened for each use: there may be more files than a process may have open.
    pub(super) fn content(&self) -> Result<RandomAccess, JoinError> {
        open(&self.path)
    }

    pub(super) fn error(&self, error: impl ToString) -> JoinError {
        damaged(&self.path, &error)
    }
}

/// Reads the columns of all files, which `columns` names for each of them, and calls `each` with every batch; the columns
/// of a batch are in the order of the file. `make` makes what one thread works on, and the threads' works are returned.
pub(super) fn scan<W: Send>(
    files: &[ParquetFile],
    columns: &[Vec<usize>],
    threads: usize,
    progress: &JoinProgress,
    make: impl Fn() -> W + Sync,
    each: impl Fn(&mut W, Rows<'_>) -> Result<(), JoinError> + Sync,
) -> Result<Vec<W>, JoinError> {
    let mut groups = Vec::new();
    for (place, file) in files.iter().enumerate() {
        let mut first_row = file.first_row;
        for group in 0..file.metadata.metadata().num_row_groups() {
            groups.push((place, group, first_row));
            first_row += file.group_rows(group);
        }
    }
    in_parallel(threads.min(groups.len()), groups.len(), make, |work, taken| {
        let (file, group, mut first_row) = groups[taken];
        let end = first_row + files[file].group_rows(group);
        let reader = files[file].reader(group, &columns[file])?.build();
        for batch in reader.map_err(|error| files[file].error(error))? {
            let batch = batch.map_err(|error| files[file].error(error))?;
            let next = first_row + batch.num_rows() as u64;
            // Rows beyond would have the numbers of others.
            if next > end {
                return Err(files[file].error(format!("row group {group} has more rows than it counts")));
            }
            progress.advance(batch.num_rows())?;
            each(work, Rows { file, first_row, batch: &batch })?;
            first_row = next;
        }
        Ok(())
    })
}

/// Does `count` pieces of work on several threads; the first error ends all. At least one thread's work is returned.
pub(super) fn in_parallel<W: Send>(
    threads: usize,
    count: usize,
    make: impl Fn() -> W + Sync,
    each: impl Fn(&mut W, usize) -> Result<(), JoinError> + Sync,
) -> Result<Vec<W>, JoinError> {
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let works = Mutex::new(Vec::new());
    let work = || {
        let mut work = make();
        while !failed.load(Ordering::Relaxed) {
            let taken = next.fetch_add(1, Ordering::Relaxed);
            if taken >= count {
                break;
            }
            if let Err(error) = each(&mut work, taken) {
                failed.store(true, Ordering::Relaxed);
                return Err(error);
            }
        }
        works.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(work);
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (1..threads.max(1)).map(|_| scope.spawn(work)).collect();
        let mut outcome = work();
        for thread in threads {
            let of_thread = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            outcome = outcome.and(of_thread);
        }
        outcome
    })?;
    Ok(works.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
}

fn open(path: &Path) -> Result<RandomAccess, JoinError> {
    match Source::open(path)? {
        (source, _) if !source.is_regular => Err(JoinError::NotRegular { path: path.to_owned() }),
        (_, Content::Parquet(content)) => Ok(content),
        _ => Err(JoinError::NotParquet { path: path.to_owned() }),
    }
}

fn damaged(path: &Path, error: &impl ToString) -> JoinError {
    FileError::Damaged { path: path.to_owned(), format: "Parquet", reason: error.to_string() }.into()
}
