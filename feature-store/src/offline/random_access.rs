//! Bytes that are read from anywhere and by several threads at a time, which is how Parquet is read.

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// A file that is open: it is the same file though another took its name meanwhile.
#[derive(Debug, Clone)]
pub(crate) struct RandomAccess {
    file: Arc<File>,
}

impl RandomAccess {
    pub(super) fn file(file: File) -> Self {
        Self { file: Arc::new(file) }
    }
}

impl Length for RandomAccess {
    fn len(&self) -> u64 {
        self.file.metadata().map_or(0, |metadata| metadata.len())
    }
}

impl ChunkReader for RandomAccess {
    type T = BufReader<From>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(BufReader::new(From { file: self.file.clone(), next: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        // A damaged footer asks for more than there is: that much memory is not to be had for it.
        if start.saturating_add(length as u64) > self.len() {
            return Err(ParquetError::EOF("it ends before a page that its footer names".to_owned()));
        }
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, start)?;
        Ok(bytes.into())
    }
}

/// Reads on from a place, whatever others read meanwhile.
pub(crate) struct From {
    file: Arc<File>,
    next: u64,
}

impl Read for From {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.next)?;
        self.next += count as u64;
        Ok(count)
    }
}
