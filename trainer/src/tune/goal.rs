//! What makes one trial better than another.

use model::metrics::Metrics;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// The figure that decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// The lowest log loss: good ranking and honest probabilities at once.
    LogLoss,
    /// The lowest Brier score.
    Brier,
    /// The highest area under the ROC curve.
    RocAuc,
    /// The highest average precision.
    PrAuc,
    /// The highest accuracy.
    Accuracy,
    /// The highest F1.
    F1,
    /// The highest mean of the F1 of either class.
    MacroF1,
}

impl Goal {
    const ALL: [Self; 7] =
        [Self::LogLoss, Self::Brier, Self::RocAuc, Self::PrAuc, Self::Accuracy, Self::F1, Self::MacroF1];

    /// The name, as in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::LogLoss => "log_loss",
            Self::Brier => "brier",
            Self::RocAuc => "roc_auc",
            Self::PrAuc => "pr_auc",
            Self::Accuracy => "accuracy",
            Self::F1 => "f1",
            Self::MacroF1 => "macro_f1",
        }
    }

    /// The figure of a test. Validation holds both classes, so that every figure is there.
    pub(super) fn of(self, metrics: &Metrics) -> f64 {
        match self {
            Self::LogLoss => metrics.log_loss,
            Self::Brier => metrics.brier,
            Self::RocAuc => metrics.roc_auc.unwrap_or(0.0),
            Self::PrAuc => metrics.pr_auc.unwrap_or(0.0),
            Self::Accuracy => metrics.accuracy,
            Self::F1 => metrics.f1,
            Self::MacroF1 => metrics.macro_f1,
        }
    }

    /// Whether less is better.
    pub(super) fn is_loss(self) -> bool {
        matches!(self, Self::LogLoss | Self::Brier)
    }

    /// The better one first.
    pub(super) fn order(self, one: f64, other: f64) -> Ordering {
        if self.is_loss() { one.total_cmp(&other) } else { other.total_cmp(&one) }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Goal {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|goal| goal.name() == text)
            .ok_or_else(|| format!("`{text}` is no figure to tune for: give {}", Self::ALL.map(Self::name).join(", ")))
    }
}
