//! How good predictions are, from pairs of a probability and the label that turned out to be true. Every figure is the one
//! that scikit-learn gives for the same pairs, which a test holds; no order of the pairs changes a bit of them. Which pairs
//! count, and what a good value is, is for others to say.

mod bootstrap;
mod calibration;
mod confusion;
mod curves;
mod evaluation;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod golden_curves;
mod interval;
mod ranked;
mod ranking;
mod threshold;

pub use bootstrap::{Intervals, Resampling};
pub use confusion::Confusion;
pub use curves::{CalibrationBin, Curves, PrecisionRecallPoint, RocPoint};
pub use evaluation::Evaluation;
pub use interval::Interval;
pub use threshold::{ChosenThreshold, FiguresAtThreshold, Objective};

use serde::{Deserialize, Serialize};

/// The figures of a binary classification. The class is positive where the probability is at least one half; a quotient
/// without a denominator is 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Share of the right classes.
    pub accuracy: f64,
    /// Share of the truly positive among those called positive.
    pub precision: f64,
    /// Share of those called positive among the truly positive.
    pub recall: f64,
    /// Harmonic mean of precision and recall.
    pub f1: f64,
    /// Mean of the F1 of either class, over the classes that occur among the labels or the predictions.
    pub macro_f1: f64,
    /// Area under the ROC curve: the chance that a positive has a higher probability than a negative, ties counting half.
    /// None where only one class occurs, for there is no such pair.
    pub roc_auc: Option<f64>,
    /// Average precision, the area under the precision-recall curve as steps. None where only one class occurs.
    pub pr_auc: Option<f64>,
    /// Mean of the negative logarithm of the true class's probability, in nats.
    pub log_loss: f64,
    /// Mean squared distance of the probability from 0 or 1.
    pub brier: f64,
    /// Expected calibration error over ten bins of the probability.
    pub ece: f64,
    /// Right and wrong predictions of either class.
    pub confusion: Confusion,
}
