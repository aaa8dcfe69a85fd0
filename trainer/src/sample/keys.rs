//! What is kept of every row with a text and a label until it is decided which stay: the hash of its text, what orders the
//! copies of one text, its cell and its place.

use feature_store::offline::Place;

/// A row, as far as the decision goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    /// Of the text.
    pub(super) hash: u64,
    /// Epoch milliseconds; rows without a time come last.
    pub(super) time: i64,
    /// Of the columns beside the text.
    pub(super) others: i64,
    pub(super) cell: Cell,
    pub(super) place: Place,
}

/// A class within a stratum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) stratum: u32,
    pub(super) is_positive: bool,
}

impl Cell {
    /// Its place where each stratum has two.
    pub(super) fn index(self) -> usize {
        self.stratum as usize * 2 + usize::from(self.is_positive)
    }

    fn of_index(index: u32) -> Self {
        Self { stratum: index / 2, is_positive: index % 2 == 1 }
    }
}

impl Key {
    /// By text, then by which copy of it stands for all: the earliest, and of those of one time the one with the least hash of
    /// its other columns. The number of a stratum is an accident of the order of rows, so it does not count.
    pub(super) fn order(&self) -> (u64, i64, i64, bool, Place) {
        (self.hash, self.time, self.others, self.cell.is_positive, self.place)
    }

    /// A key as bytes.
    pub(super) const BYTES: usize = 40;

    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.hash.to_le_bytes());
        bytes.extend_from_slice(&self.time.to_le_bytes());
        bytes.extend_from_slice(&self.others.to_le_bytes());
        bytes.extend_from_slice(&(self.cell.index() as u32).to_le_bytes());
        bytes.extend_from_slice(&self.place.input.to_le_bytes());
        bytes.extend_from_slice(&self.place.row.to_le_bytes());
    }

    /// The keys among bytes that were written.
    pub(super) fn read_all(bytes: &[u8]) -> impl ExactSizeIterator<Item = Self> {
        bytes.chunks_exact(Self::BYTES).map(|bytes| {
            let eight = |at: usize| -> [u8; 8] { std::array::from_fn(|i| bytes[at + i]) };
            let four = |at: usize| -> [u8; 4] { std::array::from_fn(|i| bytes[at + i]) };
            Self {
                hash: u64::from_le_bytes(eight(0)),
                time: i64::from_le_bytes(eight(8)),
                others: i64::from_le_bytes(eight(16)),
                cell: Cell::of_index(u32::from_le_bytes(four(24))),
                place: Place { input: u32::from_le_bytes(four(28)), row: u64::from_le_bytes(eight(32)) },
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_their_bytes() {
        let key = |row| Key {
            hash: u64::MAX - row,
            time: -7,
            others: i64::MIN,
            cell: Cell { stratum: 70_000, is_positive: row % 2 == 0 },
            place: Place { input: 3, row },
        };
        let mut bytes = Vec::new();
        (1..4).for_each(|row| key(row).write(&mut bytes));
        assert_eq!(bytes.len(), 3 * Key::BYTES);
        assert_eq!(Key::read_all(&bytes).collect::<Vec<_>>(), [key(1), key(2), key(3)]);
    }
}
