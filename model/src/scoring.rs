//! A model in memory, and the hot path: one pass over a document's bytes, one look-up per distinct term.

use crate::config::ConfigError;
use crate::config::{ModelConfig, VectorizerConfig, Weighting};
use crate::dense::Dense;
use crate::features::FeatureConfig;
use crate::keep_rates::KeepRates;
use crate::slots::Slot;
use crate::table::Table;
use crate::terms::{Document, Occurrences, Terms};
use schemas::Label;

/// Buffers that scoring uses again and again; one per thread.
pub struct Scratch {
    pub(crate) terms: Terms,
}

impl Scratch {
    /// Empty buffers.
    pub fn new() -> Self {
        Self { terms: Terms::new() }
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

/// Scales, weights and the bias are smaller than this: squares and sums of such stay finite.
pub(crate) const MAGNITUDE_LIMIT: f64 = 1e6;

/// A linear model over hashed terms and a few features.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub(crate) config: ModelConfig,
    pub(crate) bias: f64,
    pub(crate) documents: u64,
    pub(crate) table: Table,
    /// One for each of the configuration's features.
    pub(crate) dense: Vec<Dense>,
    pub(crate) keep_rates: KeepRates,
    /// [`KeepRates::correction`], which is asked for with each document.
    pub(crate) correction: f64,
}

impl Model {
    /// P(positive).
    pub fn probability(&self, document: &Document<'_>, scratch: &mut Scratch) -> f64 {
        let known = self.table.read(&self.config, document, &mut scratch.terms);
        let of_text = self.log_odds(known) + self.correction;
        sigmoid(if self.dense.is_empty() { of_text } else { of_text + self.log_odds_of_features(document) })
    }

    /// ln(p / (1 - p)) as far as the text goes: the bias and the weights times the normalized vector.
    fn log_odds(&self, known: &[Occurrences]) -> f64 {
        match &self.table {
            Table::Hashed(slots) => self.sum(known, |place| slots.at(place)),
            Table::Exact(vocabulary) => self.sum(known, |place| vocabulary.at(place)),
        }
    }

    #[inline]
    fn sum(&self, known: &[Occurrences], value_at: impl Fn(u32) -> Slot) -> f64 {
        let frequency = TermFrequency::of(&self.config.vectorizer);
        let mut product = 0.0_f64;
        let mut squares = 0.0_f64;
        for term in known {
            let slot = value_at(term.of);
            let value = f64::from(frequency.value(term.count) * slot.scale);
            product += value * f64::from(slot.weight);
            squares += value * value;
        }
        // A document without known terms has the prior's log-odds.
        if squares > 0.0 { self.bias + product / squares.sqrt() } else { self.bias }
    }

    /// What the features add to the log-odds.
    fn log_odds_of_features(&self, document: &Document<'_>) -> f64 {
        self.contributions(document).map(|(_, _, contribution)| contribution).sum()
    }

    /// Each feature with its value, if it has one, and with what it adds to the log-odds.
    pub(crate) fn contributions(
        &self,
        document: &Document<'_>,
    ) -> impl Iterator<Item = (&FeatureConfig, Option<f64>, f64)> {
        let values = document.features.iter().copied().chain(std::iter::repeat(f64::NAN));
        self.config.features.iter().zip(&self.dense).zip(values).map(|((feature, dense), value)| {
            (feature, feature.takes(value).then_some(value), dense.contribution(feature, value))
        })
    }

    /// The same model for data of which its training rows were such shares.
    pub fn with_keep_rates(self, keep_rates: KeepRates) -> Result<Self, ConfigError> {
        keep_rates.check()?;
        Ok(Self { keep_rates, correction: keep_rates.correction(), ..self })
    }

    /// The shares of the classes that its training rows were, which scoring takes back.
    pub fn keep_rates(&self) -> KeepRates {
        self.keep_rates
    }

    /// The features that it takes, in the order in which documents hold their values.
    pub fn features(&self) -> &[FeatureConfig] {
        &self.config.features
    }

    /// The name of a label in predictions.
    pub fn label_name(&self, label: Label) -> &str {
        &self.config.labels[usize::from(label.is_positive())]
    }

    /// What it was made with.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }
}

/// 1 / (1 + e^-x), without overflow at either end.
pub fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// A term's count to its frequency, as the weighting has it. Small counts, nearly all there are, are looked up.
pub struct TermFrequency {
    small: &'static [f32; 16],
    kind: FrequencyKind,
}

#[derive(Clone, Copy)]
enum FrequencyKind {
    Binary,
    Linear,
    Sublinear,
}

static BINARY: [f32; 16] = [1.0; 16];
static LINEAR: [f32; 16] = [0., 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11., 12., 13., 14., 15.];
/// 1 + ln i, correctly rounded.
static SUBLINEAR: [f32; 16] = [
    0.0,
    1.0,
    1.6931472,
    2.0986123,
    2.3862944,
    2.609438,
    2.7917595,
    2.9459101,
    3.0794415,
    3.1972246,
    3.3025851,
    3.397_895_3,
    3.4849067,
    3.5649494,
    3.6390573,
    3.7080502,
];

impl TermFrequency {
    /// That of a configuration.
    pub fn of(config: &VectorizerConfig) -> Self {
        match (config.weighting, config.sublinear_tf) {
            (Weighting::Binary, _) => Self { small: &BINARY, kind: FrequencyKind::Binary },
            (_, false) => Self { small: &LINEAR, kind: FrequencyKind::Linear },
            (_, true) => Self { small: &SUBLINEAR, kind: FrequencyKind::Sublinear },
        }
    }

    /// The frequency of a count.
    #[inline]
    pub fn value(&self, count: u32) -> f32 {
        match self.small.get(count as usize) {
            Some(&value) => value,
            None => match self.kind {
                FrequencyKind::Binary => 1.0,
                FrequencyKind::Linear => count as f32,
                FrequencyKind::Sublinear => (1.0 + f64::from(count).ln()) as f32,
            },
        }
    }
}
