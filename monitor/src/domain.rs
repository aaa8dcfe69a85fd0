//! Whether a classifier can tell today's texts from those of the reference.

use model::metrics::Evaluation;
use model::{Corpus, Document, FitConfig, FitError, ModelConfig, Scratch, VectorizerConfig};
use schemas::Label;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// How well the two kinds of texts can be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DomainGap {
    /// Area under the ROC curve of a classifier that was trained on other texts of both kinds: 0.5 where they are alike.
    pub auc: f64,
    /// What is reached by chance, or means nothing.
    pub threshold: f64,
}

impl DomainGap {
    /// Whether the texts are of another kind.
    pub fn is_beyond(&self) -> bool {
        self.auc > self.threshold
    }
}

/// Less is no drift that anybody need know of (the threshold of Evidently's text drift).
const LEAST_AUC: f64 = 0.55;
/// Fewer texts of either kind teach nothing.
const LEAST_TEXTS: usize = 50;
/// What the matrix of a few thousand texts may take.
const MEMORY_LIMIT_BYTES: u64 = 512 << 20;

/// Trains a classifier of words between the two kinds and tests it on texts that it has not seen, in two halves that change
/// places (a classifier two-sample test, Lopez-Paz & Oquab 2017, "Revisiting classifier two-sample tests"). The threshold is
/// the larger of 0.55 and `1/2 + z sqrt((n + m + 1) / (12 n m))`, three deviations of the AUC of scores that tell nothing (Mann &
/// Whitney 1947). Copies of one text in both halves would be told apart by heart: each text is taken once. None with fewer
/// than 50 texts of either kind.
pub fn domain_gap(current: &[&str], reference: &[&str]) -> Result<Option<DomainGap>, FitError> {
    let mut seen = HashSet::new();
    let mut rows: Vec<(&str, Label)> = Vec::new();
    let kinds = [(reference, Label::Negative), (current, Label::Positive)];
    for (texts, label) in kinds {
        rows.extend(texts.iter().filter(|text| seen.insert((**text, label))).map(|text| (*text, label)));
    }
    // A text of both kinds says nothing of either.
    rows.retain(|(text, _)| !(seen.contains(&(*text, Label::Negative)) && seen.contains(&(*text, Label::Positive))));
    let of = |label| rows.iter().filter(|row| row.1 == label).count();
    let (n, m) = (of(Label::Negative), of(Label::Positive));
    if n.min(m) < LEAST_TEXTS {
        return Ok(None);
    }
    let halves = [0, 1].map(|half| rows.iter().skip(half).step_by(2).copied().collect::<Vec<_>>());
    let (mut weighted, mut tested) = (0.0, 0.0);
    for (train, test) in [(&halves[0], &halves[1]), (&halves[1], &halves[0])] {
        // Scores of two classifiers have two scales: the AUC is taken within each half.
        if let Some(auc) = auc(train, test)? {
            weighted += auc * test.len() as f64;
            tested += test.len() as f64;
        }
    }
    let (n, m) = (n as f64, m as f64);
    let by_chance = 0.5 + 3.0 * ((n + m + 1.0) / (12.0 * n * m)).sqrt();
    Ok((tested > 0.0).then(|| DomainGap { auc: weighted / tested, threshold: by_chance.max(LEAST_AUC) }))
}

fn auc(train: &[(&str, Label)], test: &[(&str, Label)]) -> Result<Option<f64>, FitError> {
    let document = |text| Document { title: None, text, features: &[] };
    let vectorizer = VectorizerConfig { ngrams: 1, ..VectorizerConfig::default() };
    let mut corpus = Corpus::new(ModelConfig { vectorizer, ..ModelConfig::default() }, MEMORY_LIMIT_BYTES)?;
    let rows: Vec<_> = train.iter().map(|&(text, label)| (document(text), label)).collect();
    corpus.push_batch(&rows)?;
    let model = match corpus.fit(&FitConfig { c: 1.0, max_iterations: 50, ..FitConfig::default() }, &mut |_| ()) {
        Ok((model, _)) => model,
        Err(FitError::NoTerms { .. } | FitError::OneClass { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let (mut evaluation, mut scratch) = (Evaluation::new(), Scratch::new());
    for &(text, label) in test {
        evaluation.push(model.probability(&document(text), &mut scratch), label);
    }
    Ok(evaluation.metrics().and_then(|metrics| metrics.roc_auc))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    const BOOKS: [&str; 8] = ["page", "author", "the", "was", "good", "bad", "chapter", "story"];
    const PHONES: [&str; 8] = ["screen", "battery", "the", "was", "good", "bad", "charger", "case"];

    fn texts(words: &[&str], seed: u64) -> Vec<String> {
        let mut random = Random::new(seed);
        let mut text =
            || (0..12).map(|_| words[random.below(words.len() as u64) as usize]).collect::<Vec<_>>().join(" ");
        (0..200).map(|_| text()).collect()
    }

    fn gap(one: &[String], other: &[String]) -> Option<DomainGap> {
        domain_gap(
            &one.iter().map(String::as_str).collect::<Vec<_>>(),
            &other.iter().map(String::as_str).collect::<Vec<_>>(),
        )
        .unwrap()
    }

    #[test]
    fn texts_of_another_domain_are_told_apart_and_those_of_the_same_are_not() {
        let other = gap(&texts(&PHONES, 1), &texts(&BOOKS, 2)).unwrap();
        assert!(other.is_beyond() && other.auc > 0.95, "{other:?}");
        let same: Vec<DomainGap> =
            (0..10).map(|i| gap(&texts(&BOOKS, 100 + i), &texts(&BOOKS, 200 + i)).unwrap()).collect();
        assert!(!same.iter().any(DomainGap::is_beyond), "{same:?}");
    }

    #[test]
    fn copies_are_not_known_by_heart_and_few_texts_say_nothing() {
        let books = texts(&BOOKS, 1);
        assert_eq!(gap(&books, &books), None, "no text is of one kind alone");
        let copies: Vec<String> = (0..500).map(|_| "the same text".to_owned()).collect();
        assert_eq!(gap(&copies, &books), None);
    }
}
