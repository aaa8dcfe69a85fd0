//! Which terms carried a prediction.

use crate::features::FeatureConfig;
use crate::scoring::{Model, Scratch, TermFrequency, sigmoid};
use crate::terms::{Document, Origin, Part, Words, fields, for_each_term, name_of_characters};
use crate::text::{Word, for_each_word};
use serde::Serialize;
use std::collections::HashMap;

/// A part of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Field {
    /// The body.
    Text,
    /// The headline.
    Title,
    /// The first words of the body.
    Opening,
    /// The last words of the body.
    Ending,
}

/// What a term added to the log-odds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contribution {
    /// The term, or several of this document that share a slot, joined by ` | `. `NOT_` marks a negated word, `…` characters
    /// that the term leaves out.
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
        let found = self.table.read(&self.config, document, &mut scratch.terms);
        let weighted = found.iter().map(|term| {
            let slot = self.table.at(term.of);
            (term, slot, f64::from(frequency.value(term.count) * slot.scale))
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

    /// The document's terms as people read them, by their places among those that the model knows.
    pub(crate) fn names(&self, document: &Document<'_>) -> HashMap<u32, (Field, String)> {
        let (title, text) = (self.words(document, Part::Title), self.words(document, Part::Text));
        let words_of = |part| if part == Part::Title || part == Part::TitleCharacters { &title } else { &text };
        let name = |origin| match origin {
            Origin::Words { part, start, length } => words_of(part)[start..start + length].join(" "),
            Origin::Around { part, start } => {
                let words = words_of(part);
                format!("{} … {}", words[start], words[start + 2])
            }
            Origin::Characters { part, word, place } => {
                name_of_characters(words_of(part)[word].trim_start_matches(NEGATED), place)
            }
        };
        let mut names: HashMap<u32, (Field, String)> = HashMap::new();
        for_each_term(&self.config, document, &mut Words::new(), |key, origin| {
            let Some(place) = self.table.place(&self.config.vectorizer, key) else { return };
            let field = field(&origin);
            let name = name(origin);
            match names.get_mut(&place) {
                None => {
                    names.insert(place, (field, name));
                }
                Some((_, known)) if known.split(" | ").any(|other| other == name) => {}
                Some((_, known)) => {
                    known.push_str(" | ");
                    known.push_str(&name);
                }
            }
        });
        names
    }

    /// The words of a field, as people read them.
    fn words(&self, document: &Document<'_>, part: Part) -> Vec<String> {
        let mut words = Vec::new();
        for (_, text) in fields(document).filter(|(field, _)| *field == part) {
            for_each_word(&self.config.cleaning, text, &mut Word::new(), |word| {
                let mark = if word.is_negated() { NEGATED } else { "" };
                words.push(format!("{mark}{}", String::from_utf8_lossy(word.as_bytes())));
            });
        }
        words
    }
}

/// Before a negated word.
const NEGATED: &str = "NOT_";

fn field(origin: &Origin) -> Field {
    let (Origin::Words { part, .. } | Origin::Around { part, .. } | Origin::Characters { part, .. }) = origin;
    match part {
        Part::Text | Part::TextCharacters => Field::Text,
        Part::Title | Part::TitleCharacters => Field::Title,
        Part::Opening => Field::Opening,
        Part::Ending => Field::Ending,
    }
}
