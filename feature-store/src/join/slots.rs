//! The rows of one shard that are to be joined, and for each the latest feature row strictly before it. Feature rows may
//! come in any order and any number, since one that comes costs no memory: it goes to the first row of its entity that is
//! later, if it beats what stands there; at the end each row that has none takes over that of the row before.

use super::key::{Key, SHARDS};

/// A row to be joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Wanted {
    pub(super) key: Key,
    /// Epoch milliseconds.
    pub(super) time: i64,
    pub(super) row: u64,
}

/// A feature row's place in time; of two at one time the later one in the files wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// Epoch milliseconds.
    pub(super) time: i64,
    /// Its number among all feature rows.
    pub(super) number: u64,
}

/// Below every rank.
const NOTHING: Rank = Rank { time: i64::MIN, number: 0 };

impl Rank {
    pub(super) const BYTES: usize = 16;

    pub(super) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&self.time.to_le_bytes());
        bytes[8..].copy_from_slice(&self.number.to_le_bytes());
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let part = |at: usize| std::array::from_fn(|i| bytes[at + i]);
        Self { time: i64::from_le_bytes(part(0)), number: u64::from_le_bytes(part(8)) }
    }
}

impl Wanted {
    pub(super) const BYTES: usize = 32;

    /// As bytes that are ordered as rows are.
    pub(super) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..16].copy_from_slice(&self.key.to_be_bytes());
        // The sign's bit flipped puts moments before 1970 first.
        bytes[16..24].copy_from_slice(&(self.time.cast_unsigned() ^ 1 << 63).to_be_bytes());
        bytes[24..].copy_from_slice(&self.row.to_be_bytes());
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let word = |at: usize| u64::from_be_bytes(std::array::from_fn(|i| bytes[at + i]));
        Self {
            key: Key::from_be_bytes(std::array::from_fn(|i| bytes[i])),
            time: (word(16) ^ 1 << 63).cast_signed(),
            row: word(24),
        }
    }

    /// All records of a block.
    pub(super) fn all(block: &[u8]) -> impl Iterator<Item = Self> {
        block.as_chunks::<{ Self::BYTES }>().0.iter().map(Self::from_bytes)
    }
}

/// The rows of a shard, ordered by entity and time.
pub(super) struct Slots {
    /// Where the keys begin whose bits behind the shard's are at least so and so.
    directory: Vec<u32>,
    directory_shift: u32,
    keys: Vec<Key>,
    /// Where the rows of each key begin, and where the last ones end.
    starts: Vec<u32>,
    times: Vec<i64>,
    rows: Vec<u64>,
    found: Vec<Rank>,
    /// What each found row holds, `payload_bytes` each.
    payloads: Vec<u8>,
    payload_bytes: usize,
}

impl Slots {
    /// What a row costs at most while it is here.
    pub(super) fn bytes_per_row(payload_bytes: usize) -> usize {
        const OWN: usize = size_of::<i64>() + size_of::<u64>() + size_of::<Rank>();
        const OF_KEY: usize = size_of::<Key>() + 3 * size_of::<u32>();
        OWN + OF_KEY + payload_bytes
    }

    /// Orders rows; fewer than 2^32 of them.
    pub(super) fn new(mut wanted: Vec<Wanted>, payload_bytes: usize) -> Self {
        wanted.sort_unstable();
        let (mut keys, mut starts) = (Vec::new(), Vec::new());
        for (place, row) in wanted.iter().enumerate() {
            if keys.last() != Some(&row.key) {
                keys.push(row.key);
                starts.push(place as u32);
            }
        }
        starts.push(wanted.len() as u32);
        let bits = keys.len().max(1).ilog2();
        let directory_shift = Key::BITS - SHARDS.ilog2() - bits;
        let mut slots = Self {
            directory: Vec::with_capacity((1 << bits) + 1),
            directory_shift,
            times: wanted.iter().map(|row| row.time).collect(),
            rows: wanted.iter().map(|row| row.row).collect(),
            found: vec![NOTHING; wanted.len()],
            payloads: vec![0; wanted.len() * payload_bytes],
            payload_bytes,
            keys,
            starts,
        };
        slots.directory.push(0);
        for bucket in 1..=(1usize << bits) {
            let before = slots.directory[bucket - 1] as usize;
            let count = slots.keys[before..].partition_point(|key| slots.bucket(*key) < bucket);
            slots.directory.push((before + count) as u32);
        }
        slots
    }

    fn bucket(&self, key: Key) -> usize {
        const WITHIN_SHARD: Key = Key::MAX >> SHARDS.ilog2();
        ((key & WITHIN_SHARD) >> self.directory_shift) as usize
    }

    /// Offers a feature row to the rows that it may concern.
    pub(super) fn offer(&mut self, key: Key, rank: Rank, payload: &[u8]) {
        let bucket = self.bucket(key);
        let near = self.directory[bucket] as usize..self.directory[bucket + 1] as usize;
        let Some(place) = self.keys[near.clone()].iter().position(|known| *known == key) else { return };
        let place = near.start + place;
        let (start, end) = (self.starts[place] as usize, self.starts[place + 1] as usize);
        // Strictly before: a row does not see what happens at its own time.
        let slot = start + self.times[start..end].partition_point(|time| *time <= rank.time);
        if slot < end && self.found[slot] < rank {
            self.found[slot] = rank;
            self.payloads[slot * self.payload_bytes..][..self.payload_bytes].copy_from_slice(payload);
        }
    }

    /// Calls with every row, the time between it and what it found, and what that holds; none where there is nothing.
    pub(super) fn finish<E>(self, mut each: impl FnMut(u64, Option<(i64, &[u8])>) -> Result<(), E>) -> Result<(), E> {
        for ends in self.starts.windows(2) {
            let mut latest = None;
            for slot in ends[0] as usize..ends[1] as usize {
                if self.found[slot] > NOTHING {
                    latest = Some(slot);
                }
                let found = latest.map(|latest| {
                    let age = self.times[slot].saturating_sub(self.found[latest].time);
                    (age, &self.payloads[latest * self.payload_bytes..][..self.payload_bytes])
                });
                each(self.rows[slot], found)?;
            }
        }
        Ok(())
    }
}
