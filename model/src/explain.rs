//! Which terms carried a prediction.

use crate::features::FeatureConfig;
use crate::scoring::{Model, Scratch, TermFrequency, sigmoid};
use crate::terms::{Document, Ngrams, fields};
use crate::text::{Word, for_each_word};
use serde::Serialize;
use std::collections::{HashMap, VecDeque};

/// A part of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Field {
    /// The body.
    Text,
    /// The headline.
    Title,
}

/// What a term added to the log-odds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contribution {
    /// The term, or several of this document that share a slot, joined by ` | `.
    pub term: String,
    /// Where it stands.
    pub field: Field,
    /// How often.
    pub count: u32,
    /// What it added to the log-odds: above 0 towards the positive label.
    pub contribution: f64,
}

/// What a feature added to the log-odds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FeatureContribution {
    /// The feature's name.
    pub feature: String,
    /// Its value; none where it is missing, and adds nothing.
    pub value: Option<f64>,
    /// What it added to the log-odds: above 0 towards the positive label.
    pub contribution: f64,
}

/// A prediction taken apart: the bias, the keep rates and the contributions sum to the log-odds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// P(positive), as [`Model::probability`] gives it.
    pub probability: f64,
    /// The log-odds of a document without known terms and features, as the training rows have it.
    pub bias: f64,
    /// What takes back that rows of a class were left out of the training rows: [`KeepRates`](crate::KeepRates). 0 where none
    /// were.
    pub keep_rates: f64,
    /// The terms that the model knows, the heaviest first.
    pub terms: Vec<Contribution>,
    /// The features that the model takes, the heaviest first.
    pub features: Vec<FeatureContribution>,
}

impl Model {
    /// Takes the prediction for a document apart.
    pub fn explain(&self, document: &Document<'_>, scratch: &mut Scratch) -> Explanation {
        let names = self.names(document);
        let frequency = TermFrequency::of(&self.config.vectorizer);
        let found = scratch.terms.read(&self.config, document);
        let weighted = found.iter().filter_map(|term| {
            let slot = self.slots.get(term.of)?;
            Some((term, slot, f64::from(frequency.value(term.count) * slot.scale)))
        });
        let length = weighted.clone().map(|(_, _, value)| value * value).sum::<f64>().sqrt();
        let mut terms: Vec<Contribution> = weighted
            .map(|(term, slot, value)| {
                let (field, name) = names.get(&term.of).cloned().unwrap_or((Field::Text, String::new()));
                Contribution {
                    term: name,
                    field,
                    count: term.count,
                    contribution: value * f64::from(slot.weight) / length,
                }
            })
            .collect();
        terms.sort_by(|a, b| b.contribution.abs().total_cmp(&a.contribution.abs()));
        let feature = |(feature, value, contribution): (&FeatureConfig, _, _)| {
            let feature = feature.name.clone();
            FeatureContribution { feature, value, contribution }
        };
        let mut features: Vec<FeatureContribution> = self.contributions(document).map(feature).collect();
        features.sort_by(|a, b| b.contribution.abs().total_cmp(&a.contribution.abs()));
        let of_terms: f64 = terms.iter().map(|term| term.contribution).sum();
        let log_odds =
            self.bias + self.correction + of_terms + features.iter().map(|feature| feature.contribution).sum::<f64>();
        debug_assert!((sigmoid(log_odds) - self.probability(document, scratch)).abs() < 1e-9);
        let probability = self.probability(document, scratch);
        Explanation { probability, bias: self.bias, keep_rates: self.correction, terms, features }
    }

    /// The document's n-grams as people read them, by slot.
    pub(crate) fn names(&self, document: &Document<'_>) -> HashMap<u32, (Field, String)> {
        let mut names: HashMap<u32, (Field, String)> = HashMap::new();
        let mut word = Word::new();
        for (number, text) in fields(document) {
            let field = if number == 1 { Field::Title } else { Field::Text };
            let mut ngrams = Ngrams::new(&self.config.vectorizer, number);
            let mut last: VecDeque<String> = VecDeque::new();
            for_each_word(&self.config.cleaning, text, &mut word, |word| {
                if last.len() == usize::from(self.config.vectorizer.ngrams) {
                    last.pop_front();
                }
                last.push_back(String::from_utf8_lossy(word.as_bytes()).into_owned());
                ngrams.push(word.hash(), |slot, length| {
                    let name = last.iter().skip(last.len() - length).map(String::as_str).collect::<Vec<_>>().join(" ");
                    let (_, known) = names.entry(slot).or_insert_with(|| (field, name.clone()));
                    if !known.split(" | ").any(|other| other == name) {
                        known.push_str(" | ");
                        known.push_str(&name);
                    }
                });
            });
        }
        names
    }
}
