//! What is kept: a dataset for each record type, whatever its topic is called.

use arrow_schema::SchemaRef;
use schemas::{DecodeError, Feedback, Prediction, Review};
use std::fmt;

use super::columns;

/// The records of one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dataset {
    /// What was written.
    Reviews,
    /// What it turned out to be.
    Feedback,
    /// What was said of it.
    Predictions,
}

/// A record of any dataset.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// Of [`Dataset::Reviews`].
    Review(Review),
    /// Of [`Dataset::Feedback`].
    Feedback(Feedback),
    /// Of [`Dataset::Predictions`].
    Prediction(Box<Prediction>),
}

impl Dataset {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Reviews, Self::Feedback, Self::Predictions];

    /// The name of its folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reviews => "reviews",
            Self::Feedback => "feedback",
            Self::Predictions => "predictions",
        }
    }

    /// The dataset of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dataset| dataset.name() == name)
    }

    /// Reads a record's value.
    pub fn decode(self, value: &[u8]) -> Result<Entry, DecodeError> {
        Ok(match self {
            Self::Reviews => Entry::Review(Review::decode(value)?),
            Self::Feedback => Entry::Feedback(Feedback::decode(value)?),
            Self::Predictions => Entry::Prediction(Box::new(Prediction::decode(value)?)),
        })
    }

    /// The columns as this version writes them. Older files may lack some of them, and newer ones have more.
    pub fn schema(self) -> SchemaRef {
        columns::schema(self)
    }
}

impl fmt::Display for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
