//! What a model that learns on has changed: numbered differences between the models that it was, so that whoever holds one of
//! them has the next one, to the last bit, for a fraction of its bytes. How they are written is in `bytes.rs`, how a model
//! is kept up to date in `updated.rs`.

mod bytes;
mod updated;

pub use bytes::UpdateError;
pub use updated::{NotApplied, UpdatedModel};

use crate::config::{ConfigError, TermIndex};
use crate::keep_rates::KeepRates;
use crate::parts::{FeaturePart, Parts, TermPart};
use schemas::ModelVersion;

/// The version that updates go on from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Base {
    /// Its number.
    pub version: ModelVersion,
    /// The SHA-256 of its artifact, in lower-case hexadecimal.
    pub sha256: String,
}

/// What changed between two models that a learner was. Terms that neither list names stay as they are; everything else is as
/// it stands here.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// What the learner began with.
    pub base: Base,
    /// Counted from 1 for each base; the base itself is 0.
    pub number: u64,
    /// How many documents it has learned from by now.
    pub documents: u64,
    /// The log-odds of a document without known terms and features.
    pub bias: f64,
    /// The shares of the classes that scoring takes back; both are 1 where the bias holds that already.
    pub keep_rates: KeepRates,
    /// All features, in the order of the configuration.
    pub features: Vec<FeaturePart>,
    /// Terms that are new or have changed, in ascending order of their indices, each once.
    pub terms: Vec<TermPart>,
    /// The indices of terms that are not known any more, in ascending order; none of `terms`.
    pub removed: Vec<u64>,
}

impl Update {
    /// What makes `after` of `before`, to the last bit. They differ in what is learned, not in how terms are made.
    pub fn between(base: Base, number: u64, before: &Parts, after: &Parts) -> Result<Self, ConfigError> {
        if before.config != after.config {
            return Err(ConfigError::new("model", "makes terms in another way than the one that it goes on from"));
        }
        let (mut terms, mut removed) = (Vec::new(), Vec::new());
        let mut old = before.terms.iter().peekable();
        for term in &after.terms {
            removed.extend(std::iter::from_fn(|| old.next_if(|old| old.index < term.index)).map(|old| old.index));
            let was = old.next_if(|old| old.index == term.index);
            if was.is_none_or(|was| !is_same(was, term)) {
                terms.push(*term);
            }
        }
        removed.extend(old.map(|old| old.index));
        let &Parts { documents, bias, keep_rates, .. } = after;
        Ok(Self { base, number, documents, bias, keep_rates, features: after.features.clone(), terms, removed })
    }
}

impl Parts {
    /// Makes the model of an update. Whose it is and which comes next is the caller's to know ([`UpdatedModel`]); an update that
    /// does not fit the configuration changes nothing.
    pub fn apply(&mut self, update: &Update) -> Result<(), ConfigError> {
        if update.features.len() != self.features.len() {
            let (found, expected) = (update.features.len(), self.features.len());
            return Err(ConfigError::new("model.features", format!("are {expected}, and the update has {found}")));
        }
        let bits = self.config.vectorizer.hash_bits;
        let is_hashed = self.config.vectorizer.terms == TermIndex::Hashed;
        if is_hashed && update.terms.last().is_some_and(|last| last.index >> bits != 0) {
            let reason = format!("is {bits}, and the update has slots beyond 2^{bits}");
            return Err(ConfigError::new("model.vectorizer.hash_bits", reason));
        }
        if !(update.removed.is_empty() && overwrite(&mut self.terms, &update.terms)) {
            self.terms = merged(&self.terms, update);
        }
        self.documents = update.documents;
        self.bias = update.bias;
        self.keep_rates = update.keep_rates;
        self.features.clone_from(&update.features);
        Ok(())
    }
}

/// Equal to the last bit: a weight of -0 is another one than 0.
fn is_same(one: &TermPart, other: &TermPart) -> bool {
    one.scale.to_bits() == other.scale.to_bits() && one.weight.to_bits() == other.weight.to_bits()
}

/// Puts the changed terms in the places of those that they change; false where one of them is new.
fn overwrite(terms: &mut [TermPart], changed: &[TermPart]) -> bool {
    let mut from = 0;
    for term in changed {
        match terms[from..].binary_search_by_key(&term.index, |term| term.index) {
            Ok(behind) => {
                from += behind;
                terms[from] = *term;
            }
            Err(_) => return false,
        }
    }
    true
}

/// The terms after the update, in their order.
fn merged(terms: &[TermPart], update: &Update) -> Vec<TermPart> {
    let mut merged = Vec::with_capacity(terms.len() + update.terms.len());
    let mut changed = update.terms.iter().peekable();
    let mut removed = update.removed.iter().peekable();
    for term in terms {
        while let Some(new) = changed.next_if(|new| new.index < term.index) {
            merged.push(*new);
        }
        let is_changed = changed.peek().is_some_and(|new| new.index == term.index);
        while removed.next_if(|index| **index < term.index).is_some() {}
        let is_removed = removed.next_if(|index| **index == term.index).is_some();
        if !is_changed && !is_removed {
            merged.push(*term);
        }
    }
    merged.extend(changed.copied());
    merged
}
