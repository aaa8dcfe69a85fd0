//! The same documents, settings and labels give scikit-learn's probabilities: tokens, n-grams, tf-idf, norm and the optimum of
//! the regression are all in them. The golden numbers were printed by scikit-learn 1.9.1:
//!
//! ```python
//! v = TfidfVectorizer(token_pattern=r"\S+", ngram_range=(1, ngrams), sublinear_tf=sublinear, min_df=min_df)
//! m = LogisticRegression(C=c, tol=1e-12, max_iter=100000).fit(v.fit_transform(texts), labels)
//! m.predict_proba(v.transform(tests))[:, 1]
//! ```
//!
//! Those of features beside the text, of which the second is a count, by the same and
//!
//! ```python
//! s, weighed = StandardScaler(), lambda x: np.column_stack([x[:, 0], np.log1p(x[:, 1])])
//! x = hstack([v.fit_transform(texts), np.nan_to_num(s.fit_transform(weighed(train)))])
//! t = hstack([v.transform(tests), np.nan_to_num(s.transform(weighed(test)))])
//! ```

#![expect(clippy::unwrap_used, reason = "in a test every failure is the test's")]

use model::{Corpus, Document, FeatureConfig, FitConfig, Model, ModelConfig, Scratch, Transform, VectorizerConfig};
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

/// No number.
const N: f64 = f64::NAN;

const TRAIN_FEATURES: [[f64; 2]; 11] = [
    [4.5, 12.0],
    [2.5, 3.0],
    [4.0, 0.0],
    [N, N],
    [3.5, 150.0],
    [3.0, 7.0],
    [1.5, N],
    [4.8, 40.0],
    [N, 2.0],
    [2.0, 1.0],
    [4.2, 9.0],
];

const TEST_FEATURES: [[f64; 2]; 5] = [[4.9, 100.0], [N, N], [1.0, 5.0], [4.5, N], [3.2, 0.0]];

/// A mean as it is, and a count.
fn features() -> Vec<FeatureConfig> {
    let feature = |name: &str, transform| FeatureConfig { name: name.to_owned(), transform };
    vec![feature("stats.mean", Transform::None), feature("stats.count", Transform::Log1p)]
}

fn fit(vectorizer: VectorizerConfig, c: f64) -> Model {
    fit_with(ModelConfig { vectorizer, ..ModelConfig::default() }, c)
}

fn fit_with(config: ModelConfig, c: f64) -> Model {
    let fit = FitConfig { c, tolerance: 1e-9, max_iterations: 10_000, ..FitConfig::default() };
    let mut corpus = Corpus::new(config, fit.memory_limit_bytes).unwrap();
    let document = |(&(text, label), features)| (Document { title: None, text, features }, label);
    let rows: Vec<_> = TRAIN.iter().zip(TRAIN_FEATURES.each_ref().map(|row| &row[..])).map(document).collect();
    corpus.push_batch(&rows).unwrap();
    corpus.fit(&fit, &mut |_| ()).unwrap().0
}

fn assert_probabilities(model: &Model, expected: [f64; 5]) {
    let mut scratch = Scratch::new();
    for ((text, features), expected) in TEST.into_iter().zip(&TEST_FEATURES).zip(expected) {
        let probability = model.probability(&Document { title: None, text, features }, &mut scratch);
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

#[test]
fn features_beside_the_text_agree_whether_they_are_there_or_missing() {
    for (ngrams, c, expected) in [
        (2, 30.0, [0.99805842, 0.1746637, 0.00078662, 0.98113855, 0.08506017]),
        (1, 1.0, [0.92584333, 0.44232798, 0.07583556, 0.81801611, 0.31470025]),
    ] {
        let vectorizer = VectorizerConfig { ngrams, min_df: 1, sublinear_tf: true, ..VectorizerConfig::default() };
        let config = ModelConfig { vectorizer, features: features(), ..ModelConfig::default() };
        assert_probabilities(&fit_with(config, c), expected);
    }
}
