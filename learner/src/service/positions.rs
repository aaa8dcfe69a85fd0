//! How far the three topics were read, and the rounds in which that happened.

use schemas::ModelVersion;
use serde::{Deserialize, Serialize};

/// The topics that a learner reads. Of records of the same time those of an earlier topic come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Reviews,
    Predictions,
    Feedback,
}

impl Source {
    pub(super) const ALL: [Self; 3] = [Self::Reviews, Self::Predictions, Self::Feedback];
}

/// The next offset of each partition, by topic.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Positions(pub(super) [Vec<i64>; 3]);

impl Positions {
    pub(super) fn of(&self, source: Source) -> &[i64] {
        &self.0[source as usize]
    }

    pub(super) fn of_mut(&mut self, source: Source) -> &mut Vec<i64> {
        &mut self.0[source as usize]
    }

    /// With as many partitions as another has, new ones at their beginning.
    pub(super) fn widen(&mut self, other: &Self) {
        for (own, other) in self.0.iter_mut().zip(&other.0) {
            own.resize(own.len().max(other.len()), 0);
        }
    }

    /// How far it is from an earlier one, and back: small numbers, as which a journal is short.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        self.zip(earlier, |own, earlier| own - earlier)
    }

    pub(super) fn behind(&self, earlier: &Self) -> Self {
        self.zip(earlier, |own, earlier| own + earlier)
    }

    fn zip(&self, other: &Self, number: impl Fn(i64, i64) -> i64) -> Self {
        let topic = |topic: usize| {
            let others = other.0[topic].iter().copied().chain(std::iter::repeat(0));
            self.0[topic].iter().zip(others).map(|(&own, other)| number(own, other)).collect()
        };
        Self([topic(0), topic(1), topic(2)])
    }
}

/// So far everything is read, merged by the times of the records, before anything behind it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Round {
    /// When it was begun, by the clock: what claims to be of later is of the future.
    pub(super) at_millis: i64,
    /// The version that is gone over to before it, where production has moved.
    pub(super) version: Option<ModelVersion>,
    /// Where each partition ends for it.
    pub(super) end: Positions,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_between_two_positions_leads_from_one_to_the_other() {
        let one = Positions([vec![5, 7], vec![], vec![1]]);
        let other = Positions([vec![6, 7, 3], vec![2], vec![9]]);
        let between = other.since(&one);
        assert_eq!(between, Positions([vec![1, 0, 3], vec![2], vec![8]]));
        assert_eq!(between.behind(&one), other);
    }
}
