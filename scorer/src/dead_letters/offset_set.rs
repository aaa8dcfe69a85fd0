//! Offsets of one partition, a bit each: a topic of any size takes less than half a byte of memory per letter.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// A set of offsets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct OffsetSet {
    /// By offset / 64.
    words: BTreeMap<i64, u64>,
}

impl OffsetSet {
    pub(super) fn insert(&mut self, offset: i64) {
        *self.words.entry(offset >> 6).or_default() |= 1 << (offset & 63);
    }

    pub(super) fn insert_range(&mut self, range: RangeInclusive<i64>) {
        let (first, last) = range.into_inner();
        if first > last {
            return;
        }
        for word in (first >> 6)..=(last >> 6) {
            let from = if word == first >> 6 { first & 63 } else { 0 };
            let to = if word == last >> 6 { last & 63 } else { 63 };
            *self.words.entry(word).or_default() |= (u64::MAX << from) & (u64::MAX >> (63 - to));
        }
    }

    pub(super) fn contains(&self, offset: i64) -> bool {
        self.words.get(&(offset >> 6)).is_some_and(|word| word >> (offset & 63) & 1 == 1)
    }

    /// Takes out what `other` holds; answers how many that were.
    pub(super) fn subtract(&mut self, other: &Self) -> u64 {
        let mut removed = 0;
        self.words.retain(|word, bits| {
            let common = *bits & other.words.get(word).copied().unwrap_or_default();
            removed += u64::from(common.count_ones());
            *bits &= !common;
            *bits != 0
        });
        removed
    }

    /// The first and the last offset.
    pub(super) fn bounds(&self) -> Option<(i64, i64)> {
        let (first, low) = self.words.first_key_value()?;
        let (last, high) = self.words.last_key_value()?;
        Some(((first << 6) + i64::from(low.trailing_zeros()), (last << 6) + 63 - i64::from(high.leading_zeros())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(offsets: impl IntoIterator<Item = i64>) -> OffsetSet {
        let mut set = OffsetSet::default();
        offsets.into_iter().for_each(|offset| set.insert(offset));
        set
    }

    #[test]
    fn a_range_is_the_same_as_its_offsets_one_by_one() {
        for (first, last) in [(0, 0), (0, 63), (63, 64), (5, 200), (64, 127), (100, 99)] {
            let mut range = OffsetSet::default();
            range.insert_range(first..=last);
            assert_eq!(range, set(first..=last), "{first} to {last}");
            assert!(!range.contains(first - 1) && !range.contains(last.max(first) + 1));
        }
    }

    #[test]
    fn what_is_taken_out_is_counted_and_gone() {
        let mut offsets = set([1, 2, 3, 70, 500]);
        assert_eq!(offsets.subtract(&set([2, 70, 71])), 2);
        assert_eq!(offsets, set([1, 3, 500]));
        assert_eq!(offsets.bounds(), Some((1, 500)));
        offsets.subtract(&set([1, 3, 500]));
        assert_eq!(offsets.bounds(), None);
    }
}
