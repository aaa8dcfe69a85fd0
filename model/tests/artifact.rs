//! A model's bytes: what goes in comes out, and nothing else is taken for a model.

#![expect(clippy::unwrap_used, reason = "in a test every failure is the test's")]

use model::{
    ArtifactError, Corpus, Document, FeatureConfig, FitConfig, KeepRates, Model, ModelConfig, Scratch, TermIndex,
    Transform,
};
use schemas::Label;

/// A tenth of the positive rows was kept.
fn of_a_sample() -> Model {
    small_model(1).with_keep_rates(KeepRates { negative: 1.0, positive: 0.1 }).unwrap()
}

/// Settings that the first format had.
fn of_format_1() -> ModelConfig {
    let mut config = ModelConfig::default();
    config.vectorizer.naive_bayes = false;
    config.vectorizer.ngrams = 2;
    config.vectorizer.max_features = 0;
    config.vectorizer.terms = TermIndex::Hashed;
    config
}

fn small_model(seed: u64) -> Model {
    fitted(of_format_1(), seed)
}

/// Everything that came with format 3.
fn of_format_3() -> Model {
    let mut config = ModelConfig::default();
    config.cleaning.mark_negated = true;
    config.vectorizer.skip_bigrams = true;
    config.vectorizer.char_ngrams_min = 2;
    config.vectorizer.char_ngrams_max = 3;
    config.vectorizer.first_words = 3;
    config.vectorizer.last_words = 2;
    config.vectorizer.naive_bayes = true;
    config.vectorizer.title_weight = 1.5;
    config.vectorizer.terms = TermIndex::Exact;
    let feature = FeatureConfig { name: "stats.mean".to_owned(), transform: Transform::None };
    let features = vec![feature, FeatureConfig { name: "stats.count".to_owned(), transform: Transform::Log1p }];
    let model = fitted(ModelConfig { features, ..config }, 1);
    model.with_keep_rates(KeepRates { negative: 1.0, positive: 0.25 }).unwrap()
}

fn with_features() -> Model {
    let feature = |name: &str, transform| FeatureConfig { name: name.to_owned(), transform };
    let features = vec![feature("stats.mean", Transform::None), feature("stats.count", Transform::Log1p)];
    fitted(ModelConfig { features, ..of_format_1() }, 1)
}

fn fitted(mut config: ModelConfig, seed: u64) -> Model {
    config.vectorizer.min_df = 1;
    config.vectorizer.hash_bits = 12;
    let fit = FitConfig { seed, ..FitConfig::default() };
    let mut corpus = Corpus::new(config, fit.memory_limit_bytes).unwrap();
    let rows = [
        ("good product", Label::Positive, [4.5, 3.0]),
        ("bad product", Label::Negative, [2.5, f64::NAN]),
        ("great", Label::Positive, [f64::NAN, 120.0]),
    ];
    let rows =
        rows.each_ref().map(|(text, label, features)| (Document { title: Some("a title"), text, features }, *label));
    corpus.push_batch(&rows).unwrap();
    corpus.fit(&fit, &mut |_| ()).unwrap().0
}

const DOCUMENT: Document<'_> =
    Document { title: Some("title"), text: "a good, good product; bad as well", features: &[4.0, 60.0] };

const GOLDEN_1: f64 = 0.7948112063046583;
const GOLDEN_2: f64 = 0.9536189945323109;
const GOLDEN_3: f64 = 0.9893738446011803;

/// Writes the safetensors header again with `change` applied to it as text.
fn with_header(bytes: &[u8], change: impl Fn(String) -> String) -> Vec<u8> {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header = change(String::from_utf8(bytes[8..8 + length].to_vec()).unwrap());
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &bytes[8 + length..]].concat()
}

fn refusal(bytes: &[u8]) -> ArtifactError {
    Model::from_bytes(bytes).expect_err("the bytes are no model")
}

#[test]
fn a_model_comes_back_as_it_was_and_scores_the_same_to_the_last_bit() {
    for model in [small_model(1), with_features(), of_a_sample(), of_format_3()] {
        let again = Model::from_bytes(&model.to_bytes()).unwrap();
        assert_eq!(model, again);
        let mut scratch = Scratch::new();
        assert_eq!(
            model.probability(&DOCUMENT, &mut scratch).to_bits(),
            again.probability(&DOCUMENT, &mut scratch).to_bits()
        );
    }
}

/// Whatever is in service today has to load tomorrow, and to score as it did.
#[test]
fn every_past_format_still_loads_and_scores_as_it_did() {
    for (file, features, probability) in
        [("format_1", 0, GOLDEN_1), ("format_2", 2, GOLDEN_2), ("format_3", 2, GOLDEN_3)]
    {
        let bytes = std::fs::read(format!("tests/golden/{file}.safetensors")).unwrap();
        let model = Model::from_bytes(&bytes).unwrap();
        assert_eq!(model.features().len(), features);
        let scored = model.probability(&DOCUMENT, &mut Scratch::new());
        assert!((scored - probability).abs() < 1e-12, "{file}: {scored}");
        assert_eq!(model.to_bytes(), bytes, "{file}: written again it is the same file");
    }
}

#[test]
fn the_same_rows_and_seed_give_the_same_bytes() {
    assert_eq!(small_model(7).to_bytes(), small_model(7).to_bytes());
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    let bytes = small_model(1).to_bytes();
    for length in 0..bytes.len() {
        let error = refusal(&bytes[..length]);
        assert!(matches!(error, ArtifactError::Truncated | ArtifactError::Foreign { .. }), "{length}: {error}");
    }
    assert!(matches!(refusal(&bytes[..bytes.len() / 2]), ArtifactError::Truncated));
}

#[test]
fn any_changed_byte_is_noticed() {
    for model in [small_model(1), with_features(), of_a_sample(), of_format_3()] {
        let bytes = model.to_bytes();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            // A blank in the header is all that may change without a meaning.
            if let Ok(changed) = Model::from_bytes(&changed) {
                assert_eq!(changed, model, "byte {at}");
            }
        }
    }
}

#[test]
fn a_changed_weight_is_damage_and_is_called_so() {
    let mut bytes = small_model(1).to_bytes();
    *bytes.last_mut().unwrap() ^= 1;
    assert!(matches!(refusal(&bytes), ArtifactError::Damaged { .. }));
}

#[test]
fn a_changed_setting_is_damage_and_is_called_so() {
    let bytes =
        with_header(&small_model(1).to_bytes(), |header| header.replace(r#"lowercase\":true"#, r#"lowercase\":false"#));
    assert!(matches!(refusal(&bytes), ArtifactError::Damaged { .. }));
}

#[test]
fn foreign_files_are_told_apart_from_damaged_ones() {
    for foreign in [&b"PAR1 and then some more bytes"[..], b"\x80\x04\x95 a pickle of sorts", b"{\"a\": 1}          "] {
        assert!(matches!(refusal(foreign), ArtifactError::Foreign { .. }), "{:?}", refusal(foreign));
    }
    let other = with_header(&small_model(1).to_bytes(), |header| header.replace("\"plaudit\"", "\"format\""));
    assert!(refusal(&other).to_string().contains("has no entry `plaudit`"));
}

#[test]
fn a_later_format_asks_for_a_newer_release() {
    let later = with_header(&small_model(1).to_bytes(), |header| {
        header.replace(r#"format_version\":1"#, r#"format_version\":4"#)
    });
    assert!(matches!(refusal(&later), ArtifactError::NewerFormat { found: 4 }));
}

#[test]
fn a_header_that_promises_a_giant_table_is_refused() {
    let giant =
        with_header(&small_model(1).to_bytes(), |header| header.replace(r#"hash_bits\":12"#, r#"hash_bits\":60"#));
    assert!(matches!(refusal(&giant), ArtifactError::Invalid { .. }));
}

#[test]
fn a_large_table_for_few_terms_is_refused() {
    let large =
        with_header(&small_model(1).to_bytes(), |header| header.replace(r#"hash_bits\":12"#, r#"hash_bits\":26"#));
    assert!(matches!(refusal(&large), ArtifactError::Invalid { .. }));
}

#[test]
fn unknown_fields_and_further_tensors_are_refused() {
    let unknown = with_header(&small_model(1).to_bytes(), |header| {
        header.replace(r#"\"format_version\":1"#, r#"\"format_version\":1,\"more\":2"#)
    });
    assert!(refusal(&unknown).to_string().contains("unknown field `more`"), "{}", refusal(&unknown));
    let further = with_header(&small_model(1).to_bytes(), |header| {
        let tensor = r#"{"further":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"#;
        header.replacen('{', tensor, 1)
    });
    assert!(refusal(&further).to_string().contains("has tensors besides"), "{}", refusal(&further));
}

#[test]
fn older_builds_are_told_which_models_have_what_they_do_not_know() {
    let version_of = |model: &Model| {
        let bytes = model.to_bytes();
        let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
        let header = &header.metadata().as_ref().unwrap()["plaudit"];
        serde_json::from_str::<serde_json::Value>(header).unwrap()["format_version"].as_u64()
    };
    assert_eq!(
        [small_model(1), with_features(), of_a_sample(), of_format_3()].each_ref().map(version_of),
        [Some(1), Some(2), Some(3), Some(3)]
    );
}

#[test]
fn a_table_of_features_that_is_not_that_of_their_names_is_refused() {
    let fewer = with_header(&with_features().to_bytes(), |header| {
        header.replace(r#"{\"name\":\"stats.mean\",\"transform\":\"none\"},"#, "")
    });
    assert!(matches!(refusal(&fewer), ArtifactError::Damaged { .. }), "{}", refusal(&fewer));
    let none = with_header(&with_features().to_bytes(), |header| {
        let from = header.find(r#",\"features\":["#).unwrap();
        let end = from + header[from..].find(']').unwrap();
        format!("{}{}", &header[..from], &header[end + 1..])
    });
    assert!(refusal(&none).to_string().contains("has tensors besides"), "{}", refusal(&none));
}

#[test]
fn keep_rates_that_are_no_shares_are_refused() {
    for rate in ["0.0", "1.5", "-0.1", "1e-300"] {
        let wrong = with_header(&of_a_sample().to_bytes(), |header| {
            header.replace(r#"positive\":0.1"#, &format!(r#"positive\":{rate}"#))
        });
        assert!(matches!(refusal(&wrong), ArtifactError::Invalid { .. } | ArtifactError::Damaged { .. }), "{rate}");
    }
}

#[test]
fn exact_terms_out_of_order_and_tensors_of_hashed_ones_are_refused() {
    let exact = of_format_3().to_bytes();
    let hashed = with_header(&exact, |header| header.replace(r#",\"terms\":\"exact\""#, ""));
    assert!(refusal(&hashed).to_string().contains("no tensor `slot`"), "{}", refusal(&hashed));
}
