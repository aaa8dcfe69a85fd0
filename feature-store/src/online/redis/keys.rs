//! The keys of a batch, one behind the other: thousands of them, and none has memory of its own.

#[derive(Debug)]
pub(super) struct Keys {
    bytes: Vec<u8>,
    /// By key, where it ends.
    ends: Vec<usize>,
}

/// What a key takes, more or less.
const KEY_BYTES: usize = 64;

impl Keys {
    /// None yet.
    pub(super) fn with_capacity(keys: usize) -> Self {
        Self { bytes: Vec::with_capacity(keys * KEY_BYTES), ends: Vec::with_capacity(keys) }
    }

    /// Adds the key that `append` appends.
    pub(super) fn add(&mut self, append: impl FnOnce(&mut Vec<u8>)) {
        append(&mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, place: usize) -> &[u8] {
        let begin = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[begin..self.ends[place]]
    }
}
