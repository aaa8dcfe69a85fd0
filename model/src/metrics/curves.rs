//! What figures hide: how precision, recall and false alarms go with the threshold, and where probabilities are honest.

use super::calibration::{BINS, bin};
use super::evaluation::Evaluation;
use super::ranking::Thresholds;
use serde::{Deserialize, Serialize};

/// The curves of a test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curves {
    /// From the strictest threshold to the most lenient; empty where only one class occurs.
    pub roc: Vec<RocPoint>,
    /// From the strictest threshold to the most lenient; empty where only one class occurs.
    pub precision_recall: Vec<PrecisionRecallPoint>,
    /// The ten bins of the expected calibration error.
    pub calibration: Vec<CalibrationBin>,
}

/// A point of the ROC curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RocPoint {
    /// Positive is what has this probability or a higher one; none where nothing is.
    pub threshold: Option<f64>,
    /// Share of the truly negative that are called positive.
    pub false_positive_rate: f64,
    /// Share of the truly positive that are called positive.
    pub true_positive_rate: f64,
}

/// A point of the precision-recall curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PrecisionRecallPoint {
    /// Positive is what has this probability or a higher one.
    pub threshold: f64,
    /// Share of the truly positive among those called positive.
    pub precision: f64,
    /// Share of those called positive among the truly positive.
    pub recall: f64,
}

/// The pairs whose probabilities lie in one tenth of the scale; each bin holds its upper edge.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CalibrationBin {
    /// Above this probability,
    pub low: f64,
    /// up to this one.
    pub high: f64,
    /// How many pairs.
    pub rows: u64,
    /// Their mean probability; none without pairs.
    pub mean_probability: Option<f64>,
    /// The share of positives among them; none without pairs.
    pub share_of_positives: Option<f64>,
}

impl Evaluation {
    /// The curves, each of at most about `points` points: some are left out where the curve hardly moves.
    pub fn curves(&self, points: usize) -> Curves {
        let (negatives, positives) = self.sorted();
        let mut curves =
            Curves { roc: Vec::new(), precision_recall: Vec::new(), calibration: calibration(&negatives, &positives) };
        if negatives.is_empty() || positives.is_empty() {
            return curves;
        }
        let (all_negatives, all_positives) = (negatives.len() as f64, positives.len() as f64);
        curves.roc.push(RocPoint { threshold: None, false_positive_rate: 0.0, true_positive_rate: 0.0 });
        let mut roc = Thinner::new(points, (0.0, 0.0));
        let mut precision_recall = Thinner::new(points, (0.0, 1.0));
        for threshold in Thresholds::new(&negatives, &positives) {
            let (fp, tp) = (threshold.negatives_so_far as f64, threshold.positives_so_far as f64);
            let is_last = fp == all_negatives && tp == all_positives;
            let (false_positive_rate, recall, precision) = (fp / all_negatives, tp / all_positives, tp / (fp + tp));
            let threshold = threshold.probability;
            if roc.keeps((false_positive_rate, recall)) || is_last {
                let threshold = Some(threshold);
                curves.roc.push(RocPoint { threshold, false_positive_rate, true_positive_rate: recall });
            }
            if precision_recall.keeps((recall, precision)) || is_last {
                curves.precision_recall.push(PrecisionRecallPoint { threshold, precision, recall });
            }
        }
        curves
    }
}

/// Lets a point pass when it is far enough from the last one that passed.
struct Thinner {
    last: (f64, f64),
    distance: f64,
}

impl Thinner {
    fn new(points: usize, start: (f64, f64)) -> Self {
        // A curve from corner to corner is two sides long.
        let distance = if points == usize::MAX { 0.0 } else { 2.0 / points.max(1) as f64 };
        Self { last: start, distance }
    }

    fn keeps(&mut self, point: (f64, f64)) -> bool {
        let moved = (point.0 - self.last.0).abs() + (point.1 - self.last.1).abs();
        let keeps = moved >= self.distance;
        if keeps {
            self.last = point;
        }
        keeps
    }
}

fn calibration(negatives: &[f64], positives: &[f64]) -> Vec<CalibrationBin> {
    let mut counts = [(0_u64, 0_u64, 0.0); BINS];
    for (probabilities, is_positive) in [(negatives, 0), (positives, 1)] {
        for &probability in probabilities {
            let (rows, hits, sum) = &mut counts[bin(probability)];
            *rows += 1;
            *hits += is_positive;
            *sum += probability;
        }
    }
    let edge = |i: usize| i as f64 / BINS as f64;
    let of_rows = |sum: f64, rows: u64| (rows > 0).then(|| sum / rows as f64);
    counts
        .iter()
        .enumerate()
        .map(|(i, &(rows, hits, sum))| CalibrationBin {
            low: edge(i),
            high: edge(i + 1),
            rows,
            mean_probability: of_rows(sum, rows),
            share_of_positives: of_rows(hits as f64, rows),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::Label;

    fn evaluation(pairs: u64) -> Evaluation {
        let mut evaluation = Evaluation::new();
        for i in 0..pairs {
            let probability = (i * 7919 % 10_007) as f64 / 10_006.0;
            let of_label = 0.5 * probability + 0.5 * (i * 104_729 % 127) as f64 / 126.0;
            evaluation.push(probability, Label::from_probability(of_label));
        }
        evaluation
    }

    #[test]
    fn the_bins_make_the_calibration_error() {
        let evaluation = evaluation(5000);
        let bins = evaluation.curves(100).calibration;
        assert_eq!(bins.iter().map(|bin| bin.rows).sum::<u64>(), 5000);
        let error = bins.iter().map(|bin| {
            bin.rows as f64 / 5000.0 * (bin.mean_probability.unwrap() - bin.share_of_positives.unwrap()).abs()
        });
        assert!((error.sum::<f64>() - evaluation.metrics().unwrap().ece).abs() < 1e-12);
        let mut one = Evaluation::new();
        one.push(1.0, Label::Positive);
        let bins = one.curves(100).calibration;
        assert_eq!((bins[9].rows, bins[9].share_of_positives, bins[0].mean_probability), (1, Some(1.0), None));
    }

    #[test]
    fn a_thinned_curve_keeps_its_ends_and_its_area() {
        let evaluation = evaluation(20_000);
        let curves = evaluation.curves(100);
        assert!((50..=102).contains(&curves.roc.len()), "{}", curves.roc.len());
        assert!((20..=102).contains(&curves.precision_recall.len()), "{}", curves.precision_recall.len());
        let ends = (curves.roc[0], *curves.roc.last().unwrap());
        assert_eq!((ends.0.true_positive_rate, ends.0.false_positive_rate), (0.0, 0.0));
        assert_eq!((ends.1.true_positive_rate, ends.1.false_positive_rate), (1.0, 1.0));
        let area: f64 = curves
            .roc
            .windows(2)
            .map(|pair| {
                (pair[1].false_positive_rate - pair[0].false_positive_rate)
                    * (pair[1].true_positive_rate + pair[0].true_positive_rate)
                    / 2.0
            })
            .sum();
        assert!((area - evaluation.metrics().unwrap().roc_auc.unwrap()).abs() < 1e-3, "{area}");
    }

    #[test]
    fn one_class_has_no_curve_of_two() {
        let mut evaluation = Evaluation::new();
        evaluation.push(0.3, Label::Negative);
        let curves = evaluation.curves(100);
        assert!(curves.roc.is_empty() && curves.precision_recall.is_empty());
    }
}
