//! What the product promises on real reviews, where there are some: PLAUDIT_TEST_DATA names a folder with imdb.parquet and
//! amazon_stream.parquet. `dev/test` turns the feature `real-reviews` on, and so this file, when there is such a folder.

#![expect(clippy::unwrap_used, reason = "in a test every failure is the test's")]

use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;

fn file(name: &str) -> String {
    let folder = std::env::var("PLAUDIT_TEST_DATA").expect("PLAUDIT_TEST_DATA names a folder of real reviews");
    PathBuf::from(folder).join(name).to_str().unwrap().to_owned()
}

/// Runs the binary in a folder of its own and answers the JSON that it printed.
fn plaudit(arguments: &[&str]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_plaudit"))
        .args(arguments)
        .args(["--json", "--set", "gateway.listen=127.0.0.1:0"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn assert_each_record_was_predicted_once(report: &Value, records: u64) {
    assert_eq!(report["records"], records);
    assert_eq!(report["predictions"], records);
    for none in ["dead_letters", "missing", "duplicates", "unsettled"] {
        assert_eq!(report[none], 0, "{none}");
    }
}

#[test]
fn the_default_settings_reach_the_promised_accuracy_on_the_stanford_split() {
    let imdb = file("imdb.parquet");
    let report = plaudit(&["train", "--input", &imdb, "--where", "split=train", "--test-where", "split=test"]);
    assert_eq!(report["rows"], serde_json::json!({"train": 25_000, "test": 25_000, "dropped": 0}));
    assert!(report["metrics"]["accuracy"].as_f64().unwrap() >= 0.905, "{report}");
}

#[test]
fn the_demo_predicts_each_film_review_once_and_well() {
    let report = plaudit(&["demo", "--input", &file("imdb.parquet"), "--once"]);
    assert_each_record_was_predicted_once(&report, 50_000 - report["trained_rows"].as_u64().unwrap());
    assert!(report["metrics"]["accuracy"].as_f64().unwrap() >= 0.90, "{report}");
}

#[test]
fn the_demo_predicts_each_product_review_of_the_later_half_once() {
    let file = file("amazon_stream.parquet");
    let columns = ["--column", "rating=stars", "--column", "created_at=timestamp_ms"];
    let report = plaudit(&[&["demo", "--input", &file, "--once"][..], &columns].concat());
    assert_eq!(report["split"], "time");
    let records = report["records"].as_u64().unwrap();
    assert!(records > 60_000, "{report}");
    assert_each_record_was_predicted_once(&report, records);
}
