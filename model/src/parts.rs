//! What those need who let a model learn on: the terms of a document, and the model taken apart and put together again.
//! They make terms with the very functions that score, so that what they learn is what scoring looks up.

use crate::config::{ConfigError, ModelConfig, TermIndex};
use crate::dense::{Dense, Standard};
use crate::keep_rates::KeepRates;
use crate::scoring::{MAGNITUDE_LIMIT, Model, Scratch};
use crate::slots::{Slot, Slots};
use crate::table::Table;
use crate::terms::{Document, Occurrences};
use crate::vocabulary::Vocabulary;

/// A model as plain data.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// What it was made with.
    pub config: ModelConfig,
    /// How many documents it learned from.
    pub documents: u64,
    /// The log-odds of a document without known terms and features.
    pub bias: f64,
    /// The known terms, in ascending order of their indices, each once.
    pub terms: Vec<TermPart>,
    /// One for each of the configuration's features.
    pub features: Vec<FeaturePart>,
    /// The shares of the classes that its training rows were.
    pub keep_rates: KeepRates,
}

/// What a model holds for a term.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TermPart {
    /// Its slot where terms are hashed, its key where they are told apart exactly.
    pub index: u64,
    /// What the term's frequency is multiplied with; above 0.
    pub scale: f32,
    /// The coefficient.
    pub weight: f32,
}

/// What a model holds for a feature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeaturePart {
    /// How its transformed values are standardized.
    pub standard: Standard,
    /// The coefficient.
    pub weight: f64,
}

impl Scratch {
    /// The slots of a document with how often it holds each, in the order of their first occurrence: for hashed terms.
    pub fn slots(&mut self, config: &ModelConfig, document: &Document<'_>) -> &[Occurrences] {
        self.terms.read(config, document)
    }

    /// The keys of a document with how often it holds each, in the order of their first occurrence: for exact terms.
    pub fn keys(&mut self, config: &ModelConfig, document: &Document<'_>) -> &[(u64, u32)] {
        self.terms.read_keys(config, document)
    }
}

impl Model {
    /// The model as plain data.
    pub fn to_parts(&self) -> Parts {
        let part = |index, Slot { scale, weight }| TermPart { index, scale, weight };
        let terms = match &self.table {
            Table::Hashed(slots) => slots.iter().map(|(slot, value)| part(slot.into(), value)).collect(),
            Table::Exact(vocabulary) => vocabulary.iter().map(|(key, value)| part(key, value)).collect(),
        };
        let feature = |&Dense { standard, weight }: &Dense| FeaturePart { standard, weight };
        Parts {
            config: self.config.clone(),
            documents: self.documents,
            bias: self.bias,
            terms,
            features: self.dense.iter().map(feature).collect(),
            keep_rates: self.keep_rates,
        }
    }

    /// A model of plain data, checked as one that is read from bytes.
    pub fn from_parts(parts: Parts) -> Result<Self, ConfigError> {
        let Parts { config, documents, bias, terms, features, keep_rates } = parts;
        config.check()?;
        config.vectorizer.check_terms(terms.len())?;
        let is_sane = |number: f64| number.abs() < MAGNITUDE_LIMIT;
        let is_usable = |term: &TermPart| term.scale > 0.0 && is_sane(term.scale.into()) && is_sane(term.weight.into());
        let is_hashed = config.vectorizer.terms == TermIndex::Hashed;
        let is_index = |term: &TermPart| !is_hashed || term.index >> config.vectorizer.hash_bits == 0;
        if !is_sane(bias) || !terms.iter().all(|term| is_usable(term) && is_index(term)) {
            return Err(ConfigError::new("model", "has a bias, a slot, a scale or a weight out of its range"));
        }
        if !terms.is_sorted_by(|one, next| one.index < next.index) {
            return Err(ConfigError::new("model", "has terms out of their order"));
        }
        let dense = |FeaturePart { standard, weight }| Dense { standard, weight };
        let dense: Vec<Dense> = features.into_iter().map(dense).collect();
        if dense.len() != config.features.len()
            || !dense.iter().all(|dense| dense.standard.is_sane() && is_sane(dense.weight))
        {
            return Err(ConfigError::new("model.features", "need a mean, a scale above 0 and a weight each"));
        }
        let values = terms.iter().map(|&TermPart { index, scale, weight }| (index, Slot { scale, weight }));
        let table = if is_hashed {
            let slots = values.map(|(slot, value)| (slot as u32, value));
            Table::Hashed(Slots::new(config.vectorizer.hash_bits, slots))
        } else {
            Table::Exact(Vocabulary::new(values))
        };
        Self { config, bias, documents, table, dense, keep_rates: KeepRates::ALL, correction: 0.0 }
            .with_keep_rates(keep_rates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fit::Corpus;
    use crate::{FeatureConfig, FitConfig, Transform, VectorizerConfig};
    use schemas::Label;

    fn model(terms: TermIndex) -> Model {
        let vectorizer = VectorizerConfig { terms, min_df: 1, ..VectorizerConfig::default() };
        let features = vec![FeatureConfig { name: "a.b".to_owned(), transform: Transform::Log1p }];
        let config = ModelConfig { vectorizer, features, ..ModelConfig::default() };
        let mut corpus = Corpus::new(config, 1 << 30).unwrap();
        for (text, value, label) in
            [("good as gold", 3.0, Label::Positive), ("bad as lead", 1.0, Label::Negative)].repeat(20)
        {
            corpus.push_batch(&[(Document { title: Some("so"), text, features: &[value] }, label)]).unwrap();
        }
        corpus.fit(&FitConfig::default(), &mut |_| {}).unwrap().0
    }

    #[test]
    fn a_model_put_together_again_is_the_same() {
        for terms in [TermIndex::Hashed, TermIndex::Exact] {
            let keep_rates = KeepRates { negative: 1.0, positive: 0.5 };
            let model = model(terms).with_keep_rates(keep_rates).unwrap();
            let again = Model::from_parts(model.to_parts()).unwrap();
            assert_eq!(again, model);
            assert_eq!(again.to_bytes(), model.to_bytes());
        }
    }

    #[test]
    fn the_terms_of_a_document_are_those_that_the_model_knows() {
        let document = Document { title: Some("so"), text: "good as gold", features: &[] };
        let mut scratch = Scratch::new();
        let hashed = model(TermIndex::Hashed);
        let known: Vec<u64> = hashed.to_parts().terms.iter().map(|term| term.index).collect();
        let slots = scratch.slots(hashed.config(), &document);
        assert_eq!(slots.len(), 7);
        assert!(slots.iter().all(|slot| known.contains(&slot.of.into()) && slot.count == 1));
        let exact = model(TermIndex::Exact);
        let known: Vec<u64> = exact.to_parts().terms.iter().map(|term| term.index).collect();
        assert!(scratch.keys(exact.config(), &document).iter().all(|(key, _)| known.contains(key)));
    }

    #[test]
    fn parts_that_make_no_sense_are_refused() {
        let refusal = |change: &dyn Fn(&mut Parts)| {
            let mut parts = model(TermIndex::Hashed).to_parts();
            change(&mut parts);
            Model::from_parts(parts).unwrap_err().to_string()
        };
        assert!(refusal(&|parts| parts.bias = f64::NAN).contains("out of its range"));
        assert!(refusal(&|parts| parts.terms[0].scale = 0.0).contains("out of its range"));
        assert!(refusal(&|parts| parts.terms[3].weight = f32::INFINITY).contains("out of its range"));
        assert!(refusal(&|parts| parts.terms[3].index = 1 << 40).contains("out of its range"));
        assert!(refusal(&|parts| parts.terms.swap(0, 1)).contains("out of their order"));
        assert!(refusal(&|parts| parts.features.clear()).contains("model.features"));
        assert!(refusal(&|parts| parts.features[0].standard.scale = 0.0).contains("model.features"));
    }
}
