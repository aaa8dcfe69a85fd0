//! Records of one width in many partitions: in memory up to a limit, beyond it in a file that has no name any more, so that
//! the system removes it with the process, however that ends.

use super::JoinError;
use crate::offline::{TemporaryError, temporary_file};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// Where and how much.
#[derive(Debug, Clone)]
pub(super) struct SpillSettings {
    /// The folder of the file.
    pub(super) folder: PathBuf,
    /// Bytes that may stay in memory.
    pub(super) memory_bytes: usize,
    /// A thread collects so many bytes of a partition before they are handed over.
    pub(super) block_bytes: usize,
}

/// Records of one width, by partition.
pub(super) struct Partitions {
    settings: SpillSettings,
    width: usize,
    parts: Vec<Mutex<Part>>,
    in_memory: AtomicUsize,
    file: OnceLock<File>,
    /// Serializes the making of the file.
    making: Mutex<()>,
    end: AtomicU64,
}

#[derive(Default)]
struct Part {
    blocks: Vec<Vec<u8>>,
    /// Offset and length of each block in the file.
    extents: Vec<(u64, usize)>,
    bytes: u64,
}

impl Partitions {
    /// Empty partitions.
    pub(super) fn new(count: usize, width: usize, settings: SpillSettings) -> Self {
        Self {
            settings,
            width,
            parts: (0..count).map(|_| Mutex::default()).collect(),
            in_memory: AtomicUsize::new(0),
            file: OnceLock::new(),
            making: Mutex::new(()),
            end: AtomicU64::new(0),
        }
    }

    /// A writer for one thread.
    pub(super) fn appender(&self) -> Appender<'_> {
        Appender { partitions: self, blocks: Blocks::new(self.parts.len(), self.width, &self.settings) }
    }

    /// How many records a partition holds.
    pub(super) fn records(&self, part: usize) -> u64 {
        self.part(part).bytes / self.width as u64
    }

    /// How many records there are.
    pub(super) fn total(&self) -> u64 {
        (0..self.parts.len()).map(|part| self.records(part)).sum()
    }

    /// How many bytes went to disk.
    pub(super) fn spilled_bytes(&self) -> u64 {
        self.end.load(Ordering::Relaxed)
    }

    /// Calls with every block of a partition, each a whole number of records.
    pub(super) fn read(
        &self,
        part: usize,
        mut each: impl FnMut(&[u8]) -> Result<(), JoinError>,
    ) -> Result<(), JoinError> {
        let part = self.part(part);
        for block in &part.blocks {
            each(block)?;
        }
        let mut buffer = Vec::new();
        for (offset, length) in &part.extents {
            buffer.resize(*length, 0);
            self.stored()?.read_exact_at(&mut buffer, *offset).map_err(|error| self.error(error))?;
            each(&buffer)?;
        }
        Ok(())
    }

    /// One of the blocks of a partition that memory did not hold, in the order in which they came; empty behind the last.
    pub(super) fn stored_block(&self, part: usize, block: usize) -> Result<Vec<u8>, JoinError> {
        let Some((offset, length)) = self.part(part).extents.get(block).copied() else { return Ok(Vec::new()) };
        let mut buffer = vec![0; length];
        self.stored()?.read_exact_at(&mut buffer, offset).map_err(|error| self.error(error))?;
        Ok(buffer)
    }

    /// Forgets a partition's records, which frees their memory.
    pub(super) fn clear(&self, part: usize) {
        let part = std::mem::take(&mut *self.part(part));
        let freed = part.blocks.iter().map(Vec::capacity).sum();
        self.in_memory.fetch_sub(freed, Ordering::Relaxed);
    }

    fn add(&self, part: usize, block: Vec<u8>) -> Result<(), JoinError> {
        let size = block.capacity();
        if self.in_memory.fetch_add(size, Ordering::Relaxed) + size <= self.settings.memory_bytes {
            let mut part = self.part(part);
            part.bytes += block.len() as u64;
            part.blocks.push(block);
            return Ok(());
        }
        self.in_memory.fetch_sub(size, Ordering::Relaxed);
        let offset = self.end.fetch_add(block.len() as u64, Ordering::Relaxed);
        self.file()?.write_all_at(&block, offset).map_err(|error| self.error(error))?;
        let mut part = self.part(part);
        part.bytes += block.len() as u64;
        part.extents.push((offset, block.len()));
        Ok(())
    }

    /// The file, made when it is needed first.
    fn file(&self) -> Result<&File, JoinError> {
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if self.file.get().is_none() {
            let file = temporary_file(&self.settings.folder)?;
            return Ok(self.file.get_or_init(|| file));
        }
        self.stored()
    }

    /// The file that blocks were written to.
    fn stored(&self) -> Result<&File, JoinError> {
        self.file.get().ok_or_else(|| self.error(io::Error::other("the temporary file is missing")))
    }

    fn part(&self, part: usize) -> MutexGuard<'_, Part> {
        self.parts[part].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, source: io::Error) -> JoinError {
        TemporaryError::new(&self.settings.folder, source).into()
    }
}

/// Records of one thread, collected by partition until they make a block.
pub(super) struct Blocks {
    open: Vec<Vec<u8>>,
    /// A block with no room for another record is full.
    full_bytes: usize,
}

impl Blocks {
    /// Empty blocks of records of a width.
    pub(super) fn new(partitions: usize, width: usize, settings: &SpillSettings) -> Self {
        Self { open: vec![Vec::new(); partitions], full_bytes: settings.block_bytes.saturating_sub(width) }
    }

    /// Adds a record, given in pieces; the block that it fills, for the caller to empty.
    pub(super) fn push(&mut self, part: usize, pieces: &[&[u8]]) -> Option<&mut Vec<u8>> {
        let block = &mut self.open[part];
        for piece in pieces {
            block.extend_from_slice(piece);
        }
        (block.len() > self.full_bytes).then_some(block)
    }

    /// What is left.
    pub(super) fn rest(self) -> impl Iterator<Item = (usize, Vec<u8>)> {
        self.open.into_iter().enumerate().filter(|(_, block)| !block.is_empty())
    }
}

/// Hands one thread's records over.
pub(super) struct Appender<'a> {
    partitions: &'a Partitions,
    blocks: Blocks,
}

impl Appender<'_> {
    /// Adds a record, given in pieces.
    pub(super) fn push(&mut self, part: usize, pieces: &[&[u8]]) -> Result<(), JoinError> {
        match self.blocks.push(part, pieces) {
            Some(full) => self.partitions.add(part, std::mem::take(full)),
            None => Ok(()),
        }
    }

    /// Hands over what is left.
    pub(super) fn finish(self) -> Result<(), JoinError> {
        for (part, mut block) in self.blocks.rest() {
            block.shrink_to_fit();
            self.partitions.add(part, block)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(partitions: &Partitions, part: usize) -> Vec<u64> {
        let mut found = Vec::new();
        partitions
            .read(part, |block| {
                found.extend(block.chunks_exact(8).map(|record| u64::from_le_bytes(record.try_into().unwrap())));
                Ok(())
            })
            .unwrap();
        found.sort_unstable();
        found
    }

    #[test]
    fn what_memory_does_not_hold_comes_back_from_the_file_and_no_name_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let settings = SpillSettings { folder: folder.path().to_owned(), memory_bytes: 10_000, block_bytes: 1024 };
        let partitions = Partitions::new(3, 8, settings);
        let mut appender = partitions.appender();
        for number in 0..9000u64 {
            appender.push((number % 3) as usize, &[&number.to_le_bytes()]).unwrap();
        }
        appender.finish().unwrap();
        assert!(partitions.spilled_bytes() > 50_000);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert_eq!(partitions.total(), 9000);
        assert_eq!(read_all(&partitions, 1), (0..3000).map(|number| number * 3 + 1).collect::<Vec<_>>());
        partitions.clear(1);
        assert_eq!(partitions.records(1), 0);
        assert_eq!(read_all(&partitions, 2).len(), 3000);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_named() {
        let settings = SpillSettings { folder: PathBuf::from("/nowhere/at/all"), memory_bytes: 0, block_bytes: 64 };
        let partitions = Partitions::new(1, 8, settings);
        let mut appender = partitions.appender();
        appender.push(0, &[&[0; 8]]).unwrap();
        let error = appender.finish().unwrap_err().to_string();
        assert!(error.contains("/nowhere/at/all") && error.contains("--temp-dir"), "{error}");
    }
}
