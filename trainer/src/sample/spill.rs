//! Bytes in shards: in memory up to a limit, beyond it in a file that has no name any more, so that the system removes it with
//! the process, however that ends.

use super::SampleError;
use feature_store::offline::{TemporaryError, temporary_file};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Where and how much.
#[derive(Debug, Clone)]
pub(super) struct SpillSettings {
    /// The folder of the file.
    pub(super) folder: PathBuf,
    /// Bytes that may stay in memory.
    pub(super) memory_bytes: usize,
    /// A thread collects so many bytes of a shard before it hands them over.
    pub(super) block_bytes: usize,
}

/// Records by shard.
pub(super) struct Shards {
    settings: SpillSettings,
    shards: Vec<Mutex<Shard>>,
    in_memory: AtomicUsize,
    file: Mutex<Option<std::sync::Arc<File>>>,
    end: AtomicU64,
}

#[derive(Default)]
struct Shard {
    blocks: Vec<Vec<u8>>,
    /// Offset and length of each block in the file.
    extents: Vec<(u64, usize)>,
}

impl Shards {
    pub(super) fn new(count: usize, settings: SpillSettings) -> Self {
        Self {
            settings,
            shards: (0..count).map(|_| Mutex::default()).collect(),
            in_memory: AtomicUsize::new(0),
            file: Mutex::new(None),
            end: AtomicU64::new(0),
        }
    }

    /// A writer for one thread.
    pub(super) fn appender(&self) -> Appender<'_> {
        Appender { shards: self, open: vec![Vec::new(); self.shards.len()] }
    }

    /// How many shards there are.
    pub(super) fn len(&self) -> usize {
        self.shards.len()
    }

    /// How many bytes went to disk.
    pub(super) fn spilled_bytes(&self) -> u64 {
        self.end.load(Ordering::Relaxed)
    }

    /// The bytes of a shard, in no order of their blocks.
    pub(super) fn read(&self, shard: usize) -> Result<Vec<u8>, SampleError> {
        let shard = self.shard(shard);
        let length = shard.blocks.iter().map(Vec::len).chain(shard.extents.iter().map(|extent| extent.1)).sum();
        let mut bytes = Vec::with_capacity(length);
        for block in &shard.blocks {
            bytes.extend_from_slice(block);
        }
        for (offset, length) in &shard.extents {
            let start = bytes.len();
            bytes.resize(start + length, 0);
            self.file()?.read_exact_at(&mut bytes[start..], *offset).map_err(|error| self.error(error))?;
        }
        Ok(bytes)
    }

    /// Forgets a shard, which frees its memory.
    pub(super) fn clear(&self, shard: usize) {
        let shard = std::mem::take(&mut *self.shard(shard));
        let freed = shard.blocks.iter().map(Vec::capacity).sum();
        self.in_memory.fetch_sub(freed, Ordering::Relaxed);
    }

    fn add(&self, shard: usize, block: Vec<u8>) -> Result<(), SampleError> {
        let size = block.capacity();
        if self.in_memory.fetch_add(size, Ordering::Relaxed) + size <= self.settings.memory_bytes {
            self.shard(shard).blocks.push(block);
            return Ok(());
        }
        self.in_memory.fetch_sub(size, Ordering::Relaxed);
        let offset = self.end.fetch_add(block.len() as u64, Ordering::Relaxed);
        self.file()?.write_all_at(&block, offset).map_err(|error| self.error(error))?;
        self.shard(shard).extents.push((offset, block.len()));
        Ok(())
    }

    /// The file, made when it is needed first.
    fn file(&self) -> Result<std::sync::Arc<File>, SampleError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &*file {
            return Ok(file.clone());
        }
        let made = std::sync::Arc::new(temporary_file(&self.settings.folder)?);
        Ok(file.insert(made).clone())
    }

    fn shard(&self, shard: usize) -> MutexGuard<'_, Shard> {
        self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, source: io::Error) -> SampleError {
        TemporaryError::new(&self.settings.folder, source).into()
    }
}

/// Collects one thread's records, and hands them over block by block.
pub(super) struct Appender<'s> {
    shards: &'s Shards,
    open: Vec<Vec<u8>>,
}

impl Appender<'_> {
    /// Adds a record, which `write` appends to the bytes that it is given.
    pub(super) fn push(&mut self, shard: usize, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), SampleError> {
        let block = &mut self.open[shard];
        if block.capacity() == 0 {
            block.reserve_exact(self.shards.settings.block_bytes);
        }
        write(block);
        // The next record of the same size would have to move the block.
        if block.len() + block.len() / 8 >= self.shards.settings.block_bytes {
            self.shards.add(shard, std::mem::take(block))?;
        }
        Ok(())
    }

    /// Hands over what is left.
    pub(super) fn finish(self) -> Result<(), SampleError> {
        for (shard, block) in self.open.into_iter().enumerate() {
            if !block.is_empty() {
                self.shards.add(shard, block)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_memory_does_not_hold_comes_back_from_disk_and_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let settings = SpillSettings { folder: folder.path().to_owned(), memory_bytes: 16 << 10, block_bytes: 1 << 10 };
        let shards = Shards::new(3, settings);
        let mut appender = shards.appender();
        for number in 0..9000u64 {
            appender.push((number % 3) as usize, |block| block.extend(number.to_le_bytes())).unwrap();
        }
        appender.finish().unwrap();
        assert!(shards.spilled_bytes() > 50_000);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let numbers = |shard| {
            let bytes: Vec<u8> = shards.read(shard).unwrap();
            let mut numbers: Vec<u64> =
                bytes.chunks(8).map(|bytes| u64::from_le_bytes(bytes.try_into().unwrap())).collect();
            numbers.sort_unstable();
            numbers
        };
        assert_eq!(numbers(1), (0..3000).map(|number| number * 3 + 1).collect::<Vec<_>>());
        shards.clear(1);
        assert!(numbers(1).is_empty());
        assert_eq!(numbers(2).len(), 3000);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_named() {
        let settings = SpillSettings { folder: PathBuf::from("/nowhere/at/all"), memory_bytes: 0, block_bytes: 64 };
        let shards = Shards::new(1, settings);
        let mut appender = shards.appender();
        appender.push(0, |block| block.extend([0; 8])).unwrap();
        let error = appender.finish().unwrap_err().to_string();
        assert!(error.contains("/nowhere/at/all") && error.contains("--temp-dir"), "{error}");
    }
}
