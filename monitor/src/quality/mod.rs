//! How good predictions are, from labels that come later or never. Each prediction was made before its label was known, so
//! the figures are prequential (Dawid 1984, "Statistical theory: the prequential approach"). A prediction without a label is
//! no right one: it is in no figure, and lowers the coverage that stands beside each.

mod fading;
mod join;
mod recent;
mod slices;

pub use fading::{Faded, Fading};
pub use join::{Counts, Join, Outcome, Scored};
pub use recent::Recent;
pub use slices::{Slice, SliceKind, Slices};

use model::metrics::Metrics;
use schemas::{Feedback, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Settings of the quality from feedback.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QualityConfig {
    /// How many labelled predictions a window has.
    pub window: usize,
    /// By which factor each labelled prediction counts less than the next, below 1.
    pub fading: f64,
    /// A label counts as missing when it has not come within so many seconds after its review.
    pub maturity_seconds: u64,
    /// How many predictions wait for a label, at most; the oldest are given up.
    pub max_waiting: usize,
    /// How many model versions have figures of their own: the last ones.
    pub max_versions: usize,
    /// How many categories have: the first ones; the others are one together.
    pub max_categories: usize,
}

impl Default for QualityConfig {
    fn default() -> Self {
        Self {
            window: 2000,
            fading: 0.999,
            maturity_seconds: 7 * 86_400,
            max_waiting: 200_000,
            max_versions: 5,
            max_categories: 30,
        }
    }
}

impl QualityConfig {
    /// What is wrong with the settings, if anything.
    pub fn check(&self) -> Result<(), String> {
        if !(10..=1_000_000).contains(&self.window) {
            return Err(format!("monitor.window = {} is no window: give a number from 10 to 1000000", self.window));
        }
        if !(0.5..1.0).contains(&self.fading) {
            return Err(format!("monitor.fading = {} is no factor: give a number from 0.5 to below 1", self.fading));
        }
        for (name, value) in [("max_waiting", self.max_waiting), ("max_versions", self.max_versions)] {
            if value == 0 {
                return Err(format!("monitor.{name} = 0 leaves nothing to look at: give a number of 1 or more"));
            }
        }
        Ok(())
    }
}

/// Figures of one slice.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SliceQuality {
    /// Which part of the predictions; empty for all.
    pub slice: BTreeMap<String, String>,
    /// The labelled predictions in the window.
    pub labelled: u64,
    /// When the first of them was made.
    pub from: Timestamp,
    /// When the last of them was made.
    pub to: Timestamp,
    /// Their figures.
    pub window: Metrics,
    /// Figures that fade.
    pub faded: Faded,
    /// The share of predictions whose label came in time, among the last ones whose time is over. None before there are any;
    /// nobody knows the origin of a label that did not come, so a slice by origin has none.
    pub coverage: Option<f64>,
    /// How many predictions that share is of.
    pub matured: u64,
    /// Half of the labels in the window came sooner than this after their review.
    pub median_delay_seconds: f64,
}

/// The quality of all slices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    config: QualityConfig,
    join: Join,
    slices: Slices,
}

impl Quality {
    /// Nothing seen yet.
    pub fn new(config: QualityConfig) -> Self {
        let join = Join::new(config.maturity_seconds, config.max_waiting);
        Self { join, slices: Slices::new(&config), config }
    }

    /// A prediction was made. What its label says is answered where that came first.
    pub fn scored(&mut self, review_id: &str, scored: Scored) -> Option<Outcome> {
        Slice::of_prediction(&scored).into_iter().for_each(|slice| self.slices.open(slice));
        let outcome = self.join.scored(review_id, scored);
        self.settle();
        self.count(outcome)
    }

    /// A label came. What it says of its prediction, if that is known and this is its first label.
    pub fn labelled(&mut self, feedback: &Feedback) -> Option<Outcome> {
        let outcome = self.join.labelled(feedback);
        self.count(outcome)
    }

    fn count(&mut self, outcome: Option<Outcome>) -> Option<Outcome> {
        let outcome = outcome?;
        let origin = Slice::of_origin(&outcome);
        self.slices.open(origin.clone());
        for slice in Slice::of_prediction(&outcome.scored).iter().chain([&origin]) {
            if let Some(state) = self.slices.at(slice) {
                state.add(&outcome, &self.config);
            }
        }
        Some(outcome)
    }

    /// Predictions whose time for a label is over.
    fn settle(&mut self) {
        while let Some((scored, labelled)) = self.join.matured() {
            for slice in &Slice::of_prediction(&scored) {
                if let Some(state) = self.slices.at(slice) {
                    state.matured(labelled, &self.config);
                }
            }
        }
    }

    /// How many came of each kind.
    pub fn counts(&self) -> Counts {
        self.join.counts()
    }

    /// The figures of each slice that has labels, all predictions first.
    pub fn figures(&self) -> Vec<SliceQuality> {
        self.slices.iter().filter_map(|(slice, state)| state.figures(slice)).collect()
    }
}

#[cfg(test)]
mod tests;
