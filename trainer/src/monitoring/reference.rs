//! What was normal when a version was made: gathered while it is tested, kept in its manifest, read from there.

use super::normal::unknown_words;
use crate::examples::Example;
use crate::validate::profile_of_version;
use model::{KeepRates, Model, Scratch};
use monitor::{Reference, ReferenceBuilder};
use registry::Manifest;
use std::collections::BTreeMap;

/// The parameter of a version that has the scores and features of its test rows.
pub(crate) const REFERENCE: &str = "reference";

/// The words that a version learned from and the scores and features that it had when it was tested, where its manifest has
/// them.
pub(super) fn reference_of_version(manifest: &Manifest) -> Option<Reference> {
    let words = profile_of_version(manifest);
    let tested = manifest.run.parameters.get(REFERENCE).and_then(|value| serde_json::from_value(value.clone()).ok());
    let reference: Option<Reference> = tested.or_else(|| words.is_some().then(Reference::default));
    reference.map(|reference| Reference { words: words.unwrap_or_default(), ..reference })
}

/// Of more test rows than these one of so many is looked at.
const ALL_ROWS: u64 = 4096;
const ONE_OF: u64 = 16;

/// Gathers what is normal for a model from the rows that it is tested on.
pub(crate) struct Gathering {
    builder: ReferenceBuilder,
    scratch: Scratch,
    rows: u64,
}

impl Gathering {
    /// Nothing yet; none for rows that are a sample by class, whose scores no stream will have.
    pub(crate) fn of(rates: KeepRates) -> Option<Self> {
        (rates == KeepRates::ALL).then(|| Self { builder: ReferenceBuilder::new(), scratch: Scratch::new(), rows: 0 })
    }

    /// Looks at a row.
    pub(crate) fn add(&mut self, model: &Model, example: &Example<'_>) {
        self.rows += 1;
        if self.rows > ALL_ROWS && !self.rows.is_multiple_of(ONE_OF) {
            return;
        }
        let document = &example.document;
        let features: BTreeMap<String, f64> = (model.features().iter().zip(document.features))
            .filter(|(_, value)| value.is_finite())
            .map(|(feature, value)| (feature.name.clone(), *value))
            .collect();
        let score = model.probability(document, &mut self.scratch);
        self.builder.add(score, Some(example.label), &features, None);
        let (unknown, words) = unknown_words(model, document.text, &mut self.scratch);
        self.builder.add_unknown_words(unknown, words);
    }

    /// What is normal.
    pub(crate) fn finish(self) -> Reference {
        self.builder.finish()
    }
}
