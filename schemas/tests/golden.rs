//! Records of every form that must decode for ever. Beside each `NAME.json` stands `NAME.out.json`: the same record as it is
//! written today, so that neither what is read nor what it means can drift. Files are only ever added.

use schemas::{Alert, DecodeError, Feedback, ModelState, Prediction, Review};
use serde::Serialize;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Decodes every golden file of a type, and compares what it says with what it must say.
fn hold<T: Serialize>(kind: &str, at_least: usize, decode: impl Fn(&[u8]) -> Result<T, DecodeError>) {
    let written = |bytes: &[u8], file: &Path| {
        let record = decode(bytes).unwrap_or_else(|error| panic!("{} does not decode: {error}", file.display()));
        serde_json::to_value(record).expect("a record is JSON")
    };
    let files = json_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(kind));
    let (outputs, inputs): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| is_output(file));
    assert!(inputs.len() >= at_least, "golden files of {kind} are lost: {} are left of {at_least}", inputs.len());
    for input in &inputs {
        let output = input.with_extension("out.json");
        assert!(outputs.contains(&output), "{} is missing", output.display());
        let (input_bytes, output_bytes) = (read(input), read(&output));
        let expected: Value = serde_json::from_slice(&output_bytes).expect("a golden file is JSON");
        assert_eq!(written(&input_bytes, input), expected, "{} means something else", input.display());
        assert_eq!(written(&output_bytes, &output), expected, "{} is not how it is written", output.display());
    }
    assert_eq!(inputs.len(), outputs.len(), "an .out.json of {kind} stands without its input");
}

fn json_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("a folder can be listed").path();
        if path.is_dir() { files.extend(json_files(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

fn is_output(file: &Path) -> bool {
    file.to_string_lossy().ends_with(".out.json")
}

fn read(file: &Path) -> Vec<u8> {
    fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

#[test]
fn every_golden_review_still_decodes() {
    hold("review", 29, Review::decode);
}

#[test]
fn every_golden_prediction_still_decodes() {
    hold("prediction", 14, Prediction::decode);
}

#[test]
fn every_golden_feedback_still_decodes() {
    hold("feedback", 23, Feedback::decode);
}

#[test]
fn every_golden_alert_still_decodes() {
    hold("alert", 2, Alert::decode);
}

#[test]
fn every_golden_state_of_a_model_still_decodes() {
    hold("modelstate", 2, ModelState::decode);
}

#[test]
fn every_record_type_has_golden_files() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    for (kind, _) in schemas::json_schema() {
        assert!(golden.join(kind).join("v1").is_dir(), "there are no golden files of {kind}");
    }
}
