//! A path to bytes: what stands there, decompressed where it must be, counted as it is read, and the one place where the
//! operating system's and the decoders' errors get the file's name.

use super::FileError;
use super::format::{self, Compression, Format};
use super::random_access::{RandomAccess, ReadFrom};
use super::remote::{self, Object};
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A file, known for what it is.
pub(crate) struct Source {
    pub(super) path: PathBuf,
    compression: Option<Compression>,
    /// The size on disk; 0 for a pipe.
    pub(super) size_bytes: u64,
    /// Whether the path can be opened again from its beginning.
    pub(crate) is_regular: bool,
    /// How many bytes on disk have been read.
    pub(super) bytes_read: Arc<AtomicU64>,
}

/// How its bytes are reached: Parquet at random, the text formats from beginning to end.
pub(crate) enum Content {
    Parquet(RandomAccess),
    Csv(TextReader),
    JsonLines(TextReader),
}

/// Decompressed text.
pub(crate) type TextReader = Box<dyn BufRead + Send>;

/// Large enough that system calls don't count, small enough for a reader per file.
const BUFFER_BYTES: usize = 128 * 1024;

impl Source {
    /// Opens a file and finds out what it is.
    pub(crate) fn open(path: &Path) -> Result<(Self, Content), FileError> {
        let bytes_read = Arc::new(AtomicU64::new(0));
        let (bytes, size_bytes, is_regular) = Raw::open(path)?;
        let mut raw = BufReader::with_capacity(BUFFER_BYTES, Counted { bytes, bytes_read: bytes_read.clone() });
        let (format_of_name, compression_of_name) = format::of_name(path);

        let head = raw.fill_buf().map_err(|error| system_error(path, error))?;
        if head.is_empty() {
            return Err(FileError::Empty { path: path.to_owned() });
        }
        let is_parquet = match (format_of_name, compression_of_name) {
            (Some(format), None) => format == Format::Parquet,
            _ => head.starts_with(b"PAR1"),
        };
        let compression = if is_parquet { None } else { compression_of_name.or_else(|| Compression::of_content(head)) };
        let source = Self { path: path.to_owned(), compression, size_bytes, is_regular, bytes_read };
        if is_parquet {
            let bytes = match raw.into_inner().bytes {
                Raw::Disk(file) => RandomAccess::file(file),
                Raw::Bucket(bytes) => bytes.into(),
            };
            return Ok((source, Content::Parquet(bytes)));
        }

        let mut text: TextReader = match compression {
            None => Box::new(raw),
            Some(Compression::Gzip) => Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(raw))),
            Some(Compression::Zstd) => {
                let decoder = zstd::stream::read::Decoder::with_buffer(raw).map_err(|error| source.error(error))?;
                Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder))
            }
        };
        let head = text.fill_buf().map_err(|error| source.error(error))?;
        if head.is_empty() {
            return Err(FileError::Empty { path: path.to_owned() });
        }
        if format::is_utf16(head) {
            return Err(FileError::Utf16 { path: path.to_owned() });
        }
        if compression.is_none() && format::is_parquet_after_all(head) {
            return Err(FileError::MisnamedParquet { path: path.to_owned() });
        }
        match format_of_name.or_else(|| Format::of_content(head)) {
            Some(Format::Csv) => Ok((source, Content::Csv(text))),
            Some(Format::JsonLines) => Ok((source, Content::JsonLines(text))),
            Some(Format::Parquet) => Err(FileError::CompressedParquet {
                path: path.to_owned(),
                compression: compression.map_or("another format", Compression::name),
            }),
            None => Err(FileError::UnknownFormat { path: path.to_owned() }),
        }
    }

    /// An error while reading text. A decoder's errors carry no code of the operating system.
    pub(super) fn error(&self, error: io::Error) -> FileError {
        let Some(compression) = self.compression.filter(|_| error.raw_os_error().is_none()) else {
            return system_error(&self.path, error);
        };
        let reason = match error.kind() {
            io::ErrorKind::UnexpectedEof => "the file is cut off".to_owned(),
            _ => error.to_string(),
        };
        self.damaged(compression.name(), reason)
    }

    /// An error while reading Parquet.
    pub(super) fn parquet_error(&self, error: impl ToString) -> FileError {
        self.damaged("Parquet", error.to_string())
    }

    fn damaged(&self, format: &'static str, reason: String) -> FileError {
        FileError::Damaged { path: self.path.clone(), format, reason }
    }
}

fn system_error(path: &Path, source: io::Error) -> FileError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound => FileError::NotFound { path },
        io::ErrorKind::PermissionDenied => FileError::PermissionDenied { path },
        io::ErrorKind::IsADirectory => FileError::Folder { path },
        _ => FileError::Io { path, source },
    }
}

/// A file as it stands, read from its beginning.
enum Raw {
    Disk(File),
    Bucket(ReadFrom),
}

impl Raw {
    /// The file, its size, and whether it can be opened again from its beginning.
    fn open(path: &Path) -> Result<(Self, u64, bool), FileError> {
        if remote::is_address(path) {
            let object = Object::open(path)?;
            let size_bytes = object.size_bytes;
            return Ok((Self::Bucket(RandomAccess::object(object).reader()), size_bytes, true));
        }
        let metadata = std::fs::metadata(path).map_err(|error| system_error(path, error))?;
        if metadata.is_dir() {
            return Err(FileError::Folder { path: path.to_owned() });
        }
        let file = File::open(path).map_err(|error| system_error(path, error))?;
        Ok((Self::Disk(file), metadata.len(), metadata.is_file()))
    }
}

impl Read for Raw {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Disk(file) => file.read(buffer),
            Self::Bucket(bytes) => bytes.read(buffer),
        }
    }
}

/// A file's bytes as they stand.
pub(crate) fn raw_bytes(path: &Path) -> Result<impl Read, FileError> {
    Raw::open(path).map(|(bytes, ..)| bytes)
}

/// Counts the bytes that leave disk or bucket, for progress.
struct Counted {
    bytes: Raw,
    bytes_read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        self.bytes_read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
