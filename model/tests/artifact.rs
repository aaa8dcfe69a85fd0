//! A model's bytes: what goes in comes out, and nothing else is taken for a model.

#![expect(clippy::unwrap_used, reason = "in a test every failure is the test's")]

use model::{ArtifactError, Corpus, Document, FitConfig, Model, ModelConfig, Scratch};
use schemas::Label;

fn small_model(seed: u64) -> Model {
    let mut config = ModelConfig::default();
    config.vectorizer.min_df = 1;
    config.vectorizer.hash_bits = 12;
    let fit = FitConfig { seed, ..FitConfig::default() };
    let mut corpus = Corpus::new(config, fit.memory_limit_bytes).unwrap();
    let rows = [("good product", Label::Positive), ("bad product", Label::Negative), ("great", Label::Positive)]
        .map(|(text, label)| (Document { title: Some("a title"), text }, label));
    corpus.push_batch(&rows).unwrap();
    corpus.fit(&fit, &mut |_| ()).unwrap().0
}

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
    let model = small_model(1);
    let again = Model::from_bytes(&model.to_bytes()).unwrap();
    assert_eq!(model, again);
    let document = Document { title: Some("title"), text: "a good, good product; bad as well" };
    let mut scratch = Scratch::new();
    assert_eq!(
        model.probability(&document, &mut scratch).to_bits(),
        again.probability(&document, &mut scratch).to_bits()
    );
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
    let bytes = small_model(1).to_bytes();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        // A blank in the header is all that may change without a meaning.
        if let Ok(model) = Model::from_bytes(&changed) {
            assert_eq!(model, small_model(1), "byte {at}");
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
        header.replace(r#"format_version\":1"#, r#"format_version\":2"#)
    });
    assert!(matches!(refusal(&later), ArtifactError::NewerFormat { found: 2 }));
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
