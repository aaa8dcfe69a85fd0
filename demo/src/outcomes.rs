//! Exactly once, counted: every offset of `reviews` must have one outcome, a prediction or a dead letter. Outcomes come
//! nearly in order, so what is remembered is a prefix and the few offsets beyond it.

use std::collections::{BTreeMap, BTreeSet};

/// Which offsets of each partition have an outcome.
#[derive(Debug, Default)]
pub(crate) struct Outcomes {
    partitions: BTreeMap<i32, Partition>,
    duplicates: u64,
}

#[derive(Debug, Default)]
struct Partition {
    /// All offsets below have an outcome.
    complete_below: i64,
    beyond: BTreeSet<i64>,
}

impl Outcomes {
    /// Notes the outcome of a record; false when it already had one.
    pub(crate) fn record(&mut self, partition: i32, offset: i64) -> bool {
        let partition = self.partitions.entry(partition).or_default();
        let is_first = offset >= partition.complete_below && partition.beyond.insert(offset);
        if !is_first {
            self.duplicates += 1;
            return false;
        }
        while partition.beyond.remove(&partition.complete_below) {
            partition.complete_below += 1;
        }
        true
    }

    /// Records with more than one outcome, each further one counted.
    pub(crate) fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Records without an outcome, given how many each partition holds.
    pub(crate) fn missing(&self, end_offsets: &BTreeMap<i32, i64>) -> u64 {
        let missing = |(partition, end): (&i32, &i64)| {
            let seen = self.partitions.get(partition).map_or(0, |partition| {
                partition.complete_below.min(*end) + partition.beyond.range(..*end).count() as i64
            });
            u64::try_from(end - seen).unwrap_or_default()
        };
        end_offsets.iter().map(missing).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_offset_once_is_complete() {
        let mut outcomes = Outcomes::default();
        for offset in [1, 0, 3, 2] {
            assert!(outcomes.record(0, offset));
        }
        assert_eq!(outcomes.missing(&[(0, 4)].into()), 0);
        assert_eq!(outcomes.duplicates(), 0);
        assert!(outcomes.partitions[&0].beyond.is_empty());
    }

    #[test]
    fn gaps_are_missing_and_repeats_are_duplicates() {
        let mut outcomes = Outcomes::default();
        for offset in [0, 1, 1, 4, 4, 0] {
            outcomes.record(0, offset);
        }
        assert_eq!(outcomes.duplicates(), 3);
        assert_eq!(outcomes.missing(&[(0, 5), (1, 2)].into()), 2 + 2);
    }

    #[test]
    fn partitions_are_counted_apart() {
        let mut outcomes = Outcomes::default();
        assert!(outcomes.record(0, 0));
        assert!(outcomes.record(1, 0));
    }
}
