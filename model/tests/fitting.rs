//! What fitting promises besides scikit-learn's optimum.

#![expect(clippy::unwrap_used, reason = "in a test every failure is the test's")]

use model::{Corpus, Document, FitConfig, FitError, ModelConfig, Scratch};
use schemas::Label;

fn corpus(rows: &[(&str, Label)], config: ModelConfig) -> Corpus {
    let mut corpus = Corpus::new(config, 1 << 30).unwrap();
    let rows: Vec<_> = rows.iter().map(|&(text, label)| (Document { title: None, text }, label)).collect();
    corpus.push_batch(&rows).unwrap();
    corpus
}

fn any_frequency() -> ModelConfig {
    let mut config = ModelConfig::default();
    config.vectorizer.min_df = 1;
    config
}

fn error_of(corpus: Corpus) -> FitError {
    corpus.fit(&FitConfig::default(), &mut |_| ()).expect_err("nothing can be fitted")
}

#[test]
fn rows_of_one_class_are_refused_by_its_name() {
    let error = error_of(corpus(&[("good", Label::Positive), ("great", Label::Positive)], any_frequency()));
    assert_eq!(error, FitError::OneClass { rows: 2, class: "positive".to_owned() });
}

#[test]
fn no_rows_and_no_terms_are_refused() {
    assert_eq!(error_of(corpus(&[], any_frequency())), FitError::Empty);
    let rare = corpus(&[("good", Label::Positive), ("bad", Label::Negative)], ModelConfig::default());
    assert_eq!(error_of(rare), FitError::NoTerms { min_df: 2 });
    let blank = corpus(&[("...", Label::Positive), ("", Label::Negative)], any_frequency());
    assert_eq!(error_of(blank), FitError::NoTerms { min_df: 1 });
}

#[test]
fn a_matrix_above_the_limit_ends_the_reading() {
    let mut corpus = Corpus::new(any_frequency(), 100).unwrap();
    let text = "many different words here make many different terms of them";
    let error = corpus.push_batch(&[(Document { title: None, text }, Label::Positive)]).unwrap_err();
    assert_eq!(error, FitError::MemoryLimit { limit_bytes: 100, rows: 1 });
}

#[test]
fn rows_without_terms_move_only_the_bias() {
    let mut rows = vec![("good", Label::Positive), ("bad", Label::Negative)];
    rows.extend([("...", Label::Positive); 8]);
    let (model, report) = corpus(&rows, any_frequency()).fit(&FitConfig::default(), &mut |_| ()).unwrap();
    assert!(report.converged, "{report:?}");
    let mut scratch = Scratch::new();
    assert!(model.probability(&Document { title: None, text: "unknown" }, &mut scratch) > 0.8);
    assert!(model.probability(&Document { title: None, text: "bad" }, &mut scratch) < 0.5);
}

#[test]
fn how_rows_are_cut_into_batches_changes_nothing() {
    let texts: Vec<String> =
        (0..300).map(|i| format!("word{} word{} {}", i % 7, i % 11, if i % 3 == 0 { "good" } else { "bad" })).collect();
    let rows: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(i, text)| (Document { title: None, text }, if i % 3 == 0 { Label::Positive } else { Label::Negative }))
        .collect();
    let bytes = [1, 7, 300].map(|size| {
        let mut corpus = Corpus::new(any_frequency(), 1 << 30).unwrap();
        rows.chunks(size).for_each(|rows| corpus.push_batch(rows).unwrap());
        corpus.fit(&FitConfig::default(), &mut |_| ()).unwrap().0.to_bytes()
    });
    assert_eq!(bytes[0], bytes[1]);
    assert_eq!(bytes[1], bytes[2]);
}

#[test]
fn an_explanation_sums_to_the_log_odds_and_names_its_terms() {
    let rows = [
        ("good product", Label::Positive),
        ("bad product", Label::Negative),
        ("good value", Label::Positive),
        ("bad value", Label::Negative),
    ];
    let (model, _) = corpus(&rows, any_frequency()).fit(&FitConfig::default(), &mut |_| ()).unwrap();
    let document = Document { title: None, text: "A good, good product! never seen" };
    let explanation = model.explain(&document, &mut Scratch::new());
    let log_odds = explanation.bias + explanation.terms.iter().map(|term| term.contribution).sum::<f64>();
    assert!((1.0 / (1.0 + (-log_odds).exp()) - explanation.probability).abs() < 1e-12);
    assert_eq!(explanation.terms[0].term, "good");
    assert_eq!(explanation.terms[0].count, 2);
    assert!(explanation.terms[0].contribution > 0.0);
    assert!(explanation.terms.iter().all(|term| !term.term.contains("seen")));
}

#[test]
fn settings_that_lead_nowhere_are_refused_by_their_keys() {
    let c = FitConfig { c: 1e7, ..FitConfig::default() }.check().unwrap_err().to_string();
    assert_eq!(c, "train.c must lie above 0 and be at most 1000000");
    let labels = ["a".repeat(101), "b".to_owned()];
    let labels = ModelConfig { labels, ..ModelConfig::default() }.check().unwrap_err().to_string();
    assert_eq!(labels, "model.labels must be names of at most 100 bytes each");
    let mut large = any_frequency();
    large.vectorizer.hash_bits = 25;
    let error = error_of(corpus(&[("good", Label::Positive), ("bad", Label::Negative)], large)).to_string();
    assert!(error.starts_with("model.vectorizer.hash_bits must be at most 24 for 2 terms"), "{error}");
}
