//! An alert as it stands in `drift`: something that people should know of.

use crate::Timestamp;
use crate::decode::{self, DecodeError};
use serde::{Deserialize, Serialize};

/// The records that an alert was computed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Window {
    /// Their topic.
    pub topic: String,
    /// Its partition.
    #[schemars(range(min = 0))]
    pub partition: i32,
    /// The offset of the first.
    #[schemars(range(min = 0))]
    pub from_offset: i64,
    /// The offset behind the last.
    #[schemars(range(min = 0))]
    pub to_offset: i64,
}

/// A statistic that went beyond its threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Alert {
    /// Who raised it; also the record's key.
    pub monitor: String,
    /// What was measured.
    pub statistic: String,
    /// What came out.
    pub value: f64,
    /// What it should not have gone beyond.
    pub threshold: f64,
    /// What it was measured over.
    #[serde(deserialize_with = "decode::object")]
    pub window: Window,
    /// The same as a sentence.
    pub message: String,
    /// Since when.
    pub since: Timestamp,
}

impl Alert {
    /// Reads a record's value.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode::json(bytes)
    }
}
