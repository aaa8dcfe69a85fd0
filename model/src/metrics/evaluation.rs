//! Collects what was predicted and what turned out to be true.

use super::{Confusion, Metrics, calibration, ranking};
use schemas::Label;

/// Pairs of a probability of the positive class and the true label, eight bytes each.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evaluation {
    negatives: Vec<f64>,
    positives: Vec<f64>,
}

impl Evaluation {
    /// No pairs yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a pair; the probability lies in 0 to 1.
    pub fn push(&mut self, probability: f64, label: Label) {
        debug_assert!((0.0..=1.0).contains(&probability), "{probability} is no probability");
        match label {
            Label::Negative => self.negatives.push(probability),
            Label::Positive => self.positives.push(probability),
        }
    }

    /// Adds the pairs of another, such as one that another thread has collected.
    pub fn merge(&mut self, other: Self) {
        self.negatives.extend(other.negatives);
        self.positives.extend(other.positives);
    }

    /// How many pairs there are.
    pub fn len(&self) -> usize {
        self.negatives.len() + self.positives.len()
    }

    /// How many pairs are of the positive class.
    pub fn positives(&self) -> usize {
        self.positives.len()
    }

    /// Whether there is no pair.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The figures of all pairs so far, in the time that sorting them takes; none of no pairs.
    pub fn metrics(&self) -> Option<Metrics> {
        if self.is_empty() {
            return None;
        }
        // Sums run over the sorted probabilities too: their last bit then doesn't depend on who came first.
        let (negatives, positives) = self.sorted();
        let (negatives, positives) = (negatives.as_slice(), positives.as_slice());
        let both_classes = !negatives.is_empty() && !positives.is_empty();
        let confusion = Confusion::of(negatives, positives);
        let pairs = self.len() as f64;
        Some(Metrics {
            accuracy: confusion.accuracy(),
            precision: confusion.precision(),
            recall: confusion.recall(),
            f1: confusion.f1(),
            macro_f1: confusion.macro_f1(),
            roc_auc: both_classes.then(|| ranking::roc_auc(negatives, positives)),
            pr_auc: both_classes.then(|| ranking::pr_auc(negatives, positives)),
            log_loss: calibration::log_loss_sum(negatives, positives) / pairs,
            brier: calibration::brier_sum(negatives, positives) / pairs,
            ece: calibration::calibration_error_sum(negatives, positives) / pairs,
            confusion,
        })
    }

    /// The probabilities of the truly negative and of the truly positive, ascending.
    pub(super) fn sorted(&self) -> (Vec<f64>, Vec<f64>) {
        (sorted(&self.negatives), sorted(&self.positives))
    }

    /// Every pair, with whether it is positive.
    pub(super) fn pairs(&self) -> Vec<(f64, bool)> {
        let negatives = self.negatives.iter().map(|&probability| (probability, false));
        negatives.chain(self.positives.iter().map(|&probability| (probability, true))).collect()
    }
}

fn sorted(probabilities: &[f64]) -> Vec<f64> {
    let mut probabilities = probabilities.to_vec();
    probabilities.sort_unstable_by(f64::total_cmp);
    probabilities
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A spread of probabilities that know something of their labels, in an order set by the seed.
    fn pairs(seed: u64) -> Vec<(f64, Label)> {
        let mut pairs: Vec<_> = (0..1000u64)
            .map(|i| {
                let probability = (i * 7919 % 257) as f64 / 256.0;
                (probability, Label::from_probability(0.5 * probability + 0.5 * (i * 104_729 % 127) as f64 / 126.0))
            })
            .collect();
        pairs.sort_unstable_by_key(|(probability, _)| {
            (probability.to_bits() ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        });
        pairs
    }

    fn metrics(pairs: impl IntoIterator<Item = (f64, Label)>) -> Metrics {
        let mut evaluation = Evaluation::new();
        pairs.into_iter().for_each(|(probability, label)| evaluation.push(probability, label));
        evaluation.metrics().unwrap()
    }

    #[test]
    fn no_pairs_have_no_metrics() {
        assert_eq!(Evaluation::new().metrics(), None);
    }

    #[test]
    fn one_class_has_no_ranking() {
        let metrics = metrics([(0.9, Label::Positive), (0.8, Label::Positive)]);
        assert_eq!((metrics.roc_auc, metrics.pr_auc), (None, None));
        assert_eq!((metrics.accuracy, metrics.macro_f1), (1.0, 1.0));
        assert!(serde_json::to_value(metrics).unwrap()["roc_auc"].is_null());
    }

    #[test]
    fn the_order_of_the_pairs_changes_no_bit() {
        assert_ne!(pairs(1), pairs(2));
        assert_eq!(metrics(pairs(1)), metrics(pairs(2)));
    }

    #[test]
    fn merged_parts_equal_the_whole() {
        let mut merged = Evaluation::new();
        for part in pairs(3).chunks(300) {
            let mut evaluation = Evaluation::new();
            part.iter().for_each(|&(probability, label)| evaluation.push(probability, label));
            merged.merge(evaluation);
        }
        assert_eq!(merged.len(), 1000);
        assert_eq!(merged.metrics().unwrap(), metrics(pairs(3)));
    }

    #[test]
    fn ranking_is_blind_to_a_monotone_map() {
        let mapped = pairs(4).into_iter().map(|(probability, label)| (probability.powi(3) / 2.0, label));
        let (before, after) = (metrics(pairs(4)), metrics(mapped));
        assert_eq!((before.roc_auc, before.pr_auc), (after.roc_auc, after.pr_auc));
        assert_ne!(before.log_loss, after.log_loss);
    }

    #[test]
    fn swapping_the_classes_mirrors_the_figures() {
        let swapped = pairs(5).into_iter().map(|(probability, label)| {
            (1.0 - probability, if label.is_positive() { Label::Negative } else { Label::Positive })
        });
        let (before, after) = (metrics(pairs(5)), metrics(swapped));
        assert_eq!(before.roc_auc, after.roc_auc);
        assert!((before.log_loss - after.log_loss).abs() < 1e-12);
        assert!((before.brier - after.brier).abs() < 1e-12);
    }

    #[test]
    fn every_figure_stands_under_its_name() {
        let json = serde_json::to_value(metrics(pairs(6))).unwrap();
        let names: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = [
            "accuracy",
            "precision",
            "recall",
            "f1",
            "macro_f1",
            "roc_auc",
            "pr_auc",
            "log_loss",
            "brier",
            "ece",
            "confusion",
        ];
        let mut names = names;
        names.sort_unstable();
        expected.sort_unstable();
        assert_eq!(names, expected);
    }
}
