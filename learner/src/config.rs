//! The section `[learn]` of the configuration. Every error names its key and says what would do.

use crate::cell::{Algorithm, Rate};
use schemas::{Label, Origin};
use serde::{Deserialize, Serialize};

/// How weights move with each label, section `[learn]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearnConfig {
    /// The rule that moves a weight.
    pub algorithm: Algorithm,
    /// How far it moves at first.
    pub alpha: f32,
    /// How soon it moves less: not before the squares of its gradients sum to about the square of this.
    pub beta: f32,
    /// A weight is 0 until its gradients sum to more than this; for FTRL alone.
    pub l1: f32,
    /// Draws weights towards 0.
    pub l2: f32,
    /// The sum of squared gradients that a weight of the batch model begins with: the more, the slower it moves.
    pub warm_evidence: f32,
    /// After so many labels what was learned before counts half when it is about how far to move; 0 for never.
    pub half_life_labels: u64,
    /// Exact terms are forgotten when there are more: those with the least evidence first.
    pub max_terms: usize,
    /// How much a label counts by who says so.
    pub origin_weights: OriginWeights,
    /// How much a label counts by its class.
    pub class_weights: ClassWeights,
    /// What a user or a product may do to the weights.
    pub limits: LimitsConfig,
    /// Which of several labels of one review is learned from.
    pub conflicts: Conflicts,
    /// What was learned is published this often at most.
    pub publish_interval_ms: u64,
    /// How often everything is written down that a restart goes on from.
    pub checkpoint_interval_ms: u64,
    /// How labels find what was scored.
    pub join: JoinConfig,
}

/// Which of several labels of one review is learned from, where they differ. One that was learned from is not taken back: the
/// next one moves the weights the other way, and further, since the probability is wrong by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Conflicts {
    /// The first that came.
    First,
    /// Each that differs from the one before.
    Last,
    /// Each that differs from the one before, unless that came from an origin above its own: annotator, user, rating.
    Origin,
}

/// How labels find what was scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinConfig {
    /// So many of the latest reviews are kept, and as many of their predictions,
    pub reviews_max_records: usize,
    /// of at most about so many bytes.
    pub reviews_max_bytes: usize,
    /// A label whose review is not known waits so long,
    pub waiting_seconds: u64,
    /// and so many labels wait at most.
    pub waiting_max_records: usize,
    /// Of so many reviews it is remembered which label was learned from.
    pub learned_max_records: usize,
    /// A label may be dated so much later than it was sent.
    pub future_seconds: u64,
}

/// How much a label counts by who says so.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OriginWeights {
    /// Somebody who saw the prediction.
    pub user: f32,
    /// The stars that came with the review.
    pub rating: f32,
    /// Somebody whose work it is to label.
    pub annotator: f32,
}

/// How much a label counts by its class.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassWeights {
    /// Of negative labels.
    pub negative: f32,
    /// Of positive labels.
    pub positive: f32,
}

/// What a user or a product may do to the weights. A label's influence is its weight times the distance of the probability
/// from it: 1 for a label that flatly contradicts the model, next to nothing for one that agrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    /// The influence that a user may have in a day; 0 for any.
    pub user_per_day: f32,
    /// The influence that the labels of a product may have in a day; 0 for any.
    pub product_per_day: f32,
    /// Whose labels were refused so often without a rest is in quarantine; 0 for nobody.
    pub quarantine_after: u32,
    /// How long a quarantine lasts.
    pub quarantine_days: f32,
}

/// A setting that makes no sense, with the key and what would.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} {reason}")]
pub struct ConfigError {
    key: &'static str,
    reason: &'static str,
}

impl Default for LearnConfig {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::Ftrl,
            alpha: 1.0,
            beta: 0.02,
            l1: 0.001,
            l2: 0.0,
            warm_evidence: 0.05,
            half_life_labels: 0,
            max_terms: 4_000_000,
            origin_weights: OriginWeights { user: 1.0, rating: 1.0, annotator: 1.0 },
            class_weights: ClassWeights { negative: 1.0, positive: 1.0 },
            limits: LimitsConfig {
                user_per_day: 10.0,
                product_per_day: 100.0,
                quarantine_after: 20,
                quarantine_days: 7.0,
            },
            conflicts: Conflicts::Origin,
            publish_interval_ms: 500,
            checkpoint_interval_ms: 60_000,
            join: JoinConfig {
                reviews_max_records: 1_000_000,
                reviews_max_bytes: 536_870_912,
                waiting_seconds: 600,
                waiting_max_records: 100_000,
                learned_max_records: 1_000_000,
                future_seconds: 3600,
            },
        }
    }
}

impl LearnConfig {
    /// Ten times the weight of a usual label and no more: beyond it one label would be the model.
    const MAX_WEIGHT: f32 = 10.0;

    /// Checks what the types can't say.
    pub fn check(&self) -> Result<(), ConfigError> {
        let rules: [(&'static str, bool, &'static str); 16] = [
            ("learn.alpha", self.alpha > 0.0 && self.alpha <= 100.0, "must lie above 0 and be at most 100"),
            ("learn.beta", self.beta > 0.0 && self.beta <= 100.0, "must lie above 0 and be at most 100"),
            ("learn.l1", (0.0..=100.0).contains(&self.l1), "must lie in 0 to 100"),
            ("learn.l2", (0.0..=100.0).contains(&self.l2), "must lie in 0 to 100"),
            ("learn.warm_evidence", (0.0..=1e6).contains(&self.warm_evidence), "must lie in 0 to 1000000"),
            ("learn.half_life_labels", self.half_life_labels != 1, "must be 0, for never, or 2 or more"),
            // Places are numbers of 32 bits.
            ("learn.max_terms", (1000..=1 << 30).contains(&self.max_terms), "must lie in 1000 to 1073741824"),
            ("learn.limits.user_per_day", is_limit(self.limits.user_per_day), "must be 0, for any, or more"),
            ("learn.limits.product_per_day", is_limit(self.limits.product_per_day), "must be 0, for any, or more"),
            (
                "learn.limits.quarantine_days",
                (0.0..=36_525.0).contains(&self.limits.quarantine_days),
                "must lie in 0 to 36525",
            ),
            ("learn.publish_interval_ms", (10..=10_000).contains(&self.publish_interval_ms), "must lie in 10 to 10000"),
            (
                "learn.checkpoint_interval_ms",
                (1000..=3_600_000).contains(&self.checkpoint_interval_ms),
                "must lie in 1000 to 3600000",
            ),
            ("learn.join.reviews_max_records", self.join.reviews_max_records > 0, "must be 1 or more"),
            ("learn.join.reviews_max_bytes", self.join.reviews_max_bytes > 0, "must be 1 or more"),
            (
                "learn.join.waiting_max_records",
                (1..=10_000_000).contains(&self.join.waiting_max_records),
                "must lie in 1 to 10000000",
            ),
            (
                "learn.join.learned_max_records",
                (1..=100_000_000).contains(&self.join.learned_max_records),
                "must lie in 1 to 100000000",
            ),
        ];
        let OriginWeights { user, rating, annotator } = self.origin_weights;
        let ClassWeights { negative, positive } = self.class_weights;
        let weights = [
            ("learn.origin_weights.user", user),
            ("learn.origin_weights.rating", rating),
            ("learn.origin_weights.annotator", annotator),
            ("learn.class_weights.negative", negative),
            ("learn.class_weights.positive", positive),
        ];
        let weights = weights
            .map(|(key, weight)| (key, (0.0..=Self::MAX_WEIGHT).contains(&weight), "must lie in 0, for none, to 10"));
        match rules.iter().chain(&weights).find(|(_, holds, _)| !holds) {
            Some(&(key, _, reason)) => Err(ConfigError { key, reason }),
            None => Ok(()),
        }
    }

    /// How much a label counts.
    pub(crate) fn weight(&self, label: Label, origin: Origin) -> f32 {
        let of_origin = match origin {
            Origin::User => self.origin_weights.user,
            Origin::Rating => self.origin_weights.rating,
            Origin::Annotator => self.origin_weights.annotator,
        };
        let of_class = if label.is_positive() { self.class_weights.positive } else { self.class_weights.negative };
        of_origin * of_class
    }

    /// How terms move.
    pub(crate) fn rate(&self) -> Rate {
        Rate::new(self.alpha, self.beta, self.l1, self.l2)
    }
}

fn is_limit(per_day: f32) -> bool {
    per_day >= 0.0 && per_day.is_finite()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_sound_and_wrong_settings_are_named() {
        let defaults = LearnConfig::default();
        assert_eq!(defaults.check(), Ok(()));
        type Change = fn(&mut LearnConfig);
        let changes: [(&str, Change); 6] = [
            ("learn.alpha", |config| config.alpha = 0.0),
            ("learn.beta", |config| config.beta = f32::NAN),
            ("learn.l1", |config| config.l1 = -1.0),
            ("learn.half_life_labels", |config| config.half_life_labels = 1),
            ("learn.class_weights.negative", |config| config.class_weights.negative = 11.0),
            ("learn.limits.user_per_day", |config| config.limits.user_per_day = f32::INFINITY),
        ];
        for (key, change) in changes {
            let mut config = defaults.clone();
            change(&mut config);
            assert!(config.check().unwrap_err().to_string().starts_with(key), "{key}");
        }
    }

    #[test]
    fn a_label_counts_by_its_origin_and_its_class() {
        let mut config = LearnConfig::default();
        config.origin_weights.annotator = 3.0;
        config.class_weights.negative = 2.0;
        assert_eq!(config.weight(Label::Negative, Origin::Annotator), 6.0);
        assert_eq!(config.weight(Label::Positive, Origin::Rating), 1.0);
    }
}
