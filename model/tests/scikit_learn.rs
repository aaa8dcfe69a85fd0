//! The same documents, settings and labels give scikit-learn's probabilities: tokens, n-grams, tf-idf, norm and the optimum of
//! the regression are all in them. The golden numbers were printed by scikit-learn 1.9.1:
//!
//! ```python
//! v = TfidfVectorizer(token_pattern=r"\S+", ngram_range=(1, ngrams), sublinear_tf=sublinear, min_df=min_df)
//! m = LogisticRegression(C=c, tol=1e-12, max_iter=100000).fit(v.fit_transform(texts), labels)
//! m.predict_proba(v.transform(tests))[:, 1]
//! ```

#![expect(clippy::unwrap_used, reason = "in a test every failure is the test's")]

use model::{Corpus, Document, FitConfig, Model, ModelConfig, Scratch, VectorizerConfig};
use schemas::Label::{self, Negative, Positive};

/// How far a probability may lie from scikit-learn's.
const TOLERANCE: f64 = 1e-4;

const TRAIN: [(&str, Label); 11] = [
    ("good product works well", Positive),
    ("bad product broke", Negative),
    ("works great very good good", Positive),
    ("terrible never buy it again", Negative),
    ("love it", Positive),
    ("not good at all", Negative),
    ("very bad bad quality", Negative),
    ("great quality love the product", Positive),
    ("it works", Positive),
    ("waste of money", Negative),
    ("good value for money", Positive),
];

const TEST: [&str; 5] =
    ["good good product", "never buy this bad thing", "love the quality", "unknown words only", "not bad at all"];

fn fit(vectorizer: VectorizerConfig, c: f64) -> Model {
    let config = ModelConfig { vectorizer, ..ModelConfig::default() };
    let fit = FitConfig { c, tolerance: 1e-9, max_iterations: 10_000, ..FitConfig::default() };
    let mut corpus = Corpus::new(config, fit.memory_limit_bytes).unwrap();
    let rows: Vec<_> = TRAIN.iter().map(|&(text, label)| (Document { title: None, text }, label)).collect();
    corpus.push_batch(&rows).unwrap();
    corpus.fit(&fit, &mut |_| ()).unwrap().0
}

fn assert_probabilities(model: &Model, expected: [f64; 5]) {
    let mut scratch = Scratch::new();
    for (text, expected) in TEST.into_iter().zip(expected) {
        let probability = model.probability(&Document { title: None, text }, &mut scratch);
        assert!((probability - expected).abs() < TOLERANCE, "\"{text}\": {probability}, scikit-learn has {expected}");
    }
}

#[test]
fn sublinear_bigrams_with_a_weak_penalty_agree() {
    let vectorizer = VectorizerConfig { ngrams: 2, min_df: 1, sublinear_tf: true, ..VectorizerConfig::default() };
    assert_probabilities(&fit(vectorizer, 30.0), [0.84956862, 0.07462316, 0.84133196, 0.49136923, 0.04925806]);
}

#[test]
fn linear_tf_with_a_strong_penalty_agrees() {
    let vectorizer = VectorizerConfig { ngrams: 1, min_df: 1, sublinear_tf: false, ..VectorizerConfig::default() };
    assert_probabilities(&fit(vectorizer, 1.0), [0.60697883, 0.38358483, 0.60414013, 0.51695086, 0.36422206]);
}

#[test]
fn rare_terms_left_out_agree() {
    let vectorizer = VectorizerConfig { ngrams: 2, min_df: 2, sublinear_tf: true, ..VectorizerConfig::default() };
    assert_probabilities(&fit(vectorizer, 10.0), [0.52021153, 0.06511934, 0.78097606, 0.3379119, 0.06511934]);
}
