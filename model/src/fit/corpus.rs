//! The rows that a model is fitted on. Texts are not kept: a row is its terms and the values of its features, 8 bytes for
//! each that it holds. Features are columns behind those of the terms; a missing value is none, as it would add nothing.

use super::columns::{Columns, Term};
use super::counts::Counts;
use super::matrix::threads;
use super::solution::FitProgress;
use super::{elastic_net, logistic};
use crate::config::{ConfigError, FitConfig, ModelConfig, TermIndex, Weighting};
use crate::dense::{Dense, Standard};
use crate::features::FeatureConfig;
use crate::keep_rates::KeepRates;
use crate::scoring::{MAGNITUDE_LIMIT, Model, TermFrequency};
use crate::slots::{Slot, Slots};
use crate::table::Table;
use crate::terms::{Document, Terms};
use crate::vocabulary::Vocabulary;
use schemas::Label;

/// Why nothing was fitted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FitError {
    /// A setting makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No row.
    #[error("there is no row to learn from")]
    Empty,
    /// Rows of one class alone.
    #[error("all {rows} rows are {class}: learning needs rows of both classes")]
    OneClass {
        /// How many rows there are.
        rows: usize,
        /// The name of the class that they have.
        class: String,
    },
    /// No term is frequent enough.
    #[error("no term stands in {min_df} documents or more: lower model.vectorizer.min_df, or give more rows")]
    NoTerms {
        /// The threshold.
        min_df: u32,
    },
    /// A feature that no row says anything of.
    #[error("no row has a value of the feature {name}: leave it out of model.features, or give rows that have some")]
    NoFeatureValues {
        /// The feature.
        name: String,
    },
    /// A feature whose values have no mean.
    #[error("the values of the feature {name} are too large to be standardized: leave it out of model.features")]
    FeatureTooLarge {
        /// The feature.
        name: String,
    },
    /// The matrix grew too large.
    #[error(
        "the training matrix needs more than {limit_bytes} bytes after {rows} rows: raise train.memory_limit_bytes, \
             lower model.vectorizer.ngrams, or train on fewer rows"
    )]
    MemoryLimit {
        /// The limit.
        limit_bytes: u64,
        /// The rows that were read by then.
        rows: usize,
    },
    /// Weights or a bias that nothing can be scored with.
    #[error("the fit ended with weights that are no numbers below {MAGNITUDE_LIMIT}: lower train.c")]
    Diverged,
    /// The model's own bytes would be refused.
    #[error("the fitted model could not be loaded again: {reason}")]
    Unloadable {
        /// What reading them says.
        reason: String,
    },
}

/// What fitting did.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct FitReport {
    /// Passes over the data.
    pub iterations: u32,
    /// The relative duality gap at the end: the loss is above the optimum by no more than this share of it, but for
    /// rounding.
    pub gap: f64,
    /// Whether the gap reached the tolerance.
    pub converged: bool,
    /// The regularized loss at the end.
    pub loss: f64,
    /// Terms that have a weight.
    pub terms: usize,
    /// About how many terms of the training rows, rare ones included, share a slot with another one; 0 where terms are exact.
    pub collisions: usize,
    /// Entries of the matrix.
    pub entries: usize,
}

/// Rows to fit a model on.
pub struct Corpus {
    config: ModelConfig,
    memory_limit_bytes: u64,
    counts: Counts,
    /// The values of the features as they came, row by row.
    features: Vec<f64>,
    labels: Vec<Label>,
}

impl Corpus {
    /// No rows yet.
    pub fn new(config: ModelConfig, memory_limit_bytes: u64) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self { config, memory_limit_bytes, counts: Counts::new(), features: Vec::new(), labels: Vec::new() })
    }

    /// Adds rows, on all cores; the order of the rows is kept, so the result doesn't depend on the number of cores.
    pub fn push_batch(&mut self, rows: &[(Document<'_>, Label)]) -> Result<(), FitError> {
        let share = rows.len().div_ceil(threads()).max(1);
        let config = &self.config;
        let parts: Vec<Counts> = std::thread::scope(|scope| {
            let parts: Vec<_> =
                rows.chunks(share).map(|rows| scope.spawn(|| Counts::of(config, rows, &mut Terms::new()))).collect();
            parts.into_iter().map(|part| part.join().expect("vectorizing does not panic")).collect()
        });
        parts.iter().for_each(|part| self.counts.append(part));
        let features = self.config.features.len();
        for (document, _) in rows {
            let values = document.features.iter().copied().chain(std::iter::repeat(f64::NAN));
            self.features.extend(values.take(features));
        }
        self.labels.extend(rows.iter().map(|(_, label)| *label));
        if self.bytes() > self.memory_limit_bytes {
            return Err(FitError::MemoryLimit { limit_bytes: self.memory_limit_bytes, rows: self.rows() });
        }
        Ok(())
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.labels.len()
    }

    /// What the matrix takes in memory.
    pub fn bytes(&self) -> u64 {
        self.counts.bytes() + 8 * self.features.capacity() as u64
    }

    /// Fits a model. `progress` is called after each pass over the data.
    pub fn fit(
        mut self,
        fit: &FitConfig,
        progress: &mut dyn FnMut(FitProgress),
    ) -> Result<(Model, FitReport), FitError> {
        fit.check()?;
        self.check_classes()?;
        let columns = Columns::of(&self.counts, &self.labels, &self.config.vectorizer);
        if columns.terms.is_empty() {
            return Err(FitError::NoTerms { min_df: self.config.vectorizer.min_df });
        }
        self.config.vectorizer.check_terms(columns.terms.len())?;
        let scales = self.scales(&columns);
        let standards = self.standards()?;
        self.weigh(&columns, &scales, &standards);
        let width = scales.len() + standards.len();
        let solve = if fit.l1_ratio > 0.0 { elastic_net::fit } else { logistic::fit };
        let solution = solve(&self.counts.rows, &self.labels, width, fit, progress);
        let is_usable = |number: f64| number.abs() < MAGNITUDE_LIMIT;
        if !(is_usable(solution.bias) && solution.weights.iter().all(|&weight| is_usable(weight.into()))) {
            return Err(FitError::Diverged);
        }
        let report = FitReport {
            iterations: solution.iterations,
            gap: solution.gap,
            converged: solution.gap <= fit.tolerance,
            loss: solution.loss,
            terms: scales.len(),
            collisions: columns.collisions,
            entries: self.counts.rows.entries(),
        };
        let table = table(&self.config, &columns.terms, &scales, &solution.weights);
        let weights = solution.weights[scales.len()..].iter().map(|&weight| f64::from(weight));
        let dense = standards.into_iter().zip(weights).map(|(standard, weight)| Dense { standard, weight }).collect();
        let (config, bias, documents) = (self.config, solution.bias, self.labels.len() as u64);
        let model = Model { config, bias, documents, table, dense, keep_rates: KeepRates::ALL, correction: 0.0 };
        Ok((model, report))
    }

    fn check_classes(&self) -> Result<(), FitError> {
        let Some(&first) = self.labels.first() else { return Err(FitError::Empty) };
        if self.labels.iter().all(|&label| label == first) {
            let class = self.config.labels[usize::from(first.is_positive())].clone();
            return Err(FitError::OneClass { rows: self.rows(), class });
        }
        Ok(())
    }

    /// What the frequency of each column's term is multiplied with.
    fn scales(&self, columns: &Columns) -> Vec<f32> {
        let config = &self.config.vectorizer;
        let documents = self.labels.len() as f64;
        // Smooth idf as scikit-learn has it.
        let idf = |term: &Term| ((1.0 + documents) / (1.0 + f64::from(term.documents))).ln() + 1.0;
        let mut scales: Vec<f64> = match config.weighting {
            Weighting::TfIdf => columns.terms.iter().map(idf).collect(),
            Weighting::Binary | Weighting::Tf => vec![1.0; columns.terms.len()],
        };
        if config.naive_bayes {
            scales.iter_mut().zip(log_count_ratios(&columns.terms)).for_each(|(scale, ratio)| *scale *= ratio);
        }
        if config.title_weight != 1.0 {
            let of_title = self.columns_of_titles(columns);
            let scales = scales.iter_mut().zip(of_title).filter(|(_, of_title)| *of_title);
            scales.for_each(|(scale, _)| *scale *= f64::from(config.title_weight));
        }
        scales.into_iter().map(|scale| scale as f32).collect()
    }

    /// Which columns are of terms that stand in titles. A slot that title and text share is one of those.
    fn columns_of_titles(&self, columns: &Columns) -> Vec<bool> {
        let mut of_title = vec![false; columns.terms.len()];
        for (row, &terms) in self.counts.titles.iter().enumerate() {
            for entry in self.counts.terms(row).take(terms as usize) {
                if let Some(column) = columns.column(self.counts.term(entry)) {
                    of_title[column as usize] = true;
                }
            }
        }
        of_title
    }

    /// What each feature is standardized with.
    fn standards(&self) -> Result<Vec<Standard>, FitError> {
        let features = &self.config.features;
        let standard = |(place, feature): (usize, &FeatureConfig)| {
            let values = self.features.iter().skip(place).step_by(features.len());
            let mut values = values.filter_map(|&value| feature.transformed(value)).peekable();
            let name = feature.name.clone();
            if values.peek().is_none() {
                return Err(FitError::NoFeatureValues { name });
            }
            Standard::of(values).ok_or(FitError::FeatureTooLarge { name })
        };
        features.iter().enumerate().map(standard).collect()
    }

    /// Terms become columns, counts become weights, the text of each row gets the length 1, features are standardized. The
    /// formulas are those of scoring, which doesn't round to f32 as is done here.
    fn weigh(&mut self, columns: &Columns, scales: &[f32], standards: &[Standard]) {
        let Self { config, counts, features, .. } = self;
        let frequency = TermFrequency::of(&config.vectorizer);
        let Counts { rows, lower, features: present, .. } = counts;
        let first_feature = scales.len() as u32;
        rows.rewrite(|row, first_entry, row_columns, values| {
            let terms = values.len() - usize::from(present[row]);
            let mut left = 0;
            for i in 0..terms {
                let term = match lower.get(first_entry + i) {
                    Some(&lower) => u64::from(row_columns[i]) << 32 | u64::from(lower),
                    None => row_columns[i].into(),
                };
                if let Some(column) = columns.column(term) {
                    row_columns[left] = column;
                    values[left] = frequency.value(values[i] as u32) * scales[column as usize];
                    left += 1;
                }
            }
            normalize(&mut values[..left]);
            let of_row = &features[row * standards.len()..][..standards.len()];
            for (((column, feature), standard), &value) in
                (first_feature..).zip(&config.features).zip(standards).zip(of_row)
            {
                if let Some(value) = feature.transformed(value) {
                    row_columns[left] = column;
                    values[left] = standard.standardized(value) as f32;
                    left += 1;
                }
            }
            left
        });
        *lower = Vec::new();
    }
}

/// To the length 1.
fn normalize(values: &mut [f32]) {
    let squares: f64 = values.iter().map(|&value| f64::from(value) * f64::from(value)).sum();
    if squares > 0.0 {
        let length = squares.sqrt();
        values.iter_mut().for_each(|value| *value = (f64::from(*value) / length) as f32);
    }
}

/// By how much more often each term stands in documents of the one class than in those of the other, as naive Bayes has it:
/// |ln((p / |p|) / (q / |q|))|, p = 1 + positive documents, q = 1 + negative ones (Wang, Manning: "Baselines and bigrams", ACL
/// 2012). The weight that is fitted has the sign.
fn log_count_ratios(terms: &[Term]) -> impl Iterator<Item = f64> + '_ {
    let p = |term: &Term| 1.0 + f64::from(term.positives);
    let q = |term: &Term| 1.0 + f64::from(term.documents - term.positives);
    let prior = (terms.iter().map(p).sum::<f64>() / terms.iter().map(q).sum::<f64>()).ln();
    // A term that tells nothing keeps a trace of its weight: a scale of 0 would be none.
    terms.iter().map(move |term| ((p(term) / q(term)).ln() - prior).abs().max(LEAST_RATIO))
}

/// Of a term that stands as often in one class as in the other.
const LEAST_RATIO: f64 = 1e-6;

/// What the model holds for its terms.
fn table(config: &ModelConfig, terms: &[Term], scales: &[f32], weights: &[f32]) -> Table {
    let mut known: Vec<(u64, Slot)> = (terms.iter().zip(scales).zip(weights))
        .map(|((term, &scale), &weight)| (term.term, Slot { scale, weight }))
        .collect();
    known.sort_unstable_by_key(|&(term, _)| term);
    let known = known.into_iter();
    match config.vectorizer.terms {
        TermIndex::Hashed => {
            Table::Hashed(Slots::new(config.vectorizer.hash_bits, known.map(|(slot, value)| (slot as u32, value))))
        }
        TermIndex::Exact => Table::Exact(Vocabulary::new(known)),
    }
}
