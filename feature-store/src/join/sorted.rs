//! The records of a partition in the order of their bytes: sorted in memory where they fit, else as sorted runs in a
//! nameless file that are merged as they are read, so that an entity with most of the rows costs no more than others.

use super::JoinError;
use super::budget::Budget;
use super::input::Reading;
use super::spill::{Partitions, SpillSettings};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

/// Records of a width in order.
pub(super) enum Sorted<const W: usize> {
    Memory(std::vec::IntoIter<[u8; W]>),
    Runs { runs: Vec<Run<W>>, heads: BinaryHeap<Reverse<([u8; W], usize)>> },
}

/// A sorted part of the records, read block by block.
pub(super) struct Run<const W: usize> {
    store: Arc<Partitions>,
    part: usize,
    next_block: usize,
    block: std::vec::IntoIter<[u8; W]>,
}

/// Sorts a partition within so much memory, and clears it.
pub(super) fn sort<const W: usize>(
    partitions: &Partitions,
    part: usize,
    memory_bytes: usize,
    budget: &Budget,
    reading: Reading<'_>,
) -> Result<Sorted<W>, JoinError> {
    let capacity = (memory_bytes / W).max(1);
    let count = partitions.records(part);
    let mut records: Vec<[u8; W]> = Vec::with_capacity(capacity.min(count as usize));
    if count <= capacity as u64 {
        partitions.read(part, |block| {
            records.extend_from_slice(block.as_chunks::<W>().0);
            reading.progress.advance(0)
        })?;
        partitions.clear(part);
        records.sort_unstable();
        return Ok(Sorted::Memory(records.into_iter()));
    }
    let run_count = count.div_ceil(capacity as u64) as usize;
    // While runs are merged, a block of each is in memory.
    let block_bytes = (memory_bytes / run_count).clamp(W, 1 << 18);
    let settings = SpillSettings { memory_bytes: 0, block_bytes, ..budget.history_spill() };
    let store = Partitions::new(run_count, W, settings);
    let mut run = 0;
    let mut write = |records: &mut Vec<[u8; W]>| {
        records.sort_unstable();
        let mut appender = store.appender();
        for record in records.drain(..) {
            appender.push(run, &[&record])?;
        }
        run += 1;
        appender.finish()
    };
    partitions.read(part, |block| {
        for record in block.as_chunks::<W>().0 {
            records.push(*record);
            if records.len() == capacity {
                write(&mut records)?;
            }
        }
        reading.progress.advance(0)
    })?;
    if !records.is_empty() {
        write(&mut records)?;
    }
    drop(records);
    partitions.clear(part);
    Sorted::merge(Arc::new(store), run_count)
}

impl<const W: usize> Sorted<W> {
    fn merge(store: Arc<Partitions>, count: usize) -> Result<Self, JoinError> {
        let mut runs: Vec<Run<W>> = (0..count)
            .map(|part| Run { store: store.clone(), part, next_block: 0, block: Vec::new().into_iter() })
            .collect();
        let mut heads = BinaryHeap::with_capacity(count);
        for (place, run) in runs.iter_mut().enumerate() {
            heads.extend(run.next()?.map(|record| Reverse((record, place))));
        }
        Ok(Self::Runs { runs, heads })
    }

    /// The next record.
    pub(super) fn next(&mut self) -> Result<Option<[u8; W]>, JoinError> {
        match self {
            Self::Memory(records) => Ok(records.next()),
            Self::Runs { runs, heads } => {
                let Some(Reverse((record, place))) = heads.pop() else { return Ok(None) };
                heads.extend(runs[place].next()?.map(|record| Reverse((record, place))));
                Ok(Some(record))
            }
        }
    }
}

impl<const W: usize> Run<W> {
    fn next(&mut self) -> Result<Option<[u8; W]>, JoinError> {
        if let Some(record) = self.block.next() {
            return Ok(Some(record));
        }
        let block = self.store.stored_block(self.part, self.next_block)?;
        self.next_block += 1;
        self.block = block.as_chunks::<W>().0.to_vec().into_iter();
        Ok(self.block.next())
    }
}
