//! Entities as numbers: an id of any length becomes 128 bits, so that what is kept and spilled per row has one width. Two
//! of a billion ids share a number once in 10^20 joins; the seed is drawn anew for each join, so nobody can choose ids that do.

use crate::online::is_id;
use std::hash::{BuildHasher, RandomState};
use twox_hash::XxHash3_128;

/// Rows are spread over so many shards by the first bits of their key.
pub(super) const SHARDS: usize = 256;

/// An entity's number.
pub(super) type Key = u128;

/// Makes keys of ids.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keys {
    seed: u64,
}

impl Keys {
    /// Keys that no other join has.
    pub(super) fn new() -> Self {
        Self { seed: RandomState::new().hash_one(0u8) }
    }

    /// The key of an id; none of a blank one, which names nobody.
    pub(super) fn of(self, id: &str) -> Option<Key> {
        is_id(id).then(|| XxHash3_128::oneshot_with_seed(self.seed, id.as_bytes()))
    }
}

/// The shard that a key belongs to.
pub(super) fn shard_of(key: Key) -> usize {
    (key >> (Key::BITS - SHARDS.ilog2())) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_id_has_one_key_within_a_join_and_blank_ids_have_none() {
        let keys = Keys::new();
        assert_eq!(keys.of("p1"), keys.of("p1"));
        assert_ne!(keys.of("p1"), keys.of("p2"));
        assert_eq!((keys.of(""), keys.of(" ")), (None, None));
        assert_eq!((shard_of(0), shard_of(Key::MAX)), (0, SHARDS - 1));
    }
}
