//! Numbers to weights.

use super::ConfigError;
use serde::{Deserialize, Serialize};

/// How weights are fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FitConfig {
    /// Inverse strength of the penalty: penalty + C · Σ log loss, the intercept not penalized (scikit-learn's `C`).
    pub c: f64,
    /// The share r of L1 in the penalty, (1 - r)/2 · |w|² + r · |w|₁: 0 for L2 alone, 1 for L1 alone, between them an elastic net.
    pub l1_ratio: f64,
    /// Fitting ends when the relative duality gap is at most this.
    pub tolerance: f64,
    /// Fitting ends after this many passes over the data at the latest.
    pub max_iterations: u32,
    /// Seed of the order in which examples are visited.
    pub seed: u64,
    /// A training matrix that would need more ends the training with an error.
    pub memory_limit_bytes: u64,
}

impl Default for FitConfig {
    fn default() -> Self {
        Self { c: 30.0, l1_ratio: 0.0, tolerance: 0.001, max_iterations: 200, seed: 42, memory_limit_bytes: 8 << 30 }
    }
}

impl FitConfig {
    /// Beyond it there is next to no penalty left, and weights grow as far as rounding lets them.
    const MAX_C: f64 = 1e6;

    /// Checks what the types can't say.
    pub fn check(&self) -> Result<(), ConfigError> {
        if !(self.c > 0.0 && self.c <= Self::MAX_C) {
            return Err(ConfigError::new("train.c", format!("must lie above 0 and be at most {}", Self::MAX_C)));
        }
        if !(0.0..=1.0).contains(&self.l1_ratio) {
            return Err(ConfigError::new("train.l1_ratio", "must lie in 0, for L2 alone, to 1, for L1 alone"));
        }
        if !(self.tolerance.is_finite() && self.tolerance > 0.0) {
            return Err(ConfigError::new("train.tolerance", "must be a number above 0"));
        }
        if self.max_iterations == 0 {
            return Err(ConfigError::new("train.max_iterations", "must be 1 or more"));
        }
        Ok(())
    }
}
