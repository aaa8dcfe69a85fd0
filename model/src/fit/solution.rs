//! What solvers answer.

/// Where fitting stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FitProgress {
    /// Passes over the data so far.
    pub iteration: u32,
    /// The relative duality gap, in iterations that measured it; see [`FitReport::gap`](super::FitReport::gap).
    pub gap: Option<f64>,
}

pub(super) struct Solution {
    pub(super) weights: Vec<f32>,
    pub(super) bias: f64,
    pub(super) iterations: u32,
    pub(super) gap: f64,
    pub(super) loss: f64,
}
