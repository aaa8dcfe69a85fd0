//! The hash that decides which texts stay, and the one that orders copies of a text: both are Spark's `xxhash64`, so that every
//! engine decides alike.

use std::borrow::Cow;
use twox_hash::XxHash64;

/// Spark's seed.
const SEED: u64 = 42;

/// XXH64 of the text's UTF-8 with seed 42, as Spark's `xxhash64(text)`.
pub(super) fn of_text(text: &str) -> u64 {
    XxHash64::oneshot(SEED, text.as_bytes())
}

/// As Spark's `xxhash64(a, b, ..)`: each hash is the seed of the next, and what is absent leaves it as it is.
pub(super) fn of_columns<'a>(columns: impl IntoIterator<Item = &'a Option<Cow<'a, str>>>) -> u64 {
    columns.into_iter().flatten().fold(SEED, |seed, text| XxHash64::oneshot(seed, text.as_bytes()))
}

/// The shard that a hash belongs to, of so many: shards are in the order of hashes.
pub(super) fn shard_of(hash: u64, shards: usize) -> usize {
    ((u128::from(hash) * shards as u128) >> 64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From 0 up to, not including, 1.
    fn unit(hash: u64) -> f64 {
        (hash >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    #[test]
    fn the_hashes_are_those_of_other_engines() {
        // Python: (xxhash.xxh64_intdigest(text.encode(), seed=42) >> 11) * 2.0**-53
        assert_eq!(unit(of_text("")), 0.5964560608931317);
        assert_eq!(unit(of_text("ดีมาก")), 0.79372780265965);
        let columns = |texts: [Option<&'static str>; 3]| of_columns(&texts.map(|text| text.map(Cow::Borrowed)));
        assert_eq!(columns([Some("a fine film"), None, None]), of_text("a fine film"));
        assert_eq!(columns([None, None, None]), 42);
        assert_ne!(columns([Some("a"), Some("b"), None]), columns([Some("b"), Some("a"), None]));
    }

    #[test]
    fn shards_are_in_the_order_of_hashes() {
        assert_eq!(shard_of(0, 7), 0);
        assert_eq!(shard_of(u64::MAX, 7), 6);
        assert_eq!(shard_of(1 << 63, 256), 128);
    }
}
