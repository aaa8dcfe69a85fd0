//! A review as it stands in `reviews`.

use crate::decode::{self, DecodeError};
use crate::{Rating, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The id of a review; never blank.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct ReviewId(#[schemars(regex(pattern = r"\S"))] pub String);

impl ReviewId {
    pub(crate) fn check(&self, field: &str) -> Result<(), DecodeError> {
        if self.0.trim().is_empty() {
            return Err(DecodeError::invalid(field, "is blank, expected the id of a review"));
        }
        Ok(())
    }
}

impl fmt::Display for ReviewId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A review of a product by a user. Fields that this version does not know are ignored, so that producers may add some.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Review {
    /// The review's id; also the record's key.
    pub review_id: ReviewId,
    /// What is reviewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<String>,
    /// Who reviews.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The headline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The body; not blank, unless the title isn't.
    pub text: String,
    /// Stars, where the reviewer gave some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<Rating>,
    /// When the review was written.
    pub created_at: Timestamp,
}

impl Review {
    /// Reads a record's value and checks it: what comes out can be scored.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let review: Self = decode::json(bytes)?;
        review.check()?;
        Ok(review)
    }

    /// Checks what the types can't say.
    pub fn check(&self) -> Result<(), DecodeError> {
        self.review_id.check("review_id")?;
        let title_is_blank = self.title.as_deref().is_none_or(|title| title.trim().is_empty());
        if self.text.trim().is_empty() && title_is_blank {
            return Err(DecodeError::invalid("text", "is blank, and there is no title: nothing to score"));
        }
        Ok(())
    }
}
