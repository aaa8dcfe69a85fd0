//! Curves, thresholds and intervals against scikit-learn 1.9.1 and NumPy, which printed the expected values with:
//!
//! ```python
//! import numpy as np
//! from sklearn.metrics import *
//! from sklearn.calibration import calibration_curve
//!
//! def curves(name, y, p):                     # each curve as three sums over its points, the strictest first
//!     fpr, tpr, t = roc_curve(y, p, drop_intermediate=False)
//!     pr, rc, s = precision_recall_curve(y, p)
//!     k, m = np.arange(1, len(fpr)), np.arange(1, len(s) + 1)
//!     print(name, len(s), [float(x) for x in (k @ fpr[1:], k @ tpr[1:], k @ t[1:], m @ pr[:-1][::-1], m @ rc[:-1][::-1])])
//!     share, mean = calibration_curve(y, p, n_bins=10, strategy="uniform")
//!     print([float(x) for x in mean], [float(x) for x in share])
//!     ts = np.unique(p)
//!     for f in (f1_score, lambda y, c: f1_score(y, c, average="macro"), accuracy_score):
//!         print(float(max(f(y, (p >= t).astype(int)) for t in ts)))
//!     print(max((recall_score(y, p >= t) for t in ts if precision_score(y, p >= t) >= 0.9), default=None))
//!     print(max((precision_score(y, p >= t) for t in ts if recall_score(y, p >= t) >= 0.9), default=None))
//!
//! i = np.arange(500)
//! p = (i * 7919 + 13) % 1009 / 1008
//! y = ((i * 104729 + 7) % 997 / 996 < p).astype(int)
//! curves("mixed", y, p)
//! curves("ties", y, np.floor(p * 8) / 8)
//! curves("rare", (p > 0.97).astype(int), (i * 31 + 5) % 499 / 498)
//! rows = np.random.default_rng(0).integers(0, 500, (20000, 500))[:4000]
//! for f in (lambda y, p: accuracy_score(y, p >= .5), roc_auc_score, average_precision_score, log_loss,
//!           lambda y, p: f1_score(y, p >= .5, average="macro"), brier_score_loss):
//!     print(np.percentile([f(y[r], p[r]) for r in rows], [2.5, 97.5]))
//! ```

use super::golden::{label, mixed, probability};
use super::{Evaluation, Interval, Objective, Resampling};
use schemas::Label;

/// Both sides sum some hundred terms of up to five hundred in doubles, in different orders.
const RELATIVE_TOLERANCE: f64 = 1e-12;

/// Four thousand draws of either side place an end of an interval to within this share of its width.
const END_TOLERANCE: f64 = 0.06;

#[track_caller]
fn equal(ours: f64, theirs: f64) {
    assert!((ours - theirs).abs() <= RELATIVE_TOLERANCE * theirs.abs().max(1.0), "{ours}, scikit-learn has {theirs}");
}

fn evaluation(pairs: impl IntoIterator<Item = (f64, Label)>) -> Evaluation {
    let mut evaluation = Evaluation::new();
    pairs.into_iter().for_each(|(probability, label)| evaluation.push(probability, label));
    evaluation
}

fn ties() -> Evaluation {
    evaluation(mixed().map(|(probability, label)| ((probability * 8.0).floor() / 8.0, label)))
}

fn rare() -> Evaluation {
    evaluation((0..500).map(|i| (((i * 31 + 5) % 499) as f64 / 498.0, label(probability(i) > 0.97))))
}

/// What `curves` printed: the number of thresholds and five sums; the best of three figures, and of two that may be none.
struct Golden {
    points: usize,
    sums: [f64; 5],
    best: [f64; 3],
    recall_at_precision: Option<f64>,
    precision_at_recall: Option<f64>,
}

#[track_caller]
fn check(evaluation: &Evaluation, golden: &Golden) {
    let curves = evaluation.curves(usize::MAX);
    let (roc, precision_recall) = (&curves.roc[1..], &curves.precision_recall);
    assert_eq!((roc.len(), precision_recall.len()), (golden.points, golden.points));
    let sum = |values: &mut dyn Iterator<Item = f64>| values.zip(1..).map(|(value, k)| f64::from(k) * value).sum();
    let sums: [f64; 5] = [
        sum(&mut roc.iter().map(|point| point.false_positive_rate)),
        sum(&mut roc.iter().map(|point| point.true_positive_rate)),
        sum(&mut roc.iter().map(|point| point.threshold.unwrap())),
        sum(&mut precision_recall.iter().map(|point| point.precision)),
        sum(&mut precision_recall.iter().map(|point| point.recall)),
    ];
    sums.into_iter().zip(golden.sums).for_each(|(ours, theirs)| equal(ours, theirs));
    let at = |objective| evaluation.threshold_for(objective).figures;
    equal(at(Objective::F1).unwrap().f1, golden.best[0]);
    equal(at(Objective::MacroF1).unwrap().macro_f1, golden.best[1]);
    equal(at(Objective::Accuracy).unwrap().accuracy, golden.best[2]);
    let by_precision = at(Objective::Precision(0.9)).map(|figures| figures.recall);
    let by_recall = at(Objective::Recall(0.9)).map(|figures| figures.precision);
    for (ours, theirs) in [(by_precision, golden.recall_at_precision), (by_recall, golden.precision_at_recall)] {
        assert_eq!(ours.is_some(), theirs.is_some());
        equal(ours.unwrap_or(0.0), theirs.unwrap_or(0.0));
    }
}

#[test]
fn of_mixed_pairs() {
    let golden = Golden {
        points: 500,
        sums: [62741.473895582334, 104259.45418326693, 41822.77380952381, 83625.0, 104259.45418326692],
        best: [0.7668393782383419, 0.7539990159960639, 0.754],
        recall_at_precision: Some(0.3386454183266932),
        precision_at_recall: Some(0.6627565982404692),
    };
    check(&evaluation(mixed()), &golden);
}

#[test]
fn of_ties() {
    let golden = Golden {
        points: 8,
        sums: [20.2570281124498, 30.741035856573706, 10.5, 23.29006334335058, 30.741035856573703],
        best: [0.7624113475177305, 0.749998999996, 0.75],
        recall_at_precision: Some(0.2350597609561753),
        precision_at_recall: Some(0.6276595744680851),
    };
    check(&ties(), &golden);
}

#[test]
fn of_a_rare_class() {
    let golden = Golden {
        points: 499,
        sums: [83294.69278350516, 76453.53333333334, 41583.33333333333, 2893.8190933455257, 76453.53333333334],
        best: [0.07334963325183375, 0.491869918699187, 0.968],
        recall_at_precision: None,
        precision_at_recall: Some(0.03807106598984772),
    };
    check(&rare(), &golden);
}

#[test]
fn bins_have_the_means_and_shares_of_the_calibration_curve() {
    let expected = [
        (0.049067460317460315, 0.06),
        (0.14938492063492062, 0.12),
        (0.24993926141885328, 0.2653061224489796),
        (0.3502373171490818, 0.39215686274509803),
        (0.4508928571428572, 0.42),
        (0.5495019436345966, 0.5510204081632653),
        (0.6498015873015872, 0.6666666666666666),
        (0.749473598963395, 0.7551020408163265),
        (0.8491090880796767, 0.8235294117647058),
        (0.9503571428571432, 0.96),
    ];
    for (bin, (mean, share)) in evaluation(mixed()).curves(10).calibration.iter().zip(expected) {
        equal(bin.mean_probability.unwrap(), mean);
        equal(bin.share_of_positives.unwrap(), share);
    }
}

#[test]
fn intervals_are_those_that_numpy_draws() {
    let intervals = evaluation(mixed()).intervals(Resampling { resamples: 4000, seed: 1 }).unwrap();
    for (Interval { low, high }, [their_low, their_high]) in [
        (intervals.accuracy, [0.71, 0.788]),
        (intervals.roc_auc.unwrap(), [0.7958606505819908, 0.8663669794130872]),
        (intervals.pr_auc.unwrap(), [0.7896528124653379, 0.8748261601654016]),
        (intervals.log_loss, [0.45809644178669934, 0.5501051269879341]),
        (intervals.macro_f1, [0.7099048486092375, 0.7878347654914937]),
        (intervals.brier, [0.1497528195074326, 0.18472769151352672]),
    ] {
        let room = END_TOLERANCE * (their_high - their_low);
        assert!(
            (low - their_low).abs() < room && (high - their_high).abs() < room,
            "{low} {high}, NumPy has {their_low} {their_high}"
        );
    }
}
