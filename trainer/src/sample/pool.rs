//! The rows that may become the sample, by class and by the range of the hash of their text.

use super::SampleError;
use super::hash::shard_of;
use super::keys::Key;
use super::record;
use super::spill::{Appender, Shards, SpillSettings};
use feature_store::offline::RowRef;
use std::sync::atomic::{AtomicU64, Ordering};

/// Rows of both classes.
pub(super) struct Pool {
    classes: [Shards; 2],
    bytes: AtomicU64,
}

/// Adds one thread's rows.
pub(super) struct PoolAppender<'p> {
    pool: &'p Pool,
    classes: [Appender<'p>; 2],
}

impl Pool {
    pub(super) fn new(shards: usize, settings: SpillSettings) -> Self {
        let settings = SpillSettings { memory_bytes: settings.memory_bytes / 2, ..settings };
        Self { classes: std::array::from_fn(|_| Shards::new(shards, settings.clone())), bytes: AtomicU64::new(0) }
    }

    pub(super) fn appender(&self) -> PoolAppender<'_> {
        PoolAppender { pool: self, classes: self.classes.each_ref().map(Shards::appender) }
    }

    /// How many bytes of rows have been added, those forgotten included.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    #[cfg(test)]
    pub(super) fn add_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// How many bytes went to disk.
    pub(super) fn spilled_bytes(&self) -> u64 {
        self.classes.iter().map(Shards::spilled_bytes).sum()
    }

    /// Forgets rows of a class in the shards above that of a hash.
    pub(super) fn forget_above(&self, is_positive: bool, hash: u64) {
        let shards = &self.classes[usize::from(is_positive)];
        (shard_of(hash, shards.len()) + 1..shards.len()).for_each(|shard| shards.clear(shard));
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        for shards in &self.classes {
            (0..shards.len()).for_each(|shard| shards.clear(shard));
        }
    }

    /// How many shards there are.
    pub(super) fn shards(&self) -> usize {
        self.classes[0].len()
    }

    /// The rows of a shard, which is forgotten.
    pub(super) fn take(&self, shard: usize) -> Result<[Vec<u8>; 2], SampleError> {
        let [negative, positive] = &self.classes;
        let rows = [negative.read(shard)?, positive.read(shard)?];
        self.classes.iter().for_each(|shards| shards.clear(shard));
        Ok(rows)
    }
}

impl PoolAppender<'_> {
    /// Adds a row.
    pub(super) fn push(&mut self, key: &Key, row: &RowRef<'_>) -> Result<(), SampleError> {
        let class = usize::from(key.cell.is_positive);
        let shard = shard_of(key.hash, self.pool.shards());
        let mut added = 0;
        self.classes[class].push(shard, |bytes| {
            let before = bytes.len();
            record::write(key, row, bytes);
            added = bytes.len() - before;
        })?;
        self.pool.bytes.fetch_add(added as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Hands over what is left.
    pub(super) fn finish(self) -> Result<(), SampleError> {
        self.classes.into_iter().try_for_each(Appender::finish)
    }
}
