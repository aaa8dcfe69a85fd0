//! Files of any mix of formats, read on several threads: each takes the next row group of Parquet, or the next file of a text
//! format, and shows its rows by reference. Rows come in no order, each with its place.

use super::fingerprint::Schema;
use super::parquet::{Group, ParquetFile};
use super::reader::{Listed, Listing, OpenFile};
use super::selection::Selection;
use super::source::{Content, Source};
use super::stored::StoredFile;
use super::{Field, FileError, ReadOptions, RowRef, SchemaFingerprint, csv, json_lines};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Files that are known and fit the options.
pub struct Scan {
    options: ReadOptions,
    inputs: Vec<Input>,
    fields: BTreeSet<Field>,
    fingerprint: SchemaFingerprint,
    total_bytes: u64,
}

/// A file: one of the paths that were given, or a part of a folder among them.
struct Input {
    /// The place of its path among those that were given.
    file: usize,
    path: PathBuf,
    /// Where it is a part of the written store.
    stored: Option<StoredFile>,
    pieces: Pieces,
    size_bytes: u64,
}

enum Pieces {
    /// Of Parquet: its row groups.
    Groups(Vec<Group>),
    /// Of text: all of it.
    Whole,
}

/// Where a row of a scan stands: the place of its input, and its number in that from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The input's place.
    pub input: u32,
    /// The row's number.
    pub row: u64,
}

/// How far a scan is, and the wish that it end: shared with whoever shows the one and has the other.
#[derive(Debug, Default)]
pub struct ScanProgress {
    rows: AtomicU64,
    bytes: AtomicU64,
    stopped: AtomicBool,
}

impl ScanProgress {
    /// Rows seen, and bytes of the files that are done.
    pub fn now(&self) -> (u64, u64) {
        (self.rows.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }

    /// Asks the scan to end soon.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked to end.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// A further pass over the same files.
    pub fn begin_again(&self) {
        self.rows.store(0, Ordering::Relaxed);
        self.bytes.store(0, Ordering::Relaxed);
    }
}

/// Which rows a pass reads, and on how many threads.
#[derive(Clone, Copy)]
pub struct Passage<'a> {
    /// Threads at most.
    pub threads: usize,
    /// Only these rows; none for all.
    pub selection: Option<&'a Selection>,
    /// Told as it goes on.
    pub progress: &'a ScanProgress,
}

impl Scan {
    /// Opens every file and checks it against the options. What can be read only once is refused, for a scan may have to
    /// read twice.
    pub fn open(paths: &[PathBuf], options: &ReadOptions) -> Result<Self, FileError> {
        if let Some([first, second]) = options.columns.mapped_twice() {
            let (field, first, second) = (first.field, first.column.clone(), second.column.clone());
            return Err(FileError::MappedTwice { field, first, second });
        }
        let mut scan = Self {
            options: options.clone(),
            inputs: Vec::new(),
            fields: BTreeSet::new(),
            fingerprint: SchemaFingerprint::of([].iter()),
            total_bytes: 0,
        };
        let mut schemas: BTreeSet<Schema> = BTreeSet::new();
        for Listed { file, path, stored } in Listing::of(paths)?.files {
            let mut input = Input { file, path, stored, pieces: Pieces::Whole, size_bytes: 0 };
            let schema = match input.open(options)? {
                Opened::Parquet(file) => {
                    scan.fields.extend(file.plan.fields());
                    input.size_bytes = file.source.size_bytes;
                    input.pieces = Pieces::Groups(file.groups);
                    file.schema
                }
                Opened::Text(file) => {
                    if !file.is_regular {
                        return Err(FileError::ReadOnce { path: input.path });
                    }
                    scan.fields.extend(file.fields);
                    input.size_bytes = file.size_bytes;
                    file.schema
                }
            };
            schemas.insert(schema);
            scan.total_bytes += input.size_bytes;
            scan.inputs.push(input);
        }
        scan.fingerprint = SchemaFingerprint::of(schemas.iter());
        Ok(scan)
    }

    /// The paths of the inputs: files as they were given, parts of a folder one by one.
    pub fn inputs(&self) -> impl ExactSizeIterator<Item = &Path> {
        self.inputs.iter().map(|input| input.path.as_path())
    }

    /// Whether any of the files has a column for a field.
    pub fn has_field(&self, field: Field) -> bool {
        self.fields.contains(&field)
    }

    /// The size of all files.
    pub fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// The identity of the files' columns.
    pub fn fingerprint(&self) -> &SchemaFingerprint {
        &self.fingerprint
    }

    /// Shows every row to `each`; `make` makes what one thread works on, and the threads' works are returned. The first error
    /// ends all.
    pub fn run<W: Send, E: From<FileError> + Send>(
        &self,
        passage: Passage<'_>,
        make: impl Fn() -> W + Sync,
        each: impl Fn(&mut W, Place, RowRef<'_>) -> Result<(), E> + Sync,
    ) -> Result<Vec<W>, E> {
        let pieces = self.pieces(passage.selection);
        let next = AtomicUsize::new(0);
        let ended = AtomicBool::new(false);
        let works = Mutex::new(Vec::new());
        let work = || {
            let mut work = make();
            let mut open = None;
            let mut untold = 0;
            while !ended.load(Ordering::Relaxed) {
                let Some(piece) = pieces.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
                let outcome = self.read(piece, passage, &mut open, &mut |place, row| {
                    untold += 1;
                    if untold == 1024 {
                        passage.progress.rows.fetch_add(std::mem::take(&mut untold), Ordering::Relaxed);
                        if passage.progress.is_stopped() {
                            return Err(FileError::Stopped.into());
                        }
                    }
                    each(&mut work, place, row)
                });
                if let Err(error) = outcome {
                    ended.store(true, Ordering::Relaxed);
                    return Err(error);
                }
                passage.progress.bytes.fetch_add(piece.size_bytes, Ordering::Relaxed);
            }
            passage.progress.rows.fetch_add(untold, Ordering::Relaxed);
            works.lock().unwrap_or_else(PoisonError::into_inner).push(work);
            Ok(())
        };
        std::thread::scope(|scope| {
            let threads = passage.threads.min(pieces.len());
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
            let mut outcome = work();
            for other in others {
                outcome = outcome.and(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            outcome
        })?;
        Ok(works.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn pieces(&self, selection: Option<&Selection>) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for (place, input) in self.inputs.iter().enumerate() {
            match &input.pieces {
                Pieces::Whole => pieces.push(Piece { input: place, group: None, size_bytes: input.size_bytes }),
                Pieces::Groups(groups) => {
                    let rows: u64 = groups.iter().map(|group| group.rows as u64).sum();
                    let is_wanted = |group: &&Group| {
                        selection.is_none_or(|selection| selection.has_any(place, group.first, group.rows))
                    };
                    pieces.extend(groups.iter().filter(is_wanted).map(|group| Piece {
                        input: place,
                        group: Some(*group),
                        size_bytes: input.size_bytes * group.rows as u64 / rows.max(1),
                    }));
                }
            }
        }
        pieces
    }

    /// Reads a piece. A thread's pieces of one file come one behind the other: `open` keeps its footer.
    fn read<E: From<FileError>>(
        &self,
        piece: &Piece,
        passage: Passage<'_>,
        open: &mut Option<(usize, Box<ParquetFile>)>,
        each: &mut dyn FnMut(Place, RowRef<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let input = u32::try_from(piece.input).unwrap_or(u32::MAX);
        let Some(group) = piece.group else {
            let Opened::Text(mut file) = self.inputs[piece.input].open(&self.options)? else {
                return Err(self.changed(piece.input).into());
            };
            let mut outcome = Ok(());
            while file.rows.next(&mut |row| {
                let place = Place { input, row: row.position.row };
                if passage.selection.is_none_or(|selection| selection.has(place)) {
                    outcome = each(place, row);
                }
            })? {
                std::mem::replace(&mut outcome, Ok(()))?;
            }
            return Ok(());
        };
        if open.as_ref().is_none_or(|(place, _)| *place != piece.input) {
            *open = None;
            match self.inputs[piece.input].open(&self.options)? {
                Opened::Parquet(file) => *open = Some((piece.input, file)),
                Opened::Text(_) => return Err(self.changed(piece.input).into()),
            }
        }
        let Some((_, file)) = open else { return Ok(()) };
        if !file.groups.contains(&group) {
            return Err(self.changed(piece.input).into());
        }
        let selected = passage.selection.map(|selection| selection.of_group(piece.input, group));
        let (rows, selection) = selected.unzip();
        let mut reader = file.reader(group, selection)?;
        let mut seen = 0;
        while let Some(columns) = file.next_batch(&mut reader)? {
            for in_batch in 0..columns.rows {
                let before = match &rows {
                    Some(rows) => rows[seen],
                    None => group.first + seen as u64,
                };
                seen += 1;
                let row = file.plan.row(before + 1, |column| columns.cell(column, in_batch));
                if let Some(row) = row {
                    each(Place { input, row: before + 1 }, row)?;
                }
            }
        }
        Ok(())
    }

    fn changed(&self, input: usize) -> FileError {
        FileError::Changed { path: self.inputs[input].path.clone() }
    }
}

impl Input {
    fn open(&self, options: &ReadOptions) -> Result<Opened, FileError> {
        let (source, content) = Source::open(&self.path)?;
        Ok(match content {
            Content::Parquet(content) => {
                let offsets = self.stored.as_ref().map(|part| &part.offsets);
                Opened::Parquet(Box::new(ParquetFile::open(source, content, self.file, options, offsets)?))
            }
            Content::Csv(text) => Opened::Text(csv::open(source, text, self.file, options)?),
            Content::JsonLines(text) => Opened::Text(json_lines::open(source, text, self.file, options)?),
        })
    }
}

enum Opened {
    Parquet(Box<ParquetFile>),
    Text(OpenFile),
}

/// What a thread takes at a time.
struct Piece {
    input: usize,
    /// None for a file of text.
    group: Option<Group>,
    size_bytes: u64,
}
