//! Every figure against scikit-learn 1.9.1 on Python 3, which printed the expected values with:
//!
//! ```python
//! import numpy as np, sklearn
//! from sklearn.metrics import *
//! from sklearn.calibration import calibration_curve
//!
//! def ece(y, p):                      # calibration_curve names no counts: its bins once more, with them
//!     bins = np.searchsorted(np.linspace(0, 1, 11)[1:-1], p)
//!     count = np.bincount(bins, minlength=10)
//!     share, mean = calibration_curve(y, p, n_bins=10, strategy="uniform")
//!     return float(np.sum(count[count > 0] / len(y) * np.abs(share - mean)))
//!
//! def golden(name, y, p):
//!     y, p = np.array(y), np.array(p, dtype=float)
//!     c, both = (p >= 0.5).astype(int), len(set(y)) == 2
//!     tn, fp, fn, tp = confusion_matrix(y, c, labels=[0, 1]).ravel()
//!     b = dict(zero_division=0)
//!     figures = [
//!         accuracy_score(y, c), precision_score(y, c, **b), recall_score(y, c, **b),
//!         f1_score(y, c, **b), f1_score(y, c, average="macro", **b),
//!         roc_auc_score(y, p) if both else np.nan, average_precision_score(y, p) if both else np.nan,
//!         log_loss(y, p, labels=[0, 1]), brier_score_loss(y, p, labels=[0, 1]), ece(y, p)]
//!     print(name, [float(x) for x in figures], [int(x) for x in (tn, fp, fn, tp)])
//!
//! i = np.arange(500)
//! p = (i * 7919 + 13) % 1009 / 1008
//! y = ((i * 104729 + 7) % 997 / 996 < p).astype(int)
//! print(sklearn.__version__)
//! golden("mixed", y, p)
//! golden("ties", y, np.floor(p * 8) / 8)
//! golden("rare", (p > 0.97).astype(int), (i * 31 + 5) % 499 / 498)
//! golden("one_class_positive", np.ones(500, int), p)
//! golden("one_class_negative", np.zeros(500, int), p)
//! golden("perfect", [0, 0, 1, 1, 1], [0.1, 0.4, 0.6, 0.7, 0.95])
//! golden("inverted", [1, 1, 0, 0, 0], [0.1, 0.4, 0.6, 0.7, 0.95])
//! golden("extreme", [0, 0, 1, 1, 0, 1], [0, 1, 0, 1, 0, 1])
//! golden("constant", [0, 1, 1, 0, 1], [0.5] * 5)
//! golden("never_positive", [0, 1, 1, 0, 1], [0.1, 0.2, 0.3, 0.4, 0.49])
//! golden("all_found", [1, 1, 1], [0.5, 0.75, 0.9])
//! ```

use super::{Confusion, Evaluation, Metrics};
use schemas::Label::{self, Negative, Positive};

/// Both sides sum some hundred terms near 1 in doubles, in different orders.
const TOLERANCE: f64 = 1e-12;

/// Compares with what `golden` printed; NaN stands for a figure that only two classes have.
#[track_caller]
fn check(pairs: impl IntoIterator<Item = (f64, Label)>, expected: [f64; 10], [tn, fp, fn_, tp]: [u64; 4]) {
    let mut evaluation = Evaluation::new();
    pairs.into_iter().for_each(|(probability, label)| evaluation.push(probability, label));
    let Metrics { accuracy, precision, recall, f1, macro_f1, roc_auc, pr_auc, log_loss, brier, ece, confusion } =
        evaluation.metrics().unwrap();
    assert_eq!(confusion, Confusion { tn, fp, fn_, tp });
    let (roc_auc, pr_auc) = (roc_auc.unwrap_or(f64::NAN), pr_auc.unwrap_or(f64::NAN));
    let figures = [accuracy, precision, recall, f1, macro_f1, roc_auc, pr_auc, log_loss, brier, ece];
    let names = "accuracy precision recall f1 macro_f1 roc_auc pr_auc log_loss brier ece".split(' ');
    for ((name, figure), expected) in names.zip(figures).zip(expected) {
        let equal = (figure - expected).abs() <= TOLERANCE || (figure.is_nan() && expected.is_nan());
        assert!(equal, "{name} is {figure}, scikit-learn has {expected}");
    }
}

pub(super) fn probability(i: u64) -> f64 {
    ((i * 7919 + 13) % 1009) as f64 / 1008.0
}

pub(super) fn label(is_positive: bool) -> Label {
    if is_positive { Positive } else { Negative }
}

/// 500 labels, positive about as often as their probability says.
pub(super) fn mixed() -> impl Iterator<Item = (f64, Label)> {
    (0..500).map(|i| (probability(i), label((((i * 104_729 + 7) % 997) as f64) / 996.0 < probability(i))))
}

fn labelled(labels: &[u8], probabilities: &[f64]) -> Vec<(f64, Label)> {
    labels.iter().zip(probabilities).map(|(&class, &probability)| (probability, label(class == 1))).collect()
}

#[test]
fn mixed_probabilities() {
    check(
        mixed(),
        [
            0.75,
            0.752,
            0.749003984063745,
            0.7504990019960079,
            0.749998999996,
            0.8319973119569912,
            0.8343777508574463,
            0.5044266460288549,
            0.16730496897833208,
            0.018896825396825398,
        ],
        [187, 62, 63, 188],
    );
}

#[test]
fn many_ties() {
    let rounded = mixed().map(|(probability, label)| ((probability * 8.0).floor() / 8.0, label));
    check(
        rounded,
        [
            0.75,
            0.752,
            0.749003984063745,
            0.7504990019960079,
            0.749998999996,
            0.8267332277316437,
            0.799783203664493,
            0.776233732611252,
            0.17271875,
            0.06374999999999997,
        ],
        [187, 62, 63, 188],
    );
}

#[test]
fn a_rare_class_and_a_model_that_knows_nothing() {
    let pairs = (0..500).map(|i| (((i * 31 + 5) % 499) as f64 / 498.0, label(probability(i) > 0.97)));
    check(
        pairs,
        [
            0.482,
            0.012,
            0.2,
            0.022641509433962263,
            0.33513027852650495,
            0.38336769759450173,
            0.024349312104869385,
            1.0747644944773023,
            0.33987637296172646,
            0.4690200803212851,
        ],
        [238, 247, 12, 3],
    );
}

#[test]
fn positives_only() {
    check(
        (0..500).map(|i| (probability(i), Positive)),
        [
            0.5,
            1.0,
            0.5,
            0.6666666666666666,
            0.3333333333333333,
            f64::NAN,
            f64::NAN,
            1.0025373872718513,
            0.33308671501007814,
            0.4996230158730159,
        ],
        [0, 0, 250, 250],
    );
}

#[test]
fn negatives_only() {
    check(
        (0..500).map(|i| (probability(i), Negative)),
        [
            0.5,
            0.0,
            0.0,
            0.0,
            0.3333333333333333,
            f64::NAN,
            f64::NAN,
            1.002026089345303,
            0.3338406832640463,
            0.5003769841269842,
        ],
        [250, 250, 0, 0],
    );
}

#[test]
fn positives_only_and_all_of_them_found() {
    check(
        labelled(&[1, 1, 1], &[0.5, 0.75, 0.9]),
        [1.0, 1.0, 1.0, 1.0, 1.0, f64::NAN, f64::NAN, 0.3620632562231842, 0.1075, 0.2833333333333333],
        [0, 0, 0, 3],
    );
}

#[test]
fn perfect() {
    check(
        labelled(&[0, 0, 1, 1, 1], &[0.1, 0.4, 0.6, 0.7, 0.95]),
        [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.30699600030321816, 0.08450000000000002, 0.25000000000000006],
        [2, 0, 0, 3],
    );
}

#[test]
fn inverted() {
    check(
        labelled(&[1, 1, 0, 0, 0], &[0.1, 0.4, 0.6, 0.7, 0.95]),
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.325, 1.6669743269244564, 0.5844999999999999, 0.75],
        [0, 3, 2, 0],
    );
}

#[test]
fn probabilities_of_exactly_0_and_1() {
    check(
        labelled(&[0, 0, 1, 1, 0, 1], &[0.0, 1.0, 0.0, 1.0, 0.0, 1.0]),
        [
            0.6666666666666666,
            0.6666666666666666,
            0.6666666666666666,
            0.6666666666666666,
            0.6666666666666666,
            0.6666666666666667,
            0.6111111111111112,
            12.014551129705717,
            0.3333333333333333,
            0.33333333333333337,
        ],
        [2, 1, 1, 2],
    );
}

#[test]
fn one_probability_for_all() {
    check(
        labelled(&[0, 1, 1, 0, 1], &[0.5; 5]),
        [0.6, 0.6, 1.0, 0.75, 0.375, 0.5, 0.6, std::f64::consts::LN_2, 0.25, 0.09999999999999998],
        [0, 2, 0, 3],
    );
}

#[test]
fn nothing_called_positive() {
    check(
        labelled(&[0, 1, 1, 0, 1], &[0.1, 0.2, 0.3, 0.4, 0.49]),
        [
            0.4,
            0.0,
            0.0,
            0.0,
            0.2857142857142857,
            0.6666666666666666,
            0.8055555555555556,
            0.8285893488122638,
            0.3120200000000001,
            0.5020000000000001,
        ],
        [2, 0, 3, 0],
    );
}
