//! Bytes that are read from anywhere and by several threads at a time, which is how Parquet is read.

use super::remote::Object;
use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// A file that is open: on a disk it is the same file though another took its name meanwhile.
#[derive(Debug, Clone)]
pub(crate) struct RandomAccess {
    bytes: Arc<Stored>,
}

#[derive(Debug)]
enum Stored {
    Disk(File),
    Bucket(Object),
}

impl RandomAccess {
    pub(super) fn file(file: File) -> Self {
        Self { bytes: Arc::new(Stored::Disk(file)) }
    }

    pub(super) fn object(object: Object) -> Self {
        Self { bytes: Arc::new(Stored::Bucket(object)) }
    }

    /// Reads from the beginning.
    pub(super) fn reader(&self) -> ReadFrom {
        ReadFrom { bytes: self.bytes.clone(), next: 0 }
    }
}

impl Stored {
    fn len(&self) -> u64 {
        match self {
            Self::Disk(file) => file.metadata().map_or(0, |metadata| metadata.len()),
            Self::Bucket(object) => object.size_bytes,
        }
    }
}

impl Length for RandomAccess {
    fn len(&self) -> u64 {
        self.bytes.len()
    }
}

impl ChunkReader for RandomAccess {
    type T = BufReader<ReadFrom>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(BufReader::new(ReadFrom { bytes: self.bytes.clone(), next: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        // A damaged footer asks for more than there is: that much memory is not to be had for it.
        if start.saturating_add(length as u64) > self.len() {
            return Err(ParquetError::EOF("it ends before a page that its footer names".to_owned()));
        }
        match &*self.bytes {
            Stored::Disk(file) => {
                let mut bytes = vec![0; length];
                file.read_exact_at(&mut bytes, start)?;
                Ok(bytes.into())
            }
            Stored::Bucket(object) => Ok(object.read_at(start, length)?),
        }
    }
}

/// Reads on from a place, whatever others read meanwhile.
pub(crate) struct ReadFrom {
    bytes: Arc<Stored>,
    next: u64,
}

impl From<ReadFrom> for RandomAccess {
    fn from(reader: ReadFrom) -> Self {
        Self { bytes: reader.bytes }
    }
}

impl Read for ReadFrom {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &*self.bytes {
            Stored::Disk(file) => file.read_at(buffer, self.next)?,
            Stored::Bucket(object) => {
                let bytes = object.read_at(self.next, buffer.len())?;
                buffer[..bytes.len()].copy_from_slice(&bytes);
                bytes.len()
            }
        };
        self.next += count as u64;
        Ok(count)
    }
}
