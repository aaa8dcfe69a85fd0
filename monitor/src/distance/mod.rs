//! How far two distributions are from each other, each with a threshold that knows how many were counted.

mod chi_squared;
mod jensen_shannon;
mod kolmogorov_smirnov;
mod psi;

pub use chi_squared::{chi_squared_quantile, chi_squared_tail};
pub use jensen_shannon::jensen_shannon;
pub use kolmogorov_smirnov::KolmogorovSmirnov;
pub use psi::psi;

use serde::{Deserialize, Serialize};

/// A distance and what it may be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Distance {
    /// What was found.
    pub value: f64,
    /// What two samples of one distribution go beyond with the chance `alpha` that was asked for.
    pub threshold: f64,
}

impl Distance {
    /// Whether it is more than chance explains.
    pub fn is_beyond(&self) -> bool {
        self.value > self.threshold
    }
}

/// Half a count is added to each bin, so that an empty one is unlikely and not impossible.
const HALF: f64 = 0.5;

/// The shares of counts, and how many there are; none where there is none.
fn shares(counts: &[u64]) -> Option<(Vec<f64>, f64)> {
    let all = counts.iter().sum::<u64>() as f64;
    let with_halves = all + HALF * counts.len() as f64;
    (all > 0.0).then(|| (counts.iter().map(|&count| (count as f64 + HALF) / with_halves).collect(), all))
}

/// Bins that either side has; two that have none say nothing and would only count as a degree of freedom.
fn occupied(one: &[u64], other: &[u64]) -> (Vec<u64>, Vec<u64>) {
    one.iter().zip(other).filter(|(one, other)| **one + **other > 0).map(|(one, other)| (*one, *other)).unzip()
}
