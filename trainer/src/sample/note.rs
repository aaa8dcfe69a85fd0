//! What a sample says of itself: JSON in the Parquet footer, under the key `plaudit.sample`. Training takes the keep rates from
//! it into the model.

use super::quota::ByClass;
use model::KeepRates;
use schemas::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a sample was drawn, and from what. Engines that draw the same rows write the same note.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampleNote {
    /// The share of the different texts of each class that stayed.
    pub keep_rates: KeepRates,
    /// How many rows the sample has.
    pub rows: ByClass,
    /// Texts and rows by stratum, where the sample is stratified.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub strata: BTreeMap<String, StratumNote>,
    /// What it was drawn from.
    pub source: SourceNote,
    /// What was asked for.
    pub settings: SettingsNote,
}

/// A stratum.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StratumNote {
    /// Different texts.
    pub texts: ByClass,
    /// Those that stayed.
    pub rows: ByClass,
}

/// What a sample was drawn from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceNote {
    /// The paths as they were given, in the order of their names.
    pub paths: Vec<String>,
    /// Different texts with a label.
    pub texts: ByClass,
    /// Rows whose text an earlier row has.
    pub copies: u64,
    /// Those of them whose label is another than that of the first.
    pub contradictions: u64,
    /// The hashes of all texts, combined by exclusive or: the same texts give the same, whatever file or order they stand in.
    pub content: String,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SettingsNote {
    /// Rows of the larger class for each of the smaller.
    pub ratio: f64,
    /// Rows at most.
    pub max_rows: Option<u64>,
    /// What was stratified by.
    pub stratify: Option<String>,
    /// The conditions on rows.
    #[serde(rename = "where")]
    pub conditions: Vec<String>,
    /// The first moment of rows.
    pub since: Option<Timestamp>,
    /// The moment before which all rows are.
    pub until: Option<Timestamp>,
    /// The hash that decided.
    pub hash: String,
}

impl SourceNote {
    pub(super) fn paths(paths: impl IntoIterator<Item = String>) -> Vec<String> {
        let mut paths: Vec<String> = paths.into_iter().collect();
        paths.sort();
        paths
    }
}

/// The hash that decides, by name and seed.
pub(super) const HASH: &str = "xxh64, seed 42, of the text's UTF-8";

/// The share of each class that stayed. A class without texts has lost none.
pub(super) fn keep_rates(texts: ByClass, rows: ByClass) -> KeepRates {
    let rate = |texts: u64, rows: u64| if texts == 0 { 1.0 } else { rows as f64 / texts as f64 };
    KeepRates { negative: rate(texts.negative, rows.negative), positive: rate(texts.positive, rows.positive) }
}
