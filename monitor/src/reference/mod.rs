//! What was normal: the scores, features and words that a model had when it was made, in a few kilobytes of plain data that
//! can stand in its manifest. Nothing here can be turned back into a text.

mod histogram;
mod ratio;
mod sample;
mod words;

pub use histogram::Histogram;
pub use ratio::Ratio;
pub use sample::Sample;
pub use words::Words;

use schemas::Label;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many bins scores and features have: enough to see a shape, few enough for windows of some hundred records.
const BINS: usize = 20;

/// A reference, or what is compared with one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Reference {
    /// The scores of records without a label.
    pub unlabelled: Histogram,
    /// The scores of those whose label was negative.
    pub negative: Histogram,
    /// The scores of those whose label was positive.
    pub positive: Histogram,
    /// The values of features, by name.
    pub features: BTreeMap<String, Histogram>,
    /// The words.
    #[serde(default, skip_serializing_if = "Words::is_empty")]
    pub words: Words,
    /// The share of words that the model does not know, where somebody counted them.
    #[serde(default)]
    pub unknown_words: Ratio,
}

impl Reference {
    /// A window with the bins of this one and nothing in them, to be compared with it.
    pub fn empty_window(&self) -> Self {
        Self {
            unlabelled: self.unlabelled.emptied(),
            negative: self.negative.emptied(),
            positive: self.positive.emptied(),
            features: self.features.iter().map(|(name, histogram)| (name.clone(), histogram.emptied())).collect(),
            words: Words::default(),
            unknown_words: Ratio::default(),
        }
    }

    /// Adds the score of a record, with its label where it has one.
    pub fn add_score(&mut self, probability: f64, label: Option<Label>) {
        let histogram = match label {
            None => &mut self.unlabelled,
            Some(Label::Negative) => &mut self.negative,
            Some(Label::Positive) => &mut self.positive,
        };
        histogram.add(probability);
    }

    /// Adds the features of a record. One that the reference does not know is left out; one that the record lacks is counted
    /// as missing.
    pub fn add_features(&mut self, features: &BTreeMap<String, f64>) {
        for (name, histogram) in &mut self.features {
            histogram.add(features.get(name).copied().unwrap_or(f64::NAN));
        }
    }

    /// The scores of all records, by bin.
    pub fn scores(&self) -> Vec<u64> {
        let of = |histogram: &Histogram| histogram.counts();
        let labelled = of(&self.negative).into_iter().zip(of(&self.positive)).map(|(one, other)| one + other);
        of(&self.unlabelled).into_iter().zip(labelled).map(|(one, other)| one + other).collect()
    }
}

/// Gathers a reference from records as they come, in bounded memory: of each kind of number a uniform sample of at most
/// [`Sample::MOST`] is kept, whose quantiles become the bins.
#[derive(Debug, Clone, Default)]
pub struct ReferenceBuilder {
    unlabelled: Sample,
    negative: Sample,
    positive: Sample,
    features: BTreeMap<String, Sample>,
    records: u64,
    words: Words,
    unknown_words: Ratio,
}

impl ReferenceBuilder {
    /// How many features are looked at, at most: the first ones that come.
    pub const MOST_FEATURES: usize = 200;

    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a record: its score, its label where it has one, its features, its text where it is at hand.
    pub fn add(&mut self, score: f64, label: Option<Label>, features: &BTreeMap<String, f64>, text: Option<&str>) {
        match label {
            None => self.unlabelled.add(score),
            Some(Label::Negative) => self.negative.add(score),
            Some(Label::Positive) => self.positive.add(score),
        }
        for (name, &value) in features {
            if self.features.len() < Self::MOST_FEATURES && !self.features.contains_key(name) {
                // The records before it did not have it.
                self.features.insert(name.clone(), Sample::with_missing(self.records));
            }
            if let Some(sample) = self.features.get_mut(name) {
                sample.add(value);
            }
        }
        for (_, sample) in self.features.iter_mut().filter(|(name, _)| !features.contains_key(*name)) {
            sample.add(f64::NAN);
        }
        self.records += 1;
        if let Some(text) = text {
            self.words.add(text);
        }
    }

    /// Adds how many of a text's words the model does not know.
    pub fn add_unknown_words(&mut self, unknown: u64, words: u64) {
        self.unknown_words.add(unknown, words);
    }

    /// The reference. All scores share bins, and one half is the edge of one, so that the class given can be told from it.
    pub fn finish(self) -> Reference {
        let parts = [&self.unlabelled, &self.negative, &self.positive];
        let mut scores: Vec<f64> = parts.into_iter().flat_map(|sample| sample.values()).copied().collect();
        let mut edges = Histogram::quantile_edges(&mut scores, BINS);
        edges.push(0.5);
        let of = |sample: &Sample| Histogram::of(&edges, sample);
        let histogram = |sample: &Sample| {
            let mut values = sample.values().to_vec();
            Histogram::of(&Histogram::quantile_edges(&mut values, BINS), sample)
        };
        Reference {
            unlabelled: of(&self.unlabelled),
            negative: of(&self.negative),
            positive: of(&self.positive),
            features: self.features.iter().map(|(name, sample)| (name.clone(), histogram(sample))).collect(),
            words: self.words,
            unknown_words: self.unknown_words,
        }
    }
}
