//! Pairs in descending order of their probabilities, with what each adds to the figures that are sums.

use super::calibration;
use super::evaluation::Evaluation;
use schemas::Label;
use std::ops::Range;

/// One pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pair {
    /// The probability less 1 for a positive, less 0 for a negative.
    pub(super) surplus: f64,
    /// -ln p(true class).
    pub(super) surprise: f64,
    pub(super) is_positive: bool,
    /// Whether the next pair, if there is one, has a lower probability.
    pub(super) ends_tie: bool,
}

/// All pairs in order.
pub(super) struct Ranked {
    pairs: Vec<Pair>,
    /// Where each of the calibration error's bins ends.
    bin_ends: Vec<usize>,
    called_positive: usize,
}

impl Ranked {
    pub(super) fn of(evaluation: &Evaluation) -> Self {
        let mut sorted = evaluation.pairs();
        sorted.sort_unstable_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
        let mut pairs = Vec::with_capacity(sorted.len());
        let mut bin_ends = Vec::new();
        for (i, &(probability, is_positive)) in sorted.iter().enumerate() {
            let next = sorted.get(i + 1).map(|next| next.0);
            let of_label = if is_positive { probability } else { 1.0 - probability };
            pairs.push(Pair {
                surplus: probability - f64::from(u8::from(is_positive)),
                surprise: calibration::surprise(of_label),
                is_positive,
                ends_tie: next != Some(probability),
            });
            if next.is_none_or(|next| calibration::bin(next) != calibration::bin(probability)) {
                bin_ends.push(i + 1);
            }
        }
        let called_positive =
            sorted.partition_point(|&(probability, _)| Label::from_probability(probability).is_positive());
        Self { pairs, bin_ends, called_positive }
    }

    pub(super) fn len(&self) -> usize {
        self.pairs.len()
    }

    #[inline]
    pub(super) fn at(&self, i: usize) -> Pair {
        self.pairs[i]
    }

    /// The pairs of each bin that has any.
    pub(super) fn bins(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let starts = std::iter::once(0).chain(self.bin_ends.iter().copied());
        starts.zip(&self.bin_ends).map(|(start, &end)| start..end)
    }

    /// How many pairs, from the first, are called positive.
    pub(super) fn called_positive(&self) -> usize {
        self.called_positive
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_bins_and_classes_end_where_their_probabilities_do() {
        let mut evaluation = Evaluation::new();
        for (probability, label) in
            [(0.5, Label::Negative), (0.95, Label::Positive), (0.5, Label::Positive), (0.41, Label::Negative)]
        {
            evaluation.push(probability, label);
        }
        let ranked = Ranked::of(&evaluation);
        assert_eq!((0..4).map(|i| ranked.at(i).ends_tie).collect::<Vec<_>>(), [true, false, true, true]);
        assert_eq!(ranked.bins().collect::<Vec<_>>(), [0..1, 1..4]);
        assert_eq!((ranked.called_positive(), ranked.len()), (3, 4));
        assert_eq!((ranked.at(1).surplus, ranked.at(2).surplus), (0.5, -0.5));
    }
}
