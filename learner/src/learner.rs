//! The learner: coordinates of terms, features and the bias, and what a label does to them.

use crate::cell::Cell;
use crate::changes::Touched;
use crate::config::{ConfigError, LearnConfig};
use crate::decay::Decay;
use crate::features::{self, Feature};
use crate::influence::{Influence, InfluenceReport, Refusal};
use crate::table::Table;
use model::{Base, Document, KeepRates, Model, ModelConfig, Parts, Scratch, TermFrequency, TermPart, Update, sigmoid};
use schemas::{Label, Origin, Timestamp};

/// A document with what it turned out to be.
#[derive(Debug, Clone, Copy)]
pub struct Example<'a> {
    /// The document, with the features as they were when it was scored.
    pub document: Document<'a>,
    /// What it is.
    pub label: Label,
    /// Who says so.
    pub origin: Origin,
    /// Who wrote it.
    pub user_id: Option<&'a str>,
    /// What it is about.
    pub product_id: Option<&'a str>,
    /// When the label came.
    pub time: Timestamp,
}

/// What came of a label.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lesson {
    /// P(positive) just before.
    pub probability: f64,
    /// Why nothing was learned, if nothing was.
    pub refusal: Option<Refusal>,
}

/// A model that learns on. Its probabilities are those of [`Learner::to_model`], to the bit.
#[derive(Debug, Clone)]
pub struct Learner {
    pub(crate) config: LearnConfig,
    pub(crate) model: ModelConfig,
    pub(crate) table: Table,
    pub(crate) bias: Cell,
    pub(crate) features: Vec<Feature>,
    pub(crate) decay: Decay,
    pub(crate) influence: Influence,
    /// What the frequency of a term is multiplied with that the batch model does not know.
    pub(crate) new_scale: f32,
    /// How many documents the batch model and this one have learned from.
    pub(crate) documents: u64,
    /// What was not published yet, where that is of interest.
    touched: Option<Touched>,
    /// Of one document, used again and again.
    known: Vec<(u32, f32)>,
    new: Vec<(u64, f32)>,
}

/// A document's terms against the table: the sums that its log-odds are made of.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    product: f64,
    squares: f64,
}

impl Learner {
    /// One that knows nothing yet and makes terms as `model` says.
    pub fn new(config: LearnConfig, model: ModelConfig) -> Result<Self, ConfigError> {
        config.check()?;
        let features = vec![Feature::new(); model.features.len()];
        Ok(Self {
            table: Table::new(&model, config.max_terms),
            bias: Cell::of(1.0, 0.0, 0.0),
            features,
            decay: Decay::new(config.half_life_labels),
            influence: Influence::new(&config.limits),
            new_scale: 1.0,
            documents: 0,
            touched: None,
            known: Vec::new(),
            new: Vec::new(),
            config,
            model,
        })
    }

    /// One that goes on from a batch model: the same terms with the same scales, which stay, and the same weights, which
    /// move. What a sample did to the odds is in its bias from the start.
    pub fn from_model(config: LearnConfig, model: &Model) -> Result<Self, ConfigError> {
        let Parts { config: of_model, documents, bias, terms, features, keep_rates } = model.to_parts();
        let mut learner = Self::new(config, of_model)?;
        let squares = learner.config.warm_evidence;
        learner.documents = documents;
        learner.new_scale = median_scale(&terms);
        learner.bias = Cell::of(1.0, (bias + (keep_rates.negative / keep_rates.positive).ln()) as f32, squares);
        learner.features = features.iter().map(|part| Feature::of(part, squares)).collect();
        for TermPart { index, scale, weight } in terms {
            learner.table.insert(index, Cell::of(scale, weight, squares));
        }
        learner.table.make_room();
        Ok(learner)
    }

    /// One that goes on from another batch model. What users and products may still do stays what it is.
    pub fn succeed(self, model: &Model) -> Result<Self, ConfigError> {
        let learner = Self::from_model(self.config, model)?;
        Ok(Self { influence: self.influence, ..learner })
    }

    /// Notes from now on what [`take_update`](Self::take_update) is to tell: its readers have the model as it is now.
    pub fn note_changes(&mut self) {
        self.touched = Some(Touched::default());
    }

    /// Whether there is anything to tell.
    pub fn has_changed(&self) -> bool {
        self.touched.as_ref().is_some_and(|touched| touched.any)
    }

    /// What has changed since the last call. `None` where no less than the whole model tells it, since terms were forgotten.
    pub fn take_update(&mut self, base: Base, number: u64) -> Option<Update> {
        let touched = self.touched.get_or_insert_default();
        let places = (!touched.all).then(|| touched.places().to_vec());
        touched.clear();
        let part = |place| part(self.table.term(place));
        let mut terms: Vec<TermPart> = places?.into_iter().map(part).collect();
        terms.sort_unstable_by_key(|term| term.index);
        Some(Update {
            base,
            number,
            documents: self.documents,
            bias: self.bias.weight.into(),
            keep_rates: KeepRates::ALL,
            features: self.features.iter().map(Feature::part).collect(),
            terms,
            removed: Vec::new(),
        })
    }

    /// P(positive).
    pub fn probability(&self, document: &Document<'_>, scratch: &mut Scratch) -> f64 {
        let sums = self.read(document, scratch, |_, _| {}, |_, _| {});
        sigmoid(self.log_odds(&sums, document))
    }

    /// Learns from a label, unless its user or its product has had its share. The probability is the one just before.
    pub fn learn(&mut self, example: &Example<'_>, scratch: &mut Scratch) -> Lesson {
        let document = &example.document;
        let (mut known, mut new) = (std::mem::take(&mut self.known), std::mem::take(&mut self.new));
        known.clear();
        new.clear();
        let sums =
            self.read(document, scratch, |place, value| known.push((place, value)), |index, f| new.push((index, f)));
        let probability = sigmoid(self.log_odds(&sums, document));
        let truth = if example.label.is_positive() { 1.0 } else { 0.0 };
        let weight = self.config.weight(example.label, example.origin);
        let influence = weight * (probability - truth).abs() as f32;
        let (user, product) = (example.user_id, example.product_id);
        let refusal = self.influence.take(user, product, influence, example.time.epoch_millis()).err();
        if refusal.is_none() {
            let squares = self.admit(&mut known, &new, sums.squares);
            let error = weight * (sigmoid(self.log_odds(&Sums { squares, ..sums }, document)) - truth) as f32;
            self.step(&known, squares, error, document);
        }
        self.known = known;
        self.new = new;
        Lesson { probability, refusal }
    }

    /// Goes through a document's terms in the order and with the arithmetic of the model that is published: known ones by
    /// their places and values, new ones by their indices and frequencies.
    #[inline]
    fn read(
        &self,
        document: &Document<'_>,
        scratch: &mut Scratch,
        mut known: impl FnMut(u32, f32),
        mut new: impl FnMut(u64, f32),
    ) -> Sums {
        let frequency = TermFrequency::of(&self.model.vectorizer);
        let mut sums = Sums::default();
        let mut known_term = |place: u32, &Cell { scale, weight, .. }: &Cell, count: u32| {
            let value = frequency.value(count) * scale;
            sums.product += f64::from(value) * f64::from(weight);
            sums.squares += f64::from(value) * f64::from(value);
            known(place, value);
        };
        match &self.table {
            Table::Hashed(cells) => {
                for slot in scratch.slots(&self.model, document) {
                    let cell = &cells[slot.of as usize];
                    if cell.scale > 0.0 {
                        known_term(slot.of, cell, slot.count);
                    } else {
                        new(slot.of.into(), frequency.value(slot.count));
                    }
                }
            }
            Table::Exact(exact) => {
                for &(key, count) in scratch.keys(&self.model, document) {
                    match exact.find(key) {
                        Some(place) => known_term(place, exact.at(place), count),
                        None => new(key, frequency.value(count)),
                    }
                }
            }
        }
        sums
    }

    /// ln(p / (1 - p)).
    fn log_odds(&self, sums: &Sums, document: &Document<'_>) -> f64 {
        let bias = f64::from(self.bias.weight);
        let of_text = if sums.squares > 0.0 { bias + sums.product / sums.squares.sqrt() } else { bias };
        if self.features.is_empty() { of_text } else { of_text + self.log_odds_of_features(document) }
    }

    fn log_odds_of_features(&self, document: &Document<'_>) -> f64 {
        let values = document.features.iter().copied().chain(std::iter::repeat(f64::NAN));
        let features = self.features.iter().zip(&self.model.features).zip(values);
        features.map(|((feature, config), value)| feature.contribution(config, value)).sum()
    }

    /// Lets new terms in; answers the sum of the squared values of all that are known now.
    fn admit(&mut self, known: &mut Vec<(u32, f32)>, new: &[(u64, f32)], squares: f64) -> f64 {
        let mut squares = squares;
        for &(index, frequency) in new {
            if let Some(place) = self.table.admit(index, self.new_scale) {
                let value = frequency * self.new_scale;
                squares += f64::from(value) * f64::from(value);
                known.push((place, value));
            }
        }
        squares
    }

    /// Moves every weight of a document.
    fn step(&mut self, known: &[(u32, f32)], squares: f64, error: f32, document: &Document<'_>) {
        let (algorithm, rate, decay) = (self.config.algorithm, self.config.rate(), self.decay.factor());
        if squares > 0.0 {
            let error_per_value = (f64::from(error) / squares.sqrt()) as f32;
            for &(place, value) in known {
                self.table.at_mut(place).learn(algorithm, &rate, error_per_value * value, decay);
            }
            if let Some(touched) = &mut self.touched {
                known.iter().for_each(|(place, _)| touched.mark(*place));
            }
        }
        self.bias.learn(algorithm, &features::RATE, error, decay);
        let values = document.features.iter().copied().chain(std::iter::repeat(f64::NAN));
        for ((feature, config), value) in self.features.iter_mut().zip(&self.model.features).zip(values) {
            feature.learn(algorithm, config, value, error, decay);
        }
        self.documents += 1;
        if let Some(touched) = &mut self.touched {
            touched.any = true;
        }
        if let Some(factor) = self.decay.advance() {
            self.table.multiply_squares(factor);
            let others =
                std::iter::once(&mut self.bias).chain(self.features.iter_mut().map(|feature| &mut feature.cell));
            others.for_each(|cell| cell.squares *= factor);
        }
        if self.table.make_room()
            && let Some(touched) = &mut self.touched
        {
            touched.clear();
            (touched.all, touched.any) = (true, true);
        }
    }

    /// What has been learned so far, as a model that any scorer loads.
    pub fn to_model(&self) -> Result<Model, model::ConfigError> {
        Model::from_parts(Parts {
            config: self.model.clone(),
            documents: self.documents,
            bias: self.bias.weight.into(),
            terms: self.table.known().into_iter().map(part).collect(),
            features: self.features.iter().map(Feature::part).collect(),
            keep_rates: KeepRates::ALL,
        })
    }

    /// How terms are made.
    pub fn model(&self) -> &ModelConfig {
        &self.model
    }

    /// How many terms are known.
    pub fn terms(&self) -> usize {
        self.table.len()
    }

    /// Who has been refused for good.
    pub fn influence(&self) -> InfluenceReport {
        self.influence.report()
    }
}

fn part((index, Cell { scale, weight, .. }): (u64, Cell)) -> TermPart {
    TermPart { index, scale, weight }
}

/// A term that the batch model does not know counts as much as the one in the middle of those that it knows: neither does it
/// drown them, nor is it drowned.
fn median_scale(terms: &[TermPart]) -> f32 {
    let mut scales: Vec<f32> = terms.iter().map(|term| term.scale).collect();
    if scales.is_empty() {
        return 1.0;
    }
    let middle = scales.len() / 2;
    *scales.select_nth_unstable_by(middle, f32::total_cmp).1
}
