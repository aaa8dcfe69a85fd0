//! Several files as one stream of rows. Every file is opened and checked at the start, so that a wrong one is known before
//! the work begins; regular files are then opened again when their turn comes, so that a thousand parts don't hold a
//! thousand descriptors, while pipes stay open because they can be read only once.

use super::fingerprint::Schema;
use super::parquet::ParquetFile;
use super::remote;
use super::source::{Content, Source};
use super::stored::{self, StoredFile};
use super::{Field, FileError, ReadOptions, Row, RowRef, SchemaFingerprint};
use super::{csv, json_lines};
use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
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
    samples: Vec<(PathBuf, Option<String>)>,
    total_bytes: u64,
    /// Bytes of the files that are done.
    finished_bytes: u64,
}

/// What paths stand for at one moment: files as they are, folders of the written store as their parts, and of a bucket's address the
/// files below it. Each time that one listing is opened it gives the same rows, whatever is written to the store meanwhile.
#[derive(Debug, Clone)]
pub struct Listing {
    pub(super) files: Vec<Listed>,
}

/// A file of a listing.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    /// Which of the paths it comes of.
    pub(super) file: usize,
    pub(super) path: PathBuf,
    /// Where it is a part of the written store.
    pub(super) stored: Option<StoredFile>,
}

/// A file whose turn has not come.
struct Waiting {
    listed: Listed,
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
    /// What the file says of how it was sampled.
    pub(super) sample: Option<String>,
    pub(super) rows: Box<dyn Rows>,
}

/// What each format does: it shows the next row that meets the conditions, and answers whether there was one.
pub(super) trait Rows: Send {
    fn next(&mut self, show: &mut dyn FnMut(RowRef<'_>)) -> Result<bool, FileError>;
}

impl ReviewFiles {
    /// Opens files and checks each of them against the options.
    pub fn open(paths: &[PathBuf], options: &ReadOptions) -> Result<Self, FileError> {
        Self::open_listed(&Listing::of(paths)?, options)
    }

    /// The same of what was listed before.
    pub fn open_listed(listing: &Listing, options: &ReadOptions) -> Result<Self, FileError> {
        if let Some([first, second]) = options.columns.mapped_twice() {
            let (field, first, second) = (first.field, first.column.clone(), second.column.clone());
            return Err(FileError::MappedTwice { field, first, second });
        }
        let mut unchecked: VecDeque<Listed> = listing.files.iter().cloned().collect();
        let mut waiting = VecDeque::with_capacity(unchecked.len());
        let mut schemas = BTreeSet::new();
        let mut fields = BTreeSet::new();
        let mut samples = Vec::new();
        let mut total_bytes = 0;
        while let Some(next) = unchecked.pop_front() {
            let mut opened = match OpenFile::open(&next, options) {
                Err(FileError::NotFound { .. }) if next.stored.is_some() => {
                    unchecked = in_place_of(next, unchecked)?;
                    continue;
                }
                opened => opened?,
            };
            schemas.insert(std::mem::take(&mut opened.schema));
            fields.append(&mut opened.fields);
            total_bytes += opened.size_bytes;
            samples.push((next.path.clone(), opened.sample.take()));
            let opened = (!opened.is_regular).then_some(opened);
            waiting.push_back(Waiting { listed: next, opened });
        }
        Ok(Self {
            options: options.clone(),
            waiting,
            current: None,
            fields,
            fingerprint: SchemaFingerprint::of(schemas.iter()),
            samples,
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

    /// Each file, with what it says of how it was sampled (the value of the key `plaudit.sample` in a Parquet footer).
    pub fn samples(&self) -> &[(PathBuf, Option<String>)] {
        &self.samples
    }

    fn next_row(&mut self) -> Result<Option<Row>, FileError> {
        loop {
            if let Some(file) = &mut self.current {
                let mut row = None;
                if file.rows.next(&mut |found| row = Some(found.into()))? {
                    return Ok(row);
                }
                self.finished_bytes += file.size_bytes;
                self.current = None;
            }
            let Some(mut next) = self.waiting.pop_front() else { return Ok(None) };
            let opened = next.opened.take().map_or_else(|| OpenFile::open(&next.listed, &self.options), Ok);
            self.current = match (opened, &next.listed.stored) {
                (Ok(opened), _) => Some(opened),
                (Err(FileError::NotFound { .. }), Some(_)) => {
                    // What comes of a folder of the store holds nothing open.
                    let (same, others): (VecDeque<_>, VecDeque<_>) =
                        self.waiting.drain(..).partition(|waiting| waiting.listed.file == next.listed.file);
                    let same = same.into_iter().map(|waiting| waiting.listed).collect();
                    let found = in_place_of(next.listed, same)?;
                    self.waiting = found.into_iter().map(|listed| Waiting { listed, opened: None }).collect();
                    self.waiting.extend(others);
                    None
                }
                (Err(error), _) => return Err(error),
            };
        }
    }
}

/// A compaction has put another file in the place of one that is gone: what of the same folder is still to be read is looked up anew.
fn in_place_of(gone: Listed, waiting: VecDeque<Listed>) -> Result<VecDeque<Listed>, FileError> {
    let file = gone.file;
    let (same, others): (VecDeque<_>, VecDeque<_>) =
        std::iter::once(gone).chain(waiting).partition(|next| next.file == file);
    let wanted: Vec<StoredFile> = same.into_iter().filter_map(|next| next.stored).collect();
    let found = stored::files_in_place_of(&wanted)?.into_iter().map(|found| Listed::stored(file, found));
    Ok(found.chain(others).collect())
}

impl Listed {
    fn stored(file: usize, stored: StoredFile) -> Self {
        Self { file, path: stored.path.clone(), stored: Some(stored) }
    }
}

impl Listing {
    /// What paths stand for now.
    pub fn of(paths: &[PathBuf]) -> Result<Self, FileError> {
        if paths.is_empty() {
            return Err(FileError::NoFiles);
        }
        let mut files = Vec::with_capacity(paths.len());
        for (file, path) in paths.iter().enumerate() {
            match stored::files_of(path)? {
                Some(parts) => files.extend(parts.into_iter().map(|part| Listed::stored(file, part))),
                None if remote::is_address(path) => {
                    let below = remote::files_of(path)?;
                    files.extend(below.into_iter().map(|path| Listed { file, path, stored: None }));
                }
                None => files.push(Listed { file, path: path.clone(), stored: None }),
            }
        }
        Ok(Self { files })
    }
}

impl OpenFile {
    fn open(next: &Listed, options: &ReadOptions) -> Result<Self, FileError> {
        let file = next.file;
        let (source, content) = Source::open(&next.path)?;
        match content {
            Content::Parquet(content) => {
                let offsets = next.stored.as_ref().map(|part| &part.offsets);
                ParquetFile::open(source, content, file, options, offsets).map(ParquetFile::into_open_file)
            }
            Content::Csv(text) => csv::open(source, text, file, options),
            Content::JsonLines(text) => json_lines::open(source, text, file, options),
        }
    }
}
