//! Counts of right and wrong classes, and the figures that follow from them alone.

use schemas::Label;
use serde::{Deserialize, Serialize};

/// How many of each class were given which class. "Positive" and "negative" are what was predicted, "true" and "false"
/// whether that was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Confusion {
    /// Negatives called negative.
    pub tn: u64,
    /// Negatives called positive.
    pub fp: u64,
    /// Positives called negative.
    #[serde(rename = "fn")]
    pub fn_: u64,
    /// Positives called positive.
    pub tp: u64,
}

impl Confusion {
    /// Counts the classes that the probabilities of the truly negative and of the truly positive lead to.
    pub(super) fn of(negatives: &[f64], positives: &[f64]) -> Self {
        let called_positive = |probabilities: &[f64]| {
            probabilities.iter().filter(|&&probability| Label::from_probability(probability).is_positive()).count()
                as u64
        };
        let (fp, tp) = (called_positive(negatives), called_positive(positives));
        Self { tn: negatives.len() as u64 - fp, fp, fn_: positives.len() as u64 - tp, tp }
    }

    /// The share of right labels.
    pub fn accuracy(&self) -> f64 {
        quotient(self.tn + self.tp, self.tn + self.fp + self.fn_ + self.tp)
    }

    /// The share of those called positive that are.
    pub fn precision(&self) -> f64 {
        quotient(self.tp, self.tp + self.fp)
    }

    /// The share of the positive that are called so.
    pub fn recall(&self) -> f64 {
        quotient(self.tp, self.tp + self.fn_)
    }

    /// The harmonic mean of precision and recall.
    pub fn f1(&self) -> f64 {
        quotient(2 * self.tp, 2 * self.tp + self.fp + self.fn_)
    }

    /// The mean of the F1 of either class.
    pub fn macro_f1(&self) -> f64 {
        // A class that is neither among the labels nor among the predictions has no F1 that could count.
        let of_classes = [(self.tn, self.fp + self.fn_), (self.tp, self.fp + self.fn_)]
            .into_iter()
            .filter(|(right, wrong)| right + wrong > 0)
            .map(|(right, wrong)| quotient(2 * right, 2 * right + wrong));
        let (sum, classes) = of_classes.fold((0.0, 0.0), |(sum, classes), f1| (sum + f1, classes + 1.0));
        if classes == 0.0 { 0.0 } else { sum / classes }
    }
}

fn quotient(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_half_is_called_positive() {
        assert_eq!(Confusion::of(&[0.5, 0.49], &[0.5]), Confusion { tn: 1, fp: 1, fn_: 0, tp: 1 });
    }

    #[test]
    fn figures_by_hand() {
        let confusion = Confusion { tn: 5, fp: 1, fn_: 2, tp: 2 };
        assert_eq!(confusion.accuracy(), 0.7);
        assert_eq!(confusion.precision(), 2.0 / 3.0);
        assert_eq!(confusion.recall(), 0.5);
        assert_eq!(confusion.f1(), 4.0 / 7.0);
        assert_eq!(confusion.macro_f1(), (4.0 / 7.0 + 10.0 / 13.0) / 2.0);
    }

    #[test]
    fn false_negatives_are_written_as_fn() {
        let json = serde_json::to_value(Confusion { tn: 1, fp: 2, fn_: 3, tp: 4 }).unwrap();
        assert_eq!(json, serde_json::json!({"tn": 1, "fp": 2, "fn": 3, "tp": 4}));
    }
}
