//! Several files as one stream of rows. Every file is opened and checked at the start, so that a wrong one is known before
//! the work begins; regular files are then opened again when their turn comes, so that a thousand parts don't hold a
//! thousand descriptors, while pipes stay open because they can be read only once.

use super::fingerprint::Schema;
use super::source::{Content, Source};
use super::{Field, FileError, ReadOptions, Row, SchemaFingerprint};
use super::{csv, json_lines, parquet};
use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A batch holds at most this many rows,
pub(super) const BATCH_ROWS: usize = 1024;
/// and ends with the row that takes its text past this many bytes.
pub(super) const BATCH_TEXT_BYTES: usize = 4 * 1024 * 1024;

/// A stream of rows over files of any mix of formats.
pub struct ReviewFiles {
    options: ReadOptions,
    waiting: VecDeque<Waiting>,
    current: Option<OpenFile>,
    fields: BTreeSet<Field>,
    fingerprint: SchemaFingerprint,
    total_bytes: u64,
    /// Bytes of the files that are done.
    finished_bytes: u64,
}

/// A file whose turn has not come.
struct Waiting {
    file: usize,
    path: PathBuf,
    /// A pipe, held open.
    opened: Option<OpenFile>,
}

/// A file that is open and fits the options.
pub(super) struct OpenFile {
    pub(super) schema: Schema,
    pub(super) fields: BTreeSet<Field>,
    pub(super) size_bytes: u64,
    pub(super) is_regular: bool,
    pub(super) bytes_read: Arc<AtomicU64>,
    pub(super) rows: Box<dyn Rows>,
}

/// What each format does: the next row that meets the conditions.
pub(super) trait Rows: Send {
    fn next_row(&mut self) -> Result<Option<Row>, FileError>;
}

impl ReviewFiles {
    /// Opens files and checks each of them against the options.
    pub fn open(paths: &[PathBuf], options: &ReadOptions) -> Result<Self, FileError> {
        if paths.is_empty() {
            return Err(FileError::NoFiles);
        }
        if let Some([first, second]) = options.columns.mapped_twice() {
            let (field, first, second) = (first.field, first.column.clone(), second.column.clone());
            return Err(FileError::MappedTwice { field, first, second });
        }
        let mut waiting = VecDeque::with_capacity(paths.len());
        let mut schemas = BTreeSet::new();
        let mut fields = BTreeSet::new();
        let mut total_bytes = 0;
        for (file, path) in paths.iter().enumerate() {
            let mut opened = OpenFile::open(file, path, options)?;
            schemas.insert(std::mem::take(&mut opened.schema));
            fields.append(&mut opened.fields);
            total_bytes += opened.size_bytes;
            let opened = (!opened.is_regular).then_some(opened);
            waiting.push_back(Waiting { file, path: path.clone(), opened });
        }
        Ok(Self {
            options: options.clone(),
            waiting,
            current: None,
            fields,
            fingerprint: SchemaFingerprint::of(schemas.iter()),
            total_bytes,
            finished_bytes: 0,
        })
    }

    /// The next rows, at most 1,024 of them and about 4 MiB of text; none at the end.
    pub fn next_batch(&mut self) -> Result<Option<Vec<Row>>, FileError> {
        let mut batch = Vec::new();
        let mut text_bytes = 0;
        while batch.len() < BATCH_ROWS && text_bytes < BATCH_TEXT_BYTES {
            let Some(row) = self.next_row()? else { break };
            text_bytes += [&row.text, &row.title].into_iter().flatten().map(String::len).sum::<usize>();
            batch.push(row);
        }
        Ok((!batch.is_empty()).then_some(batch))
    }

    /// Whether any of the files has a column for a field. Of JSON Lines the first hundred lines count.
    pub fn has_field(&self, field: Field) -> bool {
        self.fields.contains(&field)
    }

    /// The size of all files on disk.
    pub fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// How much of it has been read, for progress: compressed bytes of compressed files, and of Parquet the share of rows.
    pub fn bytes_read(&self) -> u64 {
        let of_current = self.current.as_ref().map_or(0, |file| file.bytes_read.load(Ordering::Relaxed));
        self.finished_bytes + of_current
    }

    /// The identity of the files' columns.
    pub fn fingerprint(&self) -> SchemaFingerprint {
        self.fingerprint.clone()
    }

    fn next_row(&mut self) -> Result<Option<Row>, FileError> {
        loop {
            if let Some(file) = &mut self.current {
                if let Some(row) = file.rows.next_row()? {
                    return Ok(Some(row));
                }
                self.finished_bytes += file.size_bytes;
                self.current = None;
            }
            let Some(next) = self.waiting.pop_front() else { return Ok(None) };
            self.current = Some(match next.opened {
                Some(opened) => opened,
                None => OpenFile::open(next.file, &next.path, &self.options)?,
            });
        }
    }
}

impl OpenFile {
    fn open(file: usize, path: &Path, options: &ReadOptions) -> Result<Self, FileError> {
        let (source, content) = Source::open(path)?;
        match content {
            Content::Parquet(content) => parquet::open(source, content, file, options),
            Content::Csv(text) => csv::open(source, text, file, options),
            Content::JsonLines(text) => json_lines::open(source, text, file, options),
        }
    }
}
