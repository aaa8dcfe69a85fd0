//! A prediction as it stands in `predictions`.

mod encoder;

pub use encoder::{PredictionEncoder, PredictionParts};

use crate::decode::{self, DecodeError};
use crate::{ModelRef, ReviewId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where the record stood that caused a prediction: the identity that exactly-once is counted by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Source {
    /// The topic of the review.
    pub topic: String,
    /// Its partition.
    #[schemars(range(min = 0))]
    pub partition: i32,
    /// Its offset.
    #[schemars(range(min = 0))]
    pub offset: i64,
}

/// How the features that a prediction used came to be: the worst status of any entity that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FeaturesStatus {
    /// No online store is configured, or the review names no entity that has features.
    None,
    /// Every entity was found.
    Present,
    /// An entity is not in the store.
    Missing,
    /// An entity's values are older than its view's ttl.
    Stale,
    /// The store did not answer in time.
    Unavailable,
}

/// The prediction for one review. Exactly one exists per `source`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Prediction {
    /// The review's id; also the record's key.
    pub review_id: ReviewId,
    /// The name of the label that is more probable.
    pub sentiment: String,
    /// The probability of that label, 0.5 to 1.
    #[schemars(range(min = 0.5, max = 1.0))]
    pub confidence: f64,
    /// The probability of the positive label, after every correction.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
    /// The model that made it.
    #[serde(deserialize_with = "decode::object")]
    pub model: ModelRef,
    /// The feature values that were at hand when scoring, by name. All are finite, since JSON has no other numbers; a
    /// feature without a value is absent.
    #[serde(default)]
    pub features: BTreeMap<String, f64>,
    /// How those values came to be.
    #[serde(deserialize_with = "decode::variant")]
    pub features_status: FeaturesStatus,
    /// The record that caused it.
    #[serde(deserialize_with = "decode::object")]
    pub source: Source,
    /// When the review was written, as the review says.
    pub created_at: Timestamp,
    /// When the prediction was made.
    pub scored_at: Timestamp,
}

impl Prediction {
    /// Reads a record's value.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let prediction: Self = decode::json(bytes)?;
        prediction.check()?;
        Ok(prediction)
    }

    /// Checks what the types can't say.
    fn check(&self) -> Result<(), DecodeError> {
        self.review_id.check("review_id")?;
        if !(0.5..=1.0).contains(&self.confidence) {
            return Err(DecodeError::invalid("confidence", "is an unfit number, expected 0.5 to 1"));
        }
        if !(0.0..=1.0).contains(&self.probability) {
            return Err(DecodeError::invalid("probability", "is an unfit number, expected 0 to 1"));
        }
        if self.source.partition < 0 {
            return Err(DecodeError::invalid("source.partition", "is an unfit number, expected 0 or more"));
        }
        if self.source.offset < 0 {
            return Err(DecodeError::invalid("source.offset", "is an unfit number, expected 0 or more"));
        }
        Ok(())
    }
}
