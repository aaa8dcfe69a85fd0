//! What became of labels: counted for the report and for metrics, once each, and never twice for a label that is learned from
//! again after a restart.

use crate::influence::Refusal;
use serde::Serialize;
use std::collections::BTreeMap;

/// Labels by what became of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Outcomes(BTreeMap<&'static str, u64>);

/// What became of a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Learned,
    /// The first label of its review was another one.
    Corrected,
    /// The features that its review was scored with did not come in time.
    LearnedWithoutFeatures,
    Refused(Refusal),
    Overruled,
    /// It is a dead letter, by this cause.
    Dead(&'static str),
}

impl Outcome {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Learned => "learned",
            Self::Corrected => "corrected",
            Self::LearnedWithoutFeatures => "learned_without_features",
            Self::Refused(refusal) => refusal.name(),
            Self::Overruled => "overruled",
            Self::Dead(cause) => cause,
        }
    }
}

impl Outcomes {
    pub(super) fn count(&mut self, outcome: Outcome) {
        *self.0.entry(outcome.name()).or_default() += 1;
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (name, labels) in &other.0 {
            *self.0.entry(name).or_default() += labels;
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.iter().map(|(name, labels)| (*name, *labels))
    }

    /// How many labels changed the weights.
    pub(super) fn learned(&self) -> u64 {
        let names = [Outcome::Learned, Outcome::Corrected, Outcome::LearnedWithoutFeatures].map(Outcome::name);
        names.iter().filter_map(|name| self.0.get(name)).sum()
    }

    /// All of them.
    pub(super) fn labels(&self) -> u64 {
        self.0.values().sum()
    }
}
