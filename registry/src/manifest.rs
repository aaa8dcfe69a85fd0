//! What a model version is and how it was made.

use schemas::{ModelName, ModelVersion, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One version of a model. Written once, never changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The model.
    pub name: ModelName,
    /// Its number, counted from 1 within the name.
    pub version: ModelVersion,
    /// SHA-256 of the artifact, in lower-case hexadecimal.
    pub sha256: String,
    /// Length of the artifact.
    pub size_bytes: u64,
    /// When the version was registered.
    pub created_at: Timestamp,
    /// What made it.
    pub run: Run,
}

/// The training that made a version: enough to tell two versions apart and to make one again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The trainer's settings.
    pub parameters: serde_json::Map<String, serde_json::Value>,
    /// The features that the model weighs beside the text, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// What a test measured; empty when there was none.
    pub metrics: serde_json::Map<String, serde_json::Value>,
    /// What it was trained on, where that is known.
    pub data: Option<DataFingerprint>,
    /// The version of the program that trained it.
    pub library_version: String,
    /// How long each stage took.
    pub seconds: BTreeMap<String, f64>,
    /// Figures that were taken step by step, such as the fit's after each pass: by the number of the step.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub curves: BTreeMap<String, BTreeMap<u64, f64>>,
}

/// What identifies a set of training data without holding it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFingerprint {
    /// The files, as they were given.
    pub paths: Vec<String>,
    /// Rows trained on.
    pub rows: u64,
    /// SHA-256 over the names and types of the files' columns.
    pub schema_sha256: String,
    /// Rows with a positive label.
    pub positives: u64,
    /// Rows with a negative label.
    pub negatives: u64,
    /// The earliest time in the rows, where they have times.
    pub first_created_at: Option<Timestamp>,
    /// The latest.
    pub last_created_at: Option<Timestamp>,
}
