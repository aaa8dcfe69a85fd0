//! What came of verifying.

use schemas::{ModelRef, Prediction, ReviewId, Source};
use serde::Serialize;
use std::collections::BTreeMap;

/// So many predictions that came out different are named.
const NAMED: usize = 10;

/// What came of verifying.
#[derive(Debug, Default, Serialize)]
pub struct VerifyReport {
    /// All that were looked at.
    pub predictions: u64,
    /// Whose probability came out again, to the last bit.
    pub verified: u64,
    /// Whose probability came out as another one.
    pub different: u64,
    /// Which could not be made again, by the reason.
    pub not_reproducible: BTreeMap<Reason, u64>,
    /// The first of those that are different.
    pub differences: Vec<Difference>,
    /// How long it took.
    pub seconds: f64,
    /// Whether it was stopped before the end.
    pub stopped: bool,
}

/// Why a prediction cannot be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The record of its review was deleted.
    ReviewGone,
    /// The record of its review is no review.
    ReviewUnreadable,
    /// The prediction's own record is none.
    PredictionUnreadable,
    /// The registry has its version no more.
    NoVersion,
    /// An update is not stored any more, and no snapshot behind it.
    NoUpdate,
    /// What the registry has of its model is damaged.
    Damaged,
}

/// A prediction that came out different.
#[derive(Debug, Serialize)]
pub struct Difference {
    /// Of which review.
    pub review_id: ReviewId,
    /// Where that stands.
    pub source: Source,
    /// The model that made it.
    pub model: ModelRef,
    /// Its probability as it was stored.
    pub stored: f64,
    /// And as it comes out now.
    pub found: f64,
}

impl VerifyReport {
    pub(super) fn cannot(&mut self, reason: Reason) {
        *self.not_reproducible.entry(reason).or_default() += 1;
    }

    pub(super) fn compared(&mut self, prediction: &Prediction, found: f64) {
        if prediction.probability.to_bits() == found.to_bits() {
            self.verified += 1;
            return;
        }
        self.different += 1;
        if self.differences.len() < NAMED {
            let Prediction { review_id, source, model, probability, .. } = prediction.clone();
            self.differences.push(Difference { review_id, source, model, stored: probability, found });
        }
    }
}

impl Reason {
    /// As it stands in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReviewGone => "its review was deleted",
            Self::ReviewUnreadable => "its review cannot be read",
            Self::PredictionUnreadable => "it cannot be read itself",
            Self::NoVersion => "the registry has its version no more",
            Self::NoUpdate => "the registry has an update no more",
            Self::Damaged => "what the registry has of its model is damaged",
        }
    }
}
