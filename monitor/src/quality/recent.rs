//! The last labelled predictions of a slice, and whether the last ones whose time is over have a label.

use super::{Fading, Outcome, QualityConfig, Slice, SliceQuality};
use model::metrics::Evaluation;
use schemas::{Label, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// One slice.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Recent {
    pairs: VecDeque<Pair>,
    fading: Fading,
    /// Whether a label came in time, of the last predictions whose time is over.
    matured: VecDeque<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Pair {
    probability: f64,
    is_positive: bool,
    at: Timestamp,
    delay_millis: i64,
}

impl Recent {
    /// Adds a labelled prediction.
    pub(super) fn add(&mut self, outcome: &Outcome, config: &QualityConfig) {
        if self.pairs.len() >= config.window {
            self.pairs.pop_front();
        }
        let Outcome { scored, label, delay_millis, .. } = outcome;
        let (probability, is_positive) = (scored.probability, label.is_positive());
        self.pairs.push_back(Pair { probability, is_positive, at: scored.at, delay_millis: *delay_millis });
        self.fading.add(probability, *label, config.fading);
    }

    /// The time for a label of a prediction is over.
    pub(super) fn matured(&mut self, labelled: bool, config: &QualityConfig) {
        if self.matured.len() >= config.window {
            self.matured.pop_front();
        }
        self.matured.push_back(labelled);
    }

    /// The figures; none without labels.
    pub(super) fn figures(&self, slice: &Slice) -> Option<SliceQuality> {
        let mut evaluation = Evaluation::new();
        for pair in &self.pairs {
            evaluation.push(pair.probability, if pair.is_positive { Label::Positive } else { Label::Negative });
        }
        let mut delays: Vec<i64> = self.pairs.iter().map(|pair| pair.delay_millis).collect();
        delays.sort_unstable();
        let (low, high) = (delays.get((delays.len().max(1) - 1) / 2)?, delays.get(delays.len() / 2)?);
        let with_label = self.matured.iter().filter(|labelled| **labelled).count();
        Some(SliceQuality {
            slice: slice.to_map(),
            labelled: self.pairs.len() as u64,
            from: self.pairs.iter().map(|pair| pair.at).min()?,
            to: self.pairs.iter().map(|pair| pair.at).max()?,
            window: evaluation.metrics()?,
            faded: self.fading.figures()?,
            coverage: (!self.matured.is_empty()).then(|| with_label as f64 / self.matured.len() as f64),
            matured: self.matured.len() as u64,
            median_delay_seconds: (low + high) as f64 / 2000.0,
        })
    }
}
