//! How good the predictions are whose labels have come: prequential, each judged by the model that had not seen its label.

use crate::ledger::Judged;
use model::metrics::{Evaluation, Metrics};
use schemas::Label;

/// Figures of predictions and labels. An endless stream is judged by its latest pairs, so that memory stays bounded.
#[derive(Debug)]
pub(crate) struct Quality {
    /// When so many pairs are in the current evaluation, the one before is forgotten.
    generation: usize,
    current: Evaluation,
    previous: Evaluation,
    judged: u64,
    right: u64,
}

impl Quality {
    /// Judges by all pairs.
    pub(crate) fn of_all() -> Self {
        Self::of_latest(usize::MAX)
    }

    /// Judges by the latest pairs, at least `generation` of them and less than twice as many.
    pub(crate) fn of_latest(generation: usize) -> Self {
        Self { generation, current: Evaluation::new(), previous: Evaluation::new(), judged: 0, right: 0 }
    }

    pub(crate) fn push(&mut self, judged: Judged) {
        if self.current.len() >= self.generation {
            self.previous = std::mem::take(&mut self.current);
        }
        self.current.push(judged.probability, judged.label);
        self.judged += 1;
        self.right += u64::from(Label::from_probability(judged.probability) == judged.label);
    }

    /// Predictions with a label.
    pub(crate) fn judged(&self) -> u64 {
        self.judged
    }

    /// Share of right predictions since the start.
    pub(crate) fn accuracy(&self) -> Option<f64> {
        (self.judged > 0).then(|| self.right as f64 / self.judged as f64)
    }

    /// All figures; none before the first label.
    pub(crate) fn metrics(&self) -> Option<Metrics> {
        let mut pairs = self.previous.clone();
        pairs.merge(self.current.clone());
        pairs.metrics()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right() -> Judged {
        Judged { probability: 0.9, label: Label::Positive }
    }

    fn wrong() -> Judged {
        Judged { probability: 0.9, label: Label::Negative }
    }

    #[test]
    fn accuracy_is_the_share_of_right_predictions() {
        let mut quality = Quality::of_all();
        assert_eq!(quality.accuracy(), None);
        [right(), right(), right(), wrong()].into_iter().for_each(|judged| quality.push(judged));
        assert_eq!((quality.judged(), quality.accuracy()), (4, Some(0.75)));
        assert_eq!(quality.metrics().map(|metrics| metrics.accuracy), Some(0.75));
    }

    #[test]
    fn an_endless_stream_is_judged_by_its_latest_pairs() {
        let mut quality = Quality::of_latest(10);
        (0..10).for_each(|_| quality.push(wrong()));
        (0..15).for_each(|_| quality.push(right()));
        assert_eq!(quality.metrics().map(|metrics| metrics.accuracy), Some(1.0));
        assert_eq!((quality.judged(), quality.accuracy()), (25, Some(0.6)));
    }
}
