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
//!
//! Those of other penalties with `LogisticRegression(C=c, l1_ratio=ratio, solver="saga", ..)`, those of log-tf with
//! `use_idf=False`. Naive Bayes' ratios, with `c` the counts and `b = (c > 0).astype(float)`:
//!
//! ```python
//! p, q = (1 + np.asarray(b[y == label].sum(0)).ravel() for label in (1, 0))
//! ratio = np.maximum(np.abs(np.log((p / p.sum()) / (q / q.sum()))), 1e-6)
//! x = normalize(weighed(c) @ diags(idf * ratio))    # 1, or 1 + ln of the counts; idf is 1 for binary weights
//! ```
//!
//! All kinds of terms by `CountVectorizer(analyzer=terms)`, 1 + ln of the counts, idf, and a factor for the terms of titles:
//!
//! ```python
//! def terms(document):
//!     out = []
//!     grams = lambda part, words: [(part, *words[i : i + n]) for n in (1, 2) for i in range(len(words) - n + 1)]
//!     for field, text in zip(("title", "text"), document):
//!         words, marked, negated = text.split(), [], False
//!         for word in words:
//!             marked.append(("!" if negated else "") + word)
//!             negated |= word in {"not", "never"}
//!         for word in words:
//!             word = "<" + word + ">"
//!             out += [(field, "characters", word[i : i + n]) for n in (3, 4) for i in range(len(word) - n + 1)]
//!         out += grams(field, marked) + [(field, "around", *pair) for pair in zip(marked, marked[2:])]
//!         if field == "text":
//!             out += grams("first", marked[:2]) + grams("last", marked[-3:])
//!     return out
//! ```

#![expect(clippy::unwrap_used, reason = "in a test every failure is the test's")]

use model::{
    Corpus, Document, FeatureConfig, FitConfig, Model, ModelConfig, Scratch, TermIndex, Transform, VectorizerConfig,
    Weighting,
};
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

const TRAIN_TITLES: [&str; 11] =
    ["fine", "poor", "so good", "never", "yes", "bad", "poor", "good", "works", "bad value", "value"];

const TEST_TITLES: [&str; 5] = ["good", "never again", "fine", "", "not bad"];

/// Titles are for the test of all kinds of terms alone.
fn has_titles(config: &ModelConfig) -> bool {
    config.cleaning.mark_negated
}

/// A mean as it is, and a count.
fn features() -> Vec<FeatureConfig> {
    let feature = |name: &str, transform| FeatureConfig { name: name.to_owned(), transform };
    vec![feature("stats.mean", Transform::None), feature("stats.count", Transform::Log1p)]
}

/// Sublinear tf-idf of n-grams up to this many words, and none of the settings that other tests are about.
fn tf_idf(ngrams: u8) -> VectorizerConfig {
    VectorizerConfig {
        ngrams,
        weighting: Weighting::TfIdf,
        sublinear_tf: true,
        naive_bayes: false,
        min_df: 1,
        ..VectorizerConfig::default()
    }
}

fn fit(vectorizer: VectorizerConfig, c: f64) -> Model {
    fit_with(ModelConfig { vectorizer, ..ModelConfig::default() }, c)
}

fn fit_with(config: ModelConfig, c: f64) -> Model {
    fit_penalized(config, c, 0.0)
}

fn fit_penalized(config: ModelConfig, c: f64, l1_ratio: f64) -> Model {
    let fit = FitConfig { c, l1_ratio, tolerance: 1e-9, max_iterations: 10_000, ..FitConfig::default() };
    let mut corpus = Corpus::new(config.clone(), fit.memory_limit_bytes).unwrap();
    let document = |((&(text, label), title), features)| (Document { title, text, features }, label);
    let titles = TRAIN_TITLES.iter().map(|title| has_titles(&config).then_some(*title));
    let features = TRAIN_FEATURES.each_ref().map(|row| &row[..]);
    let rows: Vec<_> = TRAIN.iter().zip(titles).zip(features).map(document).collect();
    corpus.push_batch(&rows).unwrap();
    corpus.fit(&fit, &mut |_| ()).unwrap().0
}

fn assert_probabilities(model: &Model, expected: [f64; 5]) {
    let mut scratch = Scratch::new();
    let titles = TEST_TITLES.iter().map(|title| has_titles(model.config()).then_some(*title));
    for (((text, title), features), expected) in TEST.into_iter().zip(titles).zip(&TEST_FEATURES).zip(expected) {
        let probability = model.probability(&Document { title, text, features }, &mut scratch);
        assert!((probability - expected).abs() < TOLERANCE, "\"{text}\": {probability}, scikit-learn has {expected}");
    }
}

#[test]
fn sublinear_bigrams_with_a_weak_penalty_agree() {
    let vectorizer = tf_idf(2);
    assert_probabilities(&fit(vectorizer, 30.0), [0.84956862, 0.07462316, 0.84133196, 0.49136923, 0.04925806]);
}

#[test]
fn linear_tf_with_a_strong_penalty_agrees() {
    let vectorizer = VectorizerConfig { sublinear_tf: false, ..tf_idf(1) };
    assert_probabilities(&fit(vectorizer, 1.0), [0.60697883, 0.38358483, 0.60414013, 0.51695086, 0.36422206]);
}

#[test]
fn rare_terms_left_out_agree() {
    let vectorizer = VectorizerConfig { min_df: 2, ..tf_idf(2) };
    assert_probabilities(&fit(vectorizer, 10.0), [0.52021153, 0.06511934, 0.78097606, 0.3379119, 0.06511934]);
}

#[test]
fn features_beside_the_text_agree_whether_they_are_there_or_missing() {
    for (ngrams, c, expected) in [
        (2, 30.0, [0.99805842, 0.1746637, 0.00078662, 0.98113855, 0.08506017]),
        (1, 1.0, [0.92584333, 0.44232798, 0.07583556, 0.81801611, 0.31470025]),
    ] {
        let vectorizer = tf_idf(ngrams);
        let config = ModelConfig { vectorizer, features: features(), ..ModelConfig::default() };
        assert_probabilities(&fit_with(config, c), expected);
    }
}

#[test]
fn log_tf_agrees() {
    let vectorizer = VectorizerConfig { weighting: Weighting::Tf, ..tf_idf(2) };
    assert_probabilities(&fit(vectorizer, 10.0), [0.7717739, 0.13478502, 0.75406469, 0.4779691, 0.10147749]);
}

#[test]
fn naive_bayes_ratios_agree_hashed_or_exact() {
    for (weighting, expected) in [
        (Weighting::Binary, [0.71624963, 0.05629968, 0.91567154, 0.44441675, 0.03790736]),
        (Weighting::TfIdf, [0.76409033, 0.0602757, 0.91076235, 0.47867194, 0.04165887]),
    ] {
        for terms in [TermIndex::Hashed, TermIndex::Exact] {
            let vectorizer = VectorizerConfig { weighting, terms, naive_bayes: true, ..tf_idf(3) };
            assert_probabilities(&fit(vectorizer, 40.0), expected);
        }
    }
}

#[test]
fn every_kind_of_term_and_the_weight_of_titles_agree() {
    for (title_weight, expected) in [
        (1.0, [0.80879012, 0.21464634, 0.75733566, 0.69973833, 0.12738812]),
        (2.5, [0.8727644, 0.21721726, 0.81461039, 0.69659724, 0.13594831]),
    ] {
        for terms in [TermIndex::Hashed, TermIndex::Exact] {
            let vectorizer = VectorizerConfig {
                terms,
                title_weight,
                skip_bigrams: true,
                char_ngrams_min: 3,
                char_ngrams_max: 4,
                first_words: 2,
                last_words: 3,
                ..tf_idf(2)
            };
            let mut config = ModelConfig { vectorizer, ..ModelConfig::default() };
            config.cleaning.mark_negated = true;
            assert_probabilities(&fit_with(config, 10.0), expected);
        }
    }
}

#[test]
fn l1_and_elastic_net_agree() {
    for (c, l1_ratio, expected) in [
        (2.0, 1.0, [0.55279482, 0.5162626, 0.55279482, 0.55279482, 0.52036876]),
        (2.0, 0.3, [0.57611178, 0.42721938, 0.58603411, 0.53045919, 0.40774259]),
        (20.0, 0.8, [0.7418491, 0.0498662, 0.86584081, 0.49230744, 0.02829106]),
        (20.0, 1.0, [0.15288314, 0.05503031, 0.92404872, 0.09832671, 0.05879891]),
    ] {
        let config = ModelConfig { vectorizer: tf_idf(2), ..ModelConfig::default() };
        assert_probabilities(&fit_penalized(config, c, l1_ratio), expected);
    }
}
