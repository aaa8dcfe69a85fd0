//! The terms with most weight, by name. A model holds numbers of terms and not their words, so the words are found in
//! documents: of the heaviest terms those can be named that some document holds.

use crate::explain::Field;
use crate::scoring::{Model, Scratch};
use crate::terms::Document;
use serde::Serialize;
use std::collections::HashMap;

/// A term with its weight.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NamedTerm {
    /// The term, or several of one document that share a slot, joined by ` | `.
    pub term: String,
    /// Where it stands.
    pub field: Field,
    /// What it adds to the log-odds of a document that holds it once and nothing else: above 0 towards the positive label.
    pub weight: f64,
    /// How many of the documents hold it.
    pub documents: u64,
}

/// The terms with most weight, the heaviest first.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct NamedTerms {
    /// Towards the positive label.
    pub positive: Vec<NamedTerm>,
    /// Towards the negative label.
    pub negative: Vec<NamedTerm>,
}

impl NamedTerms {
    /// Whether no term was named.
    pub fn is_empty(&self) -> bool {
        self.positive.is_empty() && self.negative.is_empty()
    }
}

/// For each term that is to be named so many of the heaviest are looked for: most are rare, and stand in none of the
/// documents at hand.
const CANDIDATES: usize = 40;

/// Heavy terms that are looked for in documents.
pub struct HeavyTerms {
    by_place: HashMap<u32, Heavy>,
    scratch: Scratch,
}

struct Heavy {
    weight: f64,
    documents: u64,
    name: Option<(Field, String)>,
}

impl Model {
    /// The heaviest terms, to be looked for so that up to `each_way` are named either way. Of a document with one term
    /// alone the log-odds are the bias and the coefficient, for every document has length 1; a heavy term is one with a large
    /// coefficient.
    pub fn heavy_terms(&self, each_way: usize) -> HeavyTerms {
        let wanted = each_way.saturating_mul(CANDIDATES);
        let mut by_weight: Vec<(u32, f64)> = Vec::new();
        if each_way > 0 {
            by_weight.extend(self.table.values().map(|(place, value)| (place, f64::from(value.weight))));
        }
        let mut towards = |sign: f64| {
            if by_weight.len() > wanted {
                by_weight.select_nth_unstable_by(wanted, |(place, weight), (other_place, other)| {
                    (sign * other).total_cmp(&(sign * weight)).then(place.cmp(other_place))
                });
            }
            let heaviest = by_weight.iter().take(wanted).filter(move |(_, weight)| sign * weight > 0.0);
            heaviest.copied().collect::<Vec<_>>()
        };
        let candidates = [towards(1.0), towards(-1.0)].concat();
        let heavy = |(place, weight): (u32, f64)| (place, Heavy { weight, documents: 0, name: None });
        HeavyTerms { by_place: candidates.into_iter().map(heavy).collect(), scratch: Scratch::new() }
    }
}

impl HeavyTerms {
    /// Looks for the terms in a document.
    pub fn look_in(&mut self, model: &Model, document: &Document<'_>) {
        if self.by_place.is_empty() {
            return;
        }
        let Self { by_place, scratch } = self;
        let mut unnamed = Vec::new();
        for found in model.table.read(&model.config, document, &mut scratch.terms) {
            if let Some(heavy) = by_place.get_mut(&found.of) {
                heavy.documents += 1;
                if heavy.name.is_none() {
                    unnamed.push(found.of);
                }
            }
        }
        if unnamed.is_empty() {
            return;
        }
        let mut names = model.names(document);
        for place in unnamed {
            if let Some(heavy) = by_place.get_mut(&place) {
                heavy.name = names.remove(&place);
            }
        }
    }

    /// Adds what another of the same model has found.
    pub fn merge(&mut self, other: Self) {
        for (place, of_other) in other.by_place {
            if let Some(heavy) = self.by_place.get_mut(&place) {
                heavy.documents += of_other.documents;
                let names = [heavy.name.take(), of_other.name];
                // Of words that share a slot those come first whichever of the two found them.
                heavy.name = names.into_iter().flatten().min_by(|one, other| one.1.cmp(&other.1));
            }
        }
    }

    /// The heaviest terms that were found, up to so many either way.
    pub fn named(self, each_way: usize) -> NamedTerms {
        let mut terms: Vec<NamedTerm> = (self.by_place.into_values())
            .filter_map(|Heavy { weight, documents, name }| {
                let (field, term) = name?;
                Some(NamedTerm { term, field, weight, documents })
            })
            .collect();
        terms.sort_unstable_by(|one, other| {
            other.weight.abs().total_cmp(&one.weight.abs()).then_with(|| one.term.cmp(&other.term))
        });
        let (mut positive, mut negative): (Vec<_>, Vec<_>) = terms.into_iter().partition(|term| term.weight > 0.0);
        positive.truncate(each_way);
        negative.truncate(each_way);
        NamedTerms { positive, negative }
    }
}
