//! An alert as it stands in `drift`: something that people should know of.

use crate::Timestamp;
use crate::decode::{self, DecodeError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The records that an alert was computed over: a range of one partition's offsets, or so many records of all partitions
/// between two times.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Window {
    /// Their topic.
    pub topic: String,
    /// Its partition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub partition: Option<i32>,
    /// The offset of the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub from_offset: Option<i64>,
    /// The offset behind the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub to_offset: Option<i64>,
    /// How many they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
    /// The time of the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// The time of the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
}

/// A statistic that went beyond its threshold. One record for each episode: while it stays there, none follows.
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
    /// On which part of the records, such as `{"category": "books"}`; empty for all of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub slice: BTreeMap<String, String>,
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
