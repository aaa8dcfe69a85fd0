//! What a comparison of two versions came to, as a promotion's line of the log keeps it. Who compares, and by which rules, is
//! for others to say.

use schemas::ModelVersion;
use serde::{Deserialize, Serialize};

/// A challenger beside the version that it was to replace, on the same rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether every gate held.
    pub passed: bool,
    /// Whether the alias was moved though one did not.
    #[serde(default)]
    pub forced: bool,
    /// The version that was to be replaced; none for the first, which has nothing to hold against.
    pub champion: Option<ModelVersion>,
    /// How many rows both were tested on.
    pub rows: u64,
    /// Each gate.
    pub gates: Vec<GateOutcome>,
    /// Why there was nothing to compare, where there was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What one gate came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateOutcome {
    /// The gate in words: `macro_f1 may lose at most 0.002`.
    pub gate: String,
    /// What was compared.
    pub metric: String,
    /// On which rows, where not on all: `category=books`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slice: Option<String>,
    /// How many rows those are.
    pub rows: u64,
    /// The figure of the version that was to be replaced; none where the rows don't give one.
    pub champion: Option<f64>,
    /// The figure of the challenger.
    pub challenger: Option<f64>,
    /// How likely so great a difference is by chance, where a test was asked for.
    pub p_value: Option<f64>,
    /// Whether the gate held.
    pub passed: bool,
    /// What is to be known of it: that nothing was judged, or why it cannot hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
