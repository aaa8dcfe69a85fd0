//! What fitting promises besides scikit-learn's optimum.

#![expect(clippy::unwrap_used, reason = "in a test every failure is the test's")]

use model::{
    Corpus, Document, FeatureConfig, Field, FitConfig, FitError, KeepRates, MAX_FEATURES, Model, ModelConfig,
    Punctuation, Scratch, TermIndex, Transform,
};
use schemas::Label;

fn corpus(rows: &[(&str, Label)], config: ModelConfig) -> Corpus {
    let mut corpus = Corpus::new(config, 1 << 30).unwrap();
    let rows: Vec<_> =
        rows.iter().map(|&(text, label)| (Document { title: None, text, features: &[] }, label)).collect();
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
fn the_most_frequent_terms_are_kept() {
    let rows = [("so good", Label::Positive), ("so bad", Label::Negative), ("so bad it hurts", Label::Negative)];
    for terms in [TermIndex::Hashed, TermIndex::Exact] {
        let mut config = any_frequency();
        (config.vectorizer.max_features, config.vectorizer.terms) = (3, terms);
        let (model, report) = corpus(&rows, config).fit(&FitConfig::default(), &mut |_| ()).unwrap();
        assert_eq!(report.terms, 3);
        // "so", "bad" and "so bad".
        let log_odds = |text| {
            let probability = model.probability(&Document { title: None, text, features: &[] }, &mut Scratch::new());
            (probability / (1.0 - probability)).ln()
        };
        assert_eq!(log_odds("good hurts"), log_odds(""));
        assert!(log_odds("bad") < log_odds(""));
    }
}

#[test]
fn a_matrix_above_the_limit_ends_the_reading() {
    let mut corpus = Corpus::new(any_frequency(), 100).unwrap();
    let text = "many different words here make many different terms of them";
    let error = corpus.push_batch(&[(Document { title: None, text, features: &[] }, Label::Positive)]).unwrap_err();
    assert_eq!(error, FitError::MemoryLimit { limit_bytes: 100, rows: 1 });
}

#[test]
fn rows_without_terms_move_only_the_bias() {
    let mut rows = vec![("good", Label::Positive), ("bad", Label::Negative)];
    rows.extend([("...", Label::Positive); 8]);
    let (model, report) = corpus(&rows, any_frequency()).fit(&FitConfig::default(), &mut |_| ()).unwrap();
    assert!(report.converged, "{report:?}");
    let mut scratch = Scratch::new();
    assert!(model.probability(&Document { title: None, text: "unknown", features: &[] }, &mut scratch) > 0.8);
    assert!(model.probability(&Document { title: None, text: "bad", features: &[] }, &mut scratch) < 0.5);
}

#[test]
fn how_rows_are_cut_into_batches_changes_nothing() {
    let texts: Vec<String> =
        (0..300).map(|i| format!("word{} word{} {}", i % 7, i % 11, if i % 3 == 0 { "good" } else { "bad" })).collect();
    let rows: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(i, text)| {
            (Document { title: None, text, features: &[] }, if i % 3 == 0 { Label::Positive } else { Label::Negative })
        })
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
    let document = Document { title: None, text: "A good, good product! never seen", features: &[] };
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
    (large.vectorizer.hash_bits, large.vectorizer.terms) = (25, TermIndex::Hashed);
    let error = error_of(corpus(&[("good", Label::Positive), ("bad", Label::Negative)], large)).to_string();
    assert!(error.starts_with("model.vectorizer.hash_bits must be at most 24 for 2 terms"), "{error}");
}

fn with_features(names: &[&str]) -> ModelConfig {
    let feature = |name: &&str| FeatureConfig { name: (*name).to_owned(), transform: Transform::None };
    ModelConfig { features: names.iter().map(feature).collect(), ..any_frequency() }
}

/// Texts that tell nothing, and a first feature that tells nearly all; a second one that is the same in each row.
fn corpus_of_features() -> Corpus {
    let mut corpus = Corpus::new(with_features(&["a.tells", "a.same"]), 1 << 30).unwrap();
    let values: Vec<[f64; 2]> = (0..40).map(|i| [if i % 10 == 0 { f64::NAN } else { f64::from(i % 2) }, 7.0]).collect();
    let label = |i| if i % 2 == 1 { Label::Positive } else { Label::Negative };
    let rows: Vec<_> = values
        .iter()
        .enumerate()
        .map(|(i, features)| (Document { title: None, text: "word", features }, label(i)))
        .collect();
    rows.chunks(7).for_each(|rows| corpus.push_batch(rows).unwrap());
    corpus
}

#[test]
fn a_feature_that_tells_the_class_is_learned_and_named() {
    let (model, report) = corpus_of_features().fit(&FitConfig::default(), &mut |_| ()).unwrap();
    assert!(report.converged, "{report:?}");
    let mut scratch = Scratch::new();
    let document = |features| Document { title: None, text: "word", features };
    assert!(model.probability(&document(&[1.0, 7.0]), &mut scratch) > 0.9);
    assert!(model.probability(&document(&[0.0, 7.0]), &mut scratch) < 0.1);
    let explanation = model.explain(&document(&[1.0, f64::NAN]), &mut scratch);
    let [tells, same] = &explanation.features[..] else { panic!("{explanation:?}") };
    assert_eq!((tells.feature.as_str(), tells.value, tells.contribution > 2.0), ("a.tells", Some(1.0), true));
    assert_eq!((same.feature.as_str(), same.value, same.contribution), ("a.same", None, 0.0));
    let of_terms: f64 = explanation.terms.iter().map(|term| term.contribution).sum();
    let log_odds = explanation.bias + of_terms + tells.contribution + same.contribution;
    assert!((1.0 / (1.0 + (-log_odds).exp()) - explanation.probability).abs() < 1e-12);
}

#[test]
fn a_missing_value_counts_as_the_mean_of_the_rows_that_had_one() {
    let (model, _) = corpus_of_features().fit(&FitConfig::default(), &mut |_| ()).unwrap();
    let mut scratch = Scratch::new();
    let mut probability = |features| model.probability(&Document { title: None, text: "word", features }, &mut scratch);
    // Of the 36 rows that have a value, every second one of 40 has a 1, and each tenth one, which would have a 0, has none.
    let means = [20.0 / 36.0, 7.0];
    let of_mean = probability(&means);
    for missing in [&[][..], &[f64::NAN], &[f64::INFINITY, f64::NEG_INFINITY], &[f64::NAN, f64::NAN, 1.0]] {
        assert!((probability(missing) - of_mean).abs() < 1e-12, "{missing:?}");
    }
}

#[test]
fn no_value_of_a_feature_makes_the_log_odds_anything_but_a_number() {
    let (model, _) = corpus_of_features().fit(&FitConfig::default(), &mut |_| ()).unwrap();
    let mut scratch = Scratch::new();
    for value in [f64::MAX, f64::MIN, f64::MIN_POSITIVE, -0.0, f64::NAN, f64::INFINITY] {
        let document = Document { title: None, text: "word", features: &[value; MAX_FEATURES + 1] };
        let probability = model.probability(&document, &mut scratch);
        assert!((0.0..=1.0).contains(&probability), "{value}: {probability}");
    }
}

#[test]
fn a_feature_without_values_or_without_a_mean_is_refused_by_its_name() {
    let error_of_values = |values: [f64; 2]| {
        let mut corpus = Corpus::new(with_features(&["a.b"]), 1 << 30).unwrap();
        let [first, second] = values.each_ref().map(std::slice::from_ref);
        let document = |text, features| Document { title: None, text, features };
        corpus
            .push_batch(&[(document("x", first), Label::Positive), (document("y", second), Label::Negative)])
            .unwrap();
        error_of(corpus)
    };
    assert_eq!(error_of_values([f64::NAN; 2]), FitError::NoFeatureValues { name: "a.b".to_owned() });
    assert_eq!(error_of_values([f64::MAX, f64::MIN]), FitError::FeatureTooLarge { name: "a.b".to_owned() });
}

#[test]
fn values_of_features_count_towards_the_memory_limit() {
    let bytes_with = |names| {
        let mut corpus = Corpus::new(with_features(names), 1 << 30).unwrap();
        let document = Document { title: None, text: "word", features: &[1.0; 4] };
        corpus.push_batch(&[(document, Label::Positive); 1000]).unwrap();
        corpus.bytes()
    };
    assert!(bytes_with(&["a.b", "a.c", "a.d", "a.e"]) >= bytes_with(&[]) + 4 * 16 * 1000);
}

#[test]
fn keep_rates_move_the_log_odds_by_their_constant_and_the_explanation_says_so() {
    let (sampled, _) = corpus_of_features().fit(&FitConfig::default(), &mut |_| ()).unwrap();
    let model = sampled.clone().with_keep_rates(KeepRates { negative: 1.0, positive: 0.1 }).unwrap();
    let mut scratch = Scratch::new();
    for features in [&[][..], &[1.0, 7.0], &[0.0, 7.0]] {
        let document = Document { title: None, text: "word", features };
        let log_odds = |probability: f64| (probability / (1.0 - probability)).ln();
        let moved = log_odds(model.probability(&document, &mut scratch))
            - log_odds(sampled.probability(&document, &mut scratch));
        assert!((moved - 10_f64.ln()).abs() < 1e-9, "{moved}");
        let [before, after] = [&sampled, &model].map(|model| model.explain(&document, &mut Scratch::new()));
        assert_eq!((before.keep_rates, after.keep_rates), (0.0, 10_f64.ln()));
        assert_eq!((before.bias, before.terms), (after.bias, after.terms));
    }
    assert!(sampled.with_keep_rates(KeepRates { negative: 0.0, positive: 1.0 }).is_err());
}

/// Settings with every kind of term.
fn with_all_kinds(terms: TermIndex) -> ModelConfig {
    let mut config = any_frequency();
    config.cleaning.mark_negated = true;
    config.cleaning.punctuation = Punctuation::Keep;
    config.vectorizer.ngrams = 3;
    config.vectorizer.skip_bigrams = true;
    config.vectorizer.char_ngrams_max = 4;
    config.vectorizer.first_words = 2;
    config.vectorizer.last_words = 2;
    config.vectorizer.title_weight = 2.0;
    config.vectorizer.terms = terms;
    config
}

fn titled() -> Vec<(Document<'static>, Label)> {
    let document = |title, text| Document { title: Some(title), text, features: &[] };
    vec![
        (document("good", "a good thing, not bad at all!"), Label::Positive),
        (document("bad", "bad. I would not buy it again"), Label::Negative),
        (document("nice one", "works well, très bien"), Label::Positive),
        (document("poor", "never works, très mal"), Label::Negative),
    ]
}

fn fitted(config: ModelConfig, rows: &[(Document<'_>, Label)]) -> Model {
    let mut corpus = Corpus::new(config, 1 << 30).unwrap();
    rows.chunks(3).for_each(|rows| corpus.push_batch(rows).unwrap());
    corpus.fit(&FitConfig::default(), &mut |_| ()).unwrap().0
}

#[test]
fn an_explanation_names_every_kind_of_term_so_that_people_read_it() {
    for terms in [TermIndex::Hashed, TermIndex::Exact] {
        let model = fitted(with_all_kinds(terms), &titled());
        let document = Document { title: Some("good"), text: "It is not bad at all! Works well", features: &[] };
        let explanation = model.explain(&document, &mut Scratch::new());
        let log_odds = explanation.bias + explanation.terms.iter().map(|term| term.contribution).sum::<f64>();
        assert!((1.0 / (1.0 + (-log_odds).exp()) - explanation.probability).abs() < 1e-12);
        let has = |field, name: &str| {
            let found = explanation.terms.iter().any(|term| term.field == field && term.term == name);
            assert!(found, "{name}: {explanation:?}");
        };
        has(Field::Title, "good");
        has(Field::Title, "goo…");
        has(Field::Text, "NOT_bad NOT_at");
        has(Field::Text, "not … NOT_at");
        has(Field::Text, "!");
        has(Field::Text, "…ork…");
        has(Field::Text, "…ell");
        assert!(explanation.terms.iter().all(|term| !term.term.is_empty()));
    }
}

#[test]
fn terms_that_are_told_apart_exactly_are_not_taken_for_others() {
    // 2^10 slots for some 2,000 terms: hashed, an unknown word meets a known slot more often than not.
    let texts: Vec<String> = (0..1000).map(|i| format!("w{i} v{i}")).collect();
    let rows: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(i, text)| {
            let label = if i % 2 == 0 { Label::Positive } else { Label::Negative };
            (Document { title: None, text, features: &[] }, label)
        })
        .collect();
    let unknown: Vec<String> = (0..100).map(|i| format!("unknown{i}")).collect();
    let known_of = |terms| {
        let mut config = any_frequency();
        config.vectorizer.hash_bits = 10;
        config.vectorizer.terms = terms;
        let model = fitted(config, &rows);
        let mut scratch = Scratch::new();
        let document = |text| Document { title: None, text, features: &[] };
        unknown.iter().filter(|text| !model.explain(&document(text), &mut scratch).terms.is_empty()).count()
    };
    assert_eq!(known_of(TermIndex::Exact), 0);
    assert!(known_of(TermIndex::Hashed) > 50);
}

#[test]
fn collisions_of_hashed_terms_are_counted_and_exact_ones_have_none() {
    let texts: Vec<String> = (0..2000).map(|i| format!("w{i}")).collect();
    let rows: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(i, text)| (text.as_str(), if i % 2 == 0 { Label::Positive } else { Label::Negative }))
        .collect();
    let collisions = |hash_bits, terms| {
        let mut config = any_frequency();
        (config.vectorizer.hash_bits, config.vectorizer.terms) = (hash_bits, terms);
        corpus(&rows, config).fit(&FitConfig::default(), &mut |_| ()).unwrap().1.collisions
    };
    // 2,000 words in 4,096 slots leave 4096 e^(-2000/4096) of them free, so that 439 words or so find theirs taken.
    let crowded = collisions(12, TermIndex::Hashed);
    assert!((300..600).contains(&crowded), "{crowded}");
    assert!(collisions(22, TermIndex::Hashed) < 10);
    assert_eq!(collisions(12, TermIndex::Exact), 0);
}

#[test]
fn settings_of_terms_that_make_no_sense_are_refused_by_their_keys() {
    let refusal = |change: fn(&mut ModelConfig)| {
        let mut config = ModelConfig::default();
        change(&mut config);
        config.check().unwrap_err().to_string()
    };
    let wrong = refusal(|config| config.vectorizer.char_ngrams_max = 2);
    assert!(wrong.starts_with("model.vectorizer.char_ngrams_max must be 0, for none, or lie in"), "{wrong}");
    let wrong = refusal(|config| (config.vectorizer.char_ngrams_min, config.vectorizer.char_ngrams_max) = (0, 3));
    assert_eq!(wrong, "model.vectorizer.char_ngrams_min must lie in 1 to 8");
    let wrong = refusal(|config| config.vectorizer.last_words = 1001);
    assert_eq!(wrong, "model.vectorizer.last_words must be at most 1000");
    let wrong = refusal(|config| config.vectorizer.title_weight = f32::NAN);
    assert_eq!(wrong, "model.vectorizer.title_weight must lie in 0.01 to 100");
    let wrong = refusal(|config| (config.cleaning.mark_negated, config.cleaning.lowercase) = (true, false));
    assert!(wrong.starts_with("model.cleaning.mark_negated needs model.cleaning.lowercase"), "{wrong}");
    let wrong = FitConfig { l1_ratio: 1.1, ..FitConfig::default() }.check().unwrap_err().to_string();
    assert_eq!(wrong, "train.l1_ratio must lie in 0, for L2 alone, to 1, for L1 alone");
}

#[test]
fn an_l1_penalty_leaves_few_weights_and_the_same_bytes_each_time() {
    let fit = |l1_ratio| {
        let fit = FitConfig { l1_ratio, c: 1.0, ..FitConfig::default() };
        let mut corpus = Corpus::new(with_all_kinds(TermIndex::Exact), 1 << 30).unwrap();
        corpus.push_batch(&titled()).unwrap();
        let (model, report) = corpus.fit(&fit, &mut |_| ()).unwrap();
        assert!(report.converged, "{report:?}");
        model
    };
    let weighed = |model: &Model| {
        let terms = model.explain(&titled()[0].0, &mut Scratch::new()).terms;
        (terms.len(), terms.iter().filter(|term| term.contribution != 0.0).count())
    };
    let ((all, with_l2), (same, with_l1)) = (weighed(&fit(0.0)), weighed(&fit(1.0)));
    assert_eq!((all, with_l2), (same, all), "a term without weight still counts towards a document's length");
    assert!(with_l1 < all / 5, "{with_l1} of {all}");
    assert_eq!(fit(1.0).to_bytes(), fit(1.0).to_bytes());
}
