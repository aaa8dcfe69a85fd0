//! Section `[promotion]` of the configuration.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What a challenger must hold or beat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromotionConfig {
    /// A difference is more than chance when chance alone makes one as great less often than this.
    pub alpha: f64,
    /// How often the bootstrap draws.
    pub resamples: u32,
    /// Seed of the draws.
    pub seed: u64,
    /// A slice with fewer rows is not judged.
    pub min_slice_rows: u64,
    /// The gates, all of which must hold; none lets every version through.
    pub gates: Vec<Gate>,
}

impl Default for PromotionConfig {
    fn default() -> Self {
        let gate = |metric, by, test| Gate { metric, must: Must::Hold, by, test, slice: None };
        Self {
            alpha: 0.05,
            resamples: 1000,
            seed: 42,
            min_slice_rows: 200,
            gates: vec![
                gate(GateFigure::MacroF1, 0.002, GateTest::None),
                gate(GateFigure::LogLoss, 0.0, GateTest::Bootstrap),
            ],
        }
    }
}

/// One figure that a challenger must hold or beat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// The figure.
    pub metric: GateFigure,
    /// Whether it may be as good, or must be better.
    #[serde(default)]
    pub must: Must,
    /// By how much: what it may lose, or what it must gain.
    #[serde(default)]
    pub by: f64,
    /// Which test says whether the difference is more than chance.
    #[serde(default)]
    pub test: GateTest,
    /// On each slice by this, in place of all rows at once: `product_id`, `month`, `length`, `rating` or the name of a column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slice: Option<String>,
}

/// A figure of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateFigure {
    /// The share of right labels.
    Accuracy,
    /// Of the positive class.
    Precision,
    /// Of the positive class.
    Recall,
    /// Of the positive class.
    F1,
    /// The mean of the F1 of either class.
    MacroF1,
    /// The area under the ROC curve.
    RocAuc,
    /// The average precision.
    PrAuc,
    /// The mean surprise; less is better.
    LogLoss,
    /// The mean squared error of the probability; less is better.
    Brier,
    /// The expected calibration error; less is better.
    Ece,
}

impl GateFigure {
    /// As it stands in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::Precision => "precision",
            Self::Recall => "recall",
            Self::F1 => "f1",
            Self::MacroF1 => "macro_f1",
            Self::RocAuc => "roc_auc",
            Self::PrAuc => "pr_auc",
            Self::LogLoss => "log_loss",
            Self::Brier => "brier",
            Self::Ece => "ece",
        }
    }

    /// Whether less is better.
    pub(super) fn is_a_loss(self) -> bool {
        matches!(self, Self::LogLoss | Self::Brier | Self::Ece)
    }
}

/// What is asked of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Must {
    /// It loses no more than `by`; with a test, not significantly more.
    #[default]
    Hold,
    /// It gains `by` or more; with a test, significantly.
    Beat,
}

/// Whether a difference is more than chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GateTest {
    /// The difference counts as it is.
    #[default]
    None,
    /// McNemar's exact test on the rows that one has right and the other wrong; for the accuracy alone.
    Mcnemar,
    /// The paired bootstrap.
    Bootstrap,
}

impl PromotionConfig {
    /// So many draws take a while, and tell of a p-value of a ten-thousandth.
    pub(super) const MAX_RESAMPLES: u32 = 100_000;

    /// What is wrong with the section, if anything.
    pub fn check(&self) -> Result<(), String> {
        if !(self.alpha > 0.0 && self.alpha < 0.5) {
            return Err("promotion.alpha must lie above 0 and below 0.5, such as 0.05".to_owned());
        }
        if !(100..=Self::MAX_RESAMPLES).contains(&self.resamples) {
            return Err(format!("promotion.resamples must lie in 100 to {}", Self::MAX_RESAMPLES));
        }
        self.gates.iter().try_for_each(Gate::check)
    }
}

impl Gate {
    fn check(&self) -> Result<(), String> {
        let wrong = |what: &str| Err(format!("promotion.gates: {} {what}", self.metric.name()));
        if !(self.by.is_finite() && self.by >= 0.0) {
            return wrong("has a `by` that is no number of 0 or more");
        }
        if self.test == GateTest::Mcnemar && (self.metric != GateFigure::Accuracy || self.by > 0.0) {
            return wrong("cannot be tested with mcnemar, which compares accuracies and takes no `by`: take bootstrap");
        }
        if self.test == GateTest::Bootstrap && self.metric == GateFigure::Ece {
            // Chance alone makes the rows of a draw look badly calibrated, the more so the better the version is.
            return wrong(
                "cannot be tested with bootstrap, whose draws are off by chance: compare it without a test, or take brier",
            );
        }
        if self.slice.as_ref().is_some_and(|slice| slice.trim().is_empty()) {
            return wrong("has an empty `slice`: give category, product_id, month, length, rating or a column");
        }
        Ok(())
    }
}

/// `macro_f1 may lose at most 0.002`.
impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { metric, must, by, test, .. } = self;
        f.write_str(metric.name())?;
        match (must, *by > 0.0, test) {
            (Must::Hold, false, GateTest::None) => write!(f, " may not be worse")?,
            (Must::Hold, false, _) => write!(f, " may not be significantly worse")?,
            (Must::Hold, true, GateTest::None) => write!(f, " may lose at most {by}")?,
            (Must::Hold, true, _) => write!(f, " may not lose significantly more than {by}")?,
            (Must::Beat, false, GateTest::None) => write!(f, " must be better")?,
            (Must::Beat, false, _) => write!(f, " must be significantly better")?,
            (Must::Beat, true, GateTest::None) => write!(f, " must gain {by} or more")?,
            (Must::Beat, true, _) => write!(f, " must gain significantly more than {by}")?,
        }
        match test {
            GateTest::None => Ok(()),
            GateTest::Mcnemar => write!(f, " (McNemar)"),
            GateTest::Bootstrap => write!(f, " (paired bootstrap)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(metric: GateFigure, test: GateTest, by: f64) -> Gate {
        Gate { metric, must: Must::Hold, by, test, slice: None }
    }

    #[test]
    fn what_no_test_can_say_is_refused() {
        assert_eq!(PromotionConfig::default().check(), Ok(()));
        let of = |gate| PromotionConfig { gates: vec![gate], ..PromotionConfig::default() }.check();
        assert_eq!(of(gate(GateFigure::Accuracy, GateTest::Mcnemar, 0.0)), Ok(()));
        assert_eq!(of(gate(GateFigure::PrAuc, GateTest::Bootstrap, 0.01)), Ok(()));
        for wrong in [
            gate(GateFigure::F1, GateTest::Mcnemar, 0.0),
            gate(GateFigure::Accuracy, GateTest::Mcnemar, 0.01),
            gate(GateFigure::Ece, GateTest::Bootstrap, 0.0),
            gate(GateFigure::F1, GateTest::None, -0.1),
            gate(GateFigure::F1, GateTest::None, f64::NAN),
        ] {
            assert!(of(wrong).is_err_and(|error| error.starts_with("promotion.gates: ")));
        }
        let sound = PromotionConfig::default();
        assert!(PromotionConfig { alpha: 0.0, ..sound.clone() }.check().is_err());
        assert!(PromotionConfig { resamples: 10, ..sound }.check().is_err());
    }

    #[test]
    fn a_gate_reads_as_a_sentence() {
        assert_eq!(gate(GateFigure::MacroF1, GateTest::None, 0.002).to_string(), "macro_f1 may lose at most 0.002");
        assert_eq!(
            gate(GateFigure::LogLoss, GateTest::Bootstrap, 0.0).to_string(),
            "log_loss may not be significantly worse (paired bootstrap)"
        );
    }
}
