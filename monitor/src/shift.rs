//! What has changed: the share of the classes, what is reviewed, or what a review means. Three distributions are compared
//! with the reference, each by chi-squared: p(s) of the scores s, p(s|y) of the scores of each class, and p(y|s) of the
//! classes of each score.

use crate::distance::chi_squared_tail;
use crate::reference::Reference;
use serde::{Deserialize, Serialize};

/// What explains the scores and labels of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Scores as before, and labels too, as far as there are any.
    None,
    /// Other shares of the classes, each of which looks as it did: p(y) changed and p(s|y) did not. The ranking is as good as
    /// it was; the prior of the probabilities is not.
    Label,
    /// Other reviews, whose scores mean what they did: p(s) changed and p(y|s) did not. Seen with labels only.
    Covariate,
    /// Scores mean something else: p(y|s) and p(s|y) both changed. Seen with labels only.
    Concept,
    /// Scores changed, in a way that no other share of the classes explains: covariate or concept drift. Without labels nobody
    /// can say which.
    Unexplained,
}

/// What a window's scores and labels say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shift {
    /// What explains them.
    pub cause: Cause,
    /// The share of positives in the reference.
    pub positives_before: f64,
    /// The share of positives that fits the scores best, were it label shift; needs no label.
    pub positives_estimated: f64,
    /// The chance of scores as different as these: that p(s) is the same,
    pub same_scores: f64,
    /// that it is a mixture of the reference's classes with another share,
    pub same_mixture: f64,
    /// that p(s|y) is the same; none without enough labels,
    pub same_scores_of_classes: Option<f64>,
    /// that p(y|s) is.
    pub same_classes_of_scores: Option<f64>,
}

/// Fewer of either class say nothing about it.
const LEAST_LABELS: u64 = 50;
/// Bins with fewer records on both sides together are joined with their neighbours: chi-squared needs some in each.
const LEAST_IN_BIN: f64 = 20.0;

impl Shift {
    /// Compares a window with its reference; none where the reference has no labels of both classes, the window has no scores,
    /// or their bins differ. `alpha` is the chance of calling the same data different, for each of the comparisons.
    ///
    /// Without labels: under label shift `p(s) = w f1(s) + (1 - w) f0(s)` with the reference's classes f1 and f0. The w that
    /// fits the histogram best by minimum chi-squared is the share of positives (with two bins this is the black box shift
    /// estimation of Lipton, Wang & Smola 2018, "Detecting and correcting for label shift with black box predictors"), and
    /// whether it fits well is a test with one degree of freedom less.
    pub fn of(window: &Reference, reference: &Reference, alpha: f64) -> Option<Self> {
        let bins = Bins::of(window, reference)?;
        let labels = |side: &[[f64; 2]], class: usize| side.iter().map(|bin| bin[class]).sum::<f64>();
        let [negatives, positives] = [0, 1].map(|class| labels(&bins.reference, class));
        if negatives.min(positives) < LEAST_LABELS as f64 {
            return None;
        }
        let same_scores = bins.same_scores();
        let (positives_estimated, same_mixture) = bins.mixture();
        let enough = [0, 1].iter().all(|&class| labels(&bins.labelled, class) >= LEAST_LABELS as f64);
        let same_scores_of_classes = enough.then(|| bins.same_scores_of_classes());
        let same_classes_of_scores = enough.then(|| bins.same_classes_of_scores());
        let is_same = |chance: f64| chance >= alpha;
        let cause = match (same_scores_of_classes, same_classes_of_scores) {
            (Some(of_classes), Some(of_scores)) => match (is_same(of_classes), is_same(of_scores)) {
                (true, true) => Cause::None,
                (true, false) => Cause::Label,
                (false, true) => Cause::Covariate,
                (false, false) => Cause::Concept,
            },
            _ if is_same(same_scores) => Cause::None,
            _ if is_same(same_mixture) => Cause::Label,
            _ => Cause::Unexplained,
        };
        let positives_before = positives / (negatives + positives);
        Some(Self {
            cause,
            positives_before,
            positives_estimated,
            same_scores,
            same_mixture,
            same_scores_of_classes,
            same_classes_of_scores,
        })
    }
}

/// Counts in bins that have enough.
struct Bins {
    /// Records of the window, with label or without.
    scores: Vec<f64>,
    /// Negatives and positives of the window.
    labelled: Vec<[f64; 2]>,
    /// Negatives and positives of the reference.
    reference: Vec<[f64; 2]>,
}

impl Bins {
    fn of(window: &Reference, reference: &Reference) -> Option<Self> {
        let (scores, known) = (window.scores(), reference.scores());
        if scores.len() != known.len() || scores.iter().sum::<u64>() == 0 {
            return None;
        }
        let labels = |of: &Reference| -> Vec<[f64; 2]> {
            let pairs = of.negative.counts().into_iter().zip(of.positive.counts());
            pairs.map(|(negative, positive)| [negative as f64, positive as f64]).collect()
        };
        let (labelled, known) = (labels(window), labels(reference));
        let mut bins = Self { scores: Vec::new(), labelled: Vec::new(), reference: Vec::new() };
        let mut open = (0.0, [0.0; 2], [0.0; 2]);
        let add = |one: [f64; 2], other: [f64; 2]| [one[0] + other[0], one[1] + other[1]];
        for ((&score, labelled), known) in scores.iter().zip(labelled).zip(known) {
            open = (open.0 + score as f64, add(open.1, labelled), add(open.2, known));
            if open.0 + open.2[0] + open.2[1] >= LEAST_IN_BIN && open.2[0] + open.2[1] > 0.0 {
                bins.push(std::mem::take(&mut open));
            }
        }
        match bins.scores.len() {
            0 => None,
            n => {
                // What is left at the end goes to the last.
                bins.scores[n - 1] += open.0;
                bins.labelled[n - 1] = add(bins.labelled[n - 1], open.1);
                bins.reference[n - 1] = add(bins.reference[n - 1], open.2);
                Some(bins)
            }
        }
    }

    fn push(&mut self, (scores, labelled, reference): (f64, [f64; 2], [f64; 2])) {
        self.scores.push(scores);
        self.labelled.push(labelled);
        self.reference.push(reference);
    }

    /// Pearson's two-sample test of the scores.
    fn same_scores(&self) -> f64 {
        let known: Vec<f64> = self.reference.iter().map(|bin| bin[0] + bin[1]).collect();
        let (x, k) = two_samples(&self.scores, &known);
        chi_squared_tail(x, k)
    }

    /// The same for the scores of either class, together.
    fn same_scores_of_classes(&self) -> f64 {
        let column = |side: &[[f64; 2]], class: usize| side.iter().map(|bin| bin[class]).collect::<Vec<f64>>();
        let of = |class| two_samples(&column(&self.labelled, class), &column(&self.reference, class));
        let ((x0, k0), (x1, k1)) = (of(0), of(1));
        chi_squared_tail(x0 + x1, k0 + k1)
    }

    /// The same for the classes of the scores of each bin, together.
    fn same_classes_of_scores(&self) -> f64 {
        let tests = self.labelled.iter().zip(&self.reference).map(|(window, known)| two_samples(window, known));
        let (x, k) = tests.fold((0.0, 0), |(x, k), test| (x + test.0, k + test.1));
        chi_squared_tail(x, k)
    }

    /// The share of positives whose mixture of the reference's classes is nearest to the scores, and the chance of no nearer.
    fn mixture(&self) -> (f64, f64) {
        let all: f64 = self.scores.iter().sum();
        let [n0, n1] = [0, 1].map(|class| self.reference.iter().map(|bin| bin[class]).sum::<f64>());
        let distance = |w: f64| -> f64 {
            let bins = self.scores.iter().zip(&self.reference);
            let parts = bins.map(|(&score, known)| {
                // A half is added, so that a bin that one class lacks is unlikely for it and not impossible.
                let [f0, f1] = [(known[0] + 0.5) / n0, (known[1] + 0.5) / n1];
                let expected = w * f1 + (1.0 - w) * f0;
                // The reference is a sample too, and its shares are known no better than that.
                let variance = expected / all + w * w * f1 / n1 + (1.0 - w) * (1.0 - w) * f0 / n0;
                (score / all - expected).powi(2) / variance
            });
            parts.sum()
        };
        // The distance falls and then rises: a golden section search.
        const RATIO: f64 = 0.618_033_988_749_894_8;
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..60 {
            let (left, right) = (high - RATIO * (high - low), low + RATIO * (high - low));
            if distance(left) <= distance(right) { high = right } else { low = left }
        }
        let w = (low + high) / 2.0;
        (w, chi_squared_tail(distance(w), self.scores.len().saturating_sub(2)))
    }
}

/// Pearson's statistic for two samples in the same bins, and its degrees of freedom.
fn two_samples(one: &[f64], other: &[f64]) -> (f64, usize) {
    let (n, m) = (one.iter().sum::<f64>(), other.iter().sum::<f64>());
    if n == 0.0 || m == 0.0 {
        return (0.0, 0);
    }
    let parts = one.iter().zip(other).filter(|(one, other)| **one + **other > 0.0);
    let (x, bins) = parts.fold((0.0, 0_usize), |(x, bins), (one, other)| {
        let difference = one * (m / n).sqrt() - other * (n / m).sqrt();
        (x + difference * difference / (one + other), bins + 1)
    });
    (x, bins.saturating_sub(1))
}

#[cfg(test)]
mod tests;
