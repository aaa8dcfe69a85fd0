//! A label as it stands in `feedback`: what a review turned out to be.

use crate::decode::{self, DecodeError};
use crate::{Label, ReviewId, Timestamp};
use serde::{Deserialize, Serialize};

/// Who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Somebody who saw the prediction.
    User,
    /// The stars that came with the review.
    Rating,
    /// Somebody whose work it is to label.
    Annotator,
}

/// The label of one review.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Feedback {
    /// The review's id; also the record's key.
    pub review_id: ReviewId,
    /// What it is.
    pub label: Label,
    /// Who says so.
    #[serde(deserialize_with = "decode::variant")]
    pub origin: Origin,
    /// When they said so.
    pub created_at: Timestamp,
}

impl Feedback {
    /// Reads a record's value.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let feedback: Self = decode::json(bytes)?;
        feedback.review_id.check("review_id")?;
        Ok(feedback)
    }
}
