//! The figures of parts of the test: where the model is better or worse than on the whole.

use super::slicing::{Key, MAX_SLICES, SliceBy};
use feature_store::offline::Row;
use model::metrics::{Evaluation, Interval, Metrics};
use schemas::Label;
use serde::Serialize;
use std::collections::HashMap;

/// The slices of one kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Slices {
    /// By what rows were put together.
    pub by: SliceBy,
    /// Every slice, those too small for figures too.
    pub slices: Vec<Slice>,
}

/// Rows that have something in common.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Slice {
    /// What they have in common.
    pub name: String,
    /// How many they are.
    pub rows: u64,
    /// How many of them are positive.
    pub positives: u64,
    /// Their figures; none of a slice that is too small.
    pub metrics: Option<Metrics>,
    /// Where the accuracy lies, of so many rows with so many right (Wilson); none of a slice that is too small.
    pub accuracy: Option<Interval>,
}

impl Slice {
    /// Whether there are too few rows for figures.
    pub fn is_too_small(&self) -> bool {
        self.metrics.is_none()
    }
}

/// What one core has collected for one kind of slices.
pub(super) struct Slicer {
    by: SliceBy,
    /// Its place among the further columns that are read.
    extra: Option<usize>,
    slices: HashMap<Key, Evaluation>,
}

impl Slicer {
    /// One for each kind, with nothing in it.
    pub(super) fn all(kinds: &[SliceBy]) -> Vec<Self> {
        let mut extras = 0;
        let slicer = |by: &SliceBy| {
            let extra = by.extra_column().map(|_| extras);
            extras += usize::from(extra.is_some());
            Self { by: by.clone(), extra, slices: HashMap::new() }
        };
        kinds.iter().map(slicer).collect()
    }

    pub(super) fn push(&mut self, row: &Row, probability: f64, label: Label) {
        let extra = self.extra.and_then(|place| row.extras.get(place)?.as_deref());
        let key = self.by.key(row, extra);
        // The rows of one kind too many make an error later; they need not be kept for it.
        if self.slices.len() <= MAX_SLICES || self.slices.contains_key(&key) {
            self.slices.entry(key).or_default().push(probability, label);
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (key, evaluation) in other.slices {
            self.slices.entry(key).or_default().merge(evaluation);
        }
    }

    /// The slices in their order; those with fewer rows than `min_rows` without figures. The kind itself
    /// where there are too many.
    pub(super) fn finish(self, min_rows: u64) -> Result<Slices, SliceBy> {
        let Self { by, slices, .. } = self;
        if slices.len() > MAX_SLICES {
            return Err(by);
        }
        let mut slices: Vec<(Key, Evaluation)> = slices.into_iter().collect();
        let is_ordered = by.is_ordered();
        slices.sort_unstable_by(|(key, evaluation), (other_key, other)| {
            let by_rows = if is_ordered { std::cmp::Ordering::Equal } else { other.len().cmp(&evaluation.len()) };
            by_rows.then_with(|| key.cmp(other_key))
        });
        let slices = slices.into_iter().map(|(key, evaluation)| slice(by.name(&key), &evaluation, min_rows)).collect();
        Ok(Slices { by, slices })
    }
}

fn slice(name: String, evaluation: &Evaluation, min_rows: u64) -> Slice {
    let (rows, positives) = (evaluation.len() as u64, evaluation.positives() as u64);
    let metrics = evaluation.metrics().filter(|_| rows >= min_rows);
    let accuracy = metrics.map(|metrics| Interval::of_share(metrics.confusion.tn + metrics.confusion.tp, rows));
    Slice { name, rows, positives, metrics, accuracy }
}
