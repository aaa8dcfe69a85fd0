//! The rows that a model is fitted on. Texts are not kept: a row is its terms and the values of its features, 8 bytes for
//! each that it holds. Features are columns behind those of the terms; a missing value is none, as it would add nothing.

use super::logistic::{self, FitProgress};
use super::matrix::Matrix;
use crate::config::{ConfigError, FitConfig, ModelConfig, Weighting};
use crate::dense::{Dense, Standard};
use crate::features::FeatureConfig;
use crate::keep_rates::KeepRates;
use crate::scoring::{MAGNITUDE_LIMIT, Model, TermFrequency};
use crate::slots::{Slot, Slots};
use crate::terms::{Document, Terms};
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
    /// Entries of the matrix.
    pub entries: usize,
}

/// Rows to fit a model on.
pub struct Corpus {
    config: ModelConfig,
    memory_limit_bytes: u64,
    matrix: Matrix,
    /// The values of the features as they came, row by row.
    features: Vec<f64>,
    labels: Vec<Label>,
}

impl Corpus {
    /// No rows yet.
    pub fn new(config: ModelConfig, memory_limit_bytes: u64) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self { config, memory_limit_bytes, matrix: Matrix::new(), features: Vec::new(), labels: Vec::new() })
    }

    /// Adds rows, on all cores; the order of the rows is kept, so the result doesn't depend on the number of cores.
    pub fn push_batch(&mut self, rows: &[(Document<'_>, Label)]) -> Result<(), FitError> {
        let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        let share = rows.len().div_ceil(threads).max(1);
        let config = &self.config;
        let parts: Vec<Matrix> = std::thread::scope(|scope| {
            let parts: Vec<_> = rows.chunks(share).map(|rows| scope.spawn(move || vectorize(config, rows))).collect();
            parts.into_iter().map(|part| part.join().expect("vectorizing does not panic")).collect()
        });
        for part in &parts {
            self.matrix.append(part);
        }
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
        self.matrix.bytes() + 8 * self.features.capacity() as u64
    }

    /// Fits a model. `progress` is called after each pass over the data.
    pub fn fit(
        mut self,
        fit: &FitConfig,
        progress: &mut dyn FnMut(FitProgress),
    ) -> Result<(Model, FitReport), FitError> {
        fit.check()?;
        self.check_classes()?;
        let slots = 1_usize << self.config.vectorizer.hash_bits;
        let columns = Columns::of(&self.matrix, slots, self.config.vectorizer.min_df);
        if columns.slots.is_empty() {
            return Err(FitError::NoTerms { min_df: self.config.vectorizer.min_df });
        }
        self.config.vectorizer.check_terms(columns.slots.len())?;
        let scales: Vec<f32> = columns.frequencies.iter().map(|&df| self.scale(df)).collect();
        let standards = self.standards()?;
        self.weigh(&columns, &scales, &standards);
        let solution = logistic::fit(&self.matrix, &self.labels, scales.len() + standards.len(), fit, progress);
        let is_usable = |number: f64| number.abs() < MAGNITUDE_LIMIT;
        if !(is_usable(solution.bias) && solution.weights.iter().all(|&weight| is_usable(weight.into()))) {
            return Err(FitError::Diverged);
        }
        let mut known: Vec<(u32, Slot)> = (columns.slots.iter().zip(&scales).zip(&solution.weights))
            .map(|((&slot, &scale), &weight)| (slot, Slot { scale, weight }))
            .collect();
        known.sort_unstable_by_key(|&(slot, _)| slot);
        let weights = solution.weights[scales.len()..].iter().map(|&weight| f64::from(weight));
        let dense = standards.into_iter().zip(weights).map(|(standard, weight)| Dense { standard, weight }).collect();
        let slots = Slots::new(self.config.vectorizer.hash_bits, known.into_iter());
        let report = FitReport {
            iterations: solution.iterations,
            gap: solution.gap,
            converged: solution.gap <= fit.tolerance,
            loss: solution.loss,
            terms: scales.len(),
            entries: self.matrix.entries(),
        };
        let documents = self.labels.len() as u64;
        let (config, bias) = (self.config, solution.bias);
        let model = Model { config, bias, documents, slots, dense, keep_rates: KeepRates::ALL, correction: 0.0 };
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

    /// Smooth idf as scikit-learn has it: ln((1 + n) / (1 + df)) + 1.
    fn scale(&self, document_frequency: u32) -> f32 {
        if self.config.vectorizer.weighting == Weighting::TfIdf {
            let documents = self.labels.len() as f64;
            (((1.0 + documents) / (1.0 + f64::from(document_frequency))).ln() + 1.0) as f32
        } else {
            1.0
        }
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

    /// Slots become columns, counts become weights, the text of each row gets the length 1, features are standardized. The
    /// formulas are those of scoring, which doesn't round to f32 as is done here.
    fn weigh(&mut self, columns: &Columns, scales: &[f32], standards: &[Standard]) {
        let Self { config, matrix, features, .. } = self;
        let frequency = TermFrequency::of(&config.vectorizer);
        let (slots, terms) = (columns.of_slot.len() as u32, columns.slots.len() as u32);
        let feature_value = |row: usize, place: usize| {
            let value = config.features[place].transformed(features[row * standards.len() + place]);
            value.map(|value| standards[place].standardized(value) as f32)
        };
        matrix.rewrite(
            |row, slot, count| {
                if let Some(place) = slot.checked_sub(slots) {
                    return Some((terms + place, feature_value(row, place as usize)?));
                }
                let column = columns.of_slot[slot as usize];
                (column != Columns::NONE).then(|| (column, frequency.value(count as u32) * scales[column as usize]))
            },
            |columns, row| {
                let text = &mut row[..columns.partition_point(|&column| column < terms)];
                let squares: f64 = text.iter().map(|&value| f64::from(value) * f64::from(value)).sum();
                if squares > 0.0 {
                    let length = squares.sqrt();
                    text.iter_mut().for_each(|value| *value = (f64::from(*value) / length) as f32);
                }
            },
        );
    }
}

fn vectorize(config: &ModelConfig, rows: &[(Document<'_>, Label)]) -> Matrix {
    let mut terms = Terms::new();
    let mut matrix = Matrix::new();
    for (document, _) in rows {
        for term in terms.read(config, document) {
            matrix.push(term.of, term.count as f32);
        }
        // Behind the slots; the value follows when all rows are there to standardize it.
        for ((column, feature), &value) in
            (1_u32 << config.vectorizer.hash_bits..).zip(&config.features).zip(document.features)
        {
            if feature.takes(value) {
                matrix.push(column, 0.0);
            }
        }
        matrix.end_row();
    }
    matrix
}

/// The slots that are frequent enough, the most frequent first: their weights then share cache lines.
struct Columns {
    of_slot: Vec<u32>,
    slots: Vec<u32>,
    frequencies: Vec<u32>,
}

impl Columns {
    const NONE: u32 = u32::MAX;

    fn of(matrix: &Matrix, slots: usize, min_df: u32) -> Self {
        let mut of_slot = vec![0_u32; slots];
        // A row holds a slot once, so entries per slot are documents per slot. What lies beyond them are features.
        for &slot in matrix.columns() {
            if let Some(documents) = of_slot.get_mut(slot as usize) {
                *documents += 1;
            }
        }
        let mut kept: Vec<(u32, u32)> =
            (0..).zip(&of_slot).filter(|&(_, &df)| df >= min_df).map(|(slot, &df)| (slot, df)).collect();
        kept.sort_unstable_by_key(|&(slot, df)| (std::cmp::Reverse(df), slot));
        of_slot.fill(Self::NONE);
        for (column, &(slot, _)) in (0..).zip(&kept) {
            of_slot[slot as usize] = column;
        }
        let (slots, frequencies) = kept.into_iter().unzip();
        Self { of_slot, slots, frequencies }
    }
}
