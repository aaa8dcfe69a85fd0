//! Whether data is fit to train on.

use crate::files::{Folder, Review, skewed};
use feature_store::offline::{ReadOptions, ScanProgress};
use std::path::PathBuf;
use trainer::validate::{Profile, ValidateRequest, ValidationConfig, ValidationReport, validate};
use trainer::{Dataset, Test};

fn dataset(path: PathBuf) -> Dataset {
    Dataset::files(vec![path], ReadOptions::default())
}

fn of(data: PathBuf, test: Test, limits: ValidationConfig, reference: Option<Profile>) -> ValidationReport {
    let reference = reference.map(|profile| ("sentiment v1".to_owned(), profile));
    let request = ValidateRequest { data: dataset(data), test, limits, reference };
    validate(&request, &ScanProgress::default()).unwrap()
}

fn value(report: &ValidationReport, name: &str) -> f64 {
    report.checks.iter().find(|check| check.name == name).unwrap_or_else(|| panic!("{name} in {report:?}")).value
}

fn review(i: usize, text: String, rating: f64) -> Review {
    Review {
        id: format!("r{i}"),
        text: Some(text),
        rating: Some(rating),
        created_at: Some(i as i64 * 86_400_000),
        ..Review::default()
    }
}

#[test]
fn each_figure_is_what_the_rows_are() {
    let folder = Folder::new();
    // 100 rows: 40 negative, 40 positive, 10 without a text, 10 without a label; ten texts stand twice, five with either label.
    let mut reviews: Vec<Review> =
        (0..80).map(|i| review(i, format!("text {}", i % 70), if i % 2 == 0 { 1.0 } else { 5.0 })).collect();
    for review in &mut reviews[75..80] {
        review.rating = review.rating.map(|rating| 6.0 - rating);
    }
    reviews.extend((80..90).map(|i| Review { text: None, ..review(i, String::new(), 5.0) }));
    reviews.extend((90..100).map(|i| Review { rating: None, ..review(i, format!("unlabelled {i}"), 5.0) }));
    let data = folder.parquet("train.parquet", &reviews);
    // Of 20 test rows five are learned from, and ten are of days before the newest training row.
    let test: Vec<Review> =
        (0..20).map(|i| review(69 + i, if i < 5 { format!("text {i}") } else { format!("new {i}") }, 5.0)).collect();
    let test = Test::On(dataset(folder.parquet("test.parquet", &test)));
    let report = of(data, test, ValidationConfig::default(), None);
    assert!(report.passed, "{report}");
    for (name, expected) in [
        ("min_rows", 80.0),
        ("max_without_text", 0.1),
        ("max_without_label", 10.0 / 90.0),
        ("max_copies", 10.0 / 80.0),
        ("max_contradictions", 5.0 / 70.0),
        ("max_leakage", 0.25),
        ("max_time_overlap", 0.5),
    ] {
        assert!((value(&report, name) - expected).abs() < 1e-9, "{name}: {report}");
    }
    assert!((0.4..=0.5).contains(&value(&report, "min_class_share")));
    assert_eq!(serde_json::to_value(&report).unwrap()["figures"]["dropped"]["no_text"], 10);
}

#[test]
fn a_limit_that_is_not_held_is_named_with_its_key() {
    let folder = Folder::new();
    let data = folder.parquet("train.parquet", &skewed(800));
    let sound = ValidationConfig::default();
    for (limits, named) in [
        (ValidationConfig { min_rows: 10_000, ..sound.clone() }, "below validation.min_rows = 10000"),
        (ValidationConfig { min_class_share: 0.4, ..sound.clone() }, "below validation.min_class_share = 0.4"),
        (ValidationConfig { max_copies: 0.001, ..sound.clone() }, "above validation.max_copies = 0.001"),
        (ValidationConfig { max_without_label: 0.01, ..sound }, "above validation.max_without_label = 0.01"),
    ] {
        let report = of(data.clone(), Test::None, limits, None);
        assert!(!report.passed && report.failures().contains(named), "{report}");
        assert!(report.to_string().contains("FAILS"), "{report}");
    }
    assert!(sound.check().is_ok());
    assert!(ValidationConfig { max_leakage: 1.5, ..sound }.check().unwrap_err().contains("validation.max_leakage"));
    assert!(ValidationConfig { max_word_shift: f64::NAN, ..sound }.check().is_err());
}

#[test]
fn other_words_than_those_of_production_are_a_shift() {
    let folder = Folder::new();
    let of_language = |words: &str| -> Vec<Review> {
        (0..200).map(|i| review(i, format!("{words} {i}"), if i % 2 == 0 { 1.0 } else { 5.0 })).collect()
    };
    let english = folder.parquet("english.parquet", &of_language("the film was good and the cast was better"));
    let french = folder.parquet("french.parquet", &of_language("le film est bon et les acteurs sont meilleurs"));
    let reference = of(english.clone(), Test::None, ValidationConfig::default(), None).figures.profile;
    let same = of(english, Test::None, ValidationConfig::default(), Some(reference.clone()));
    assert!(same.passed && value(&same, "max_word_shift") < 0.01);
    let other = of(french, Test::None, ValidationConfig::default(), Some(reference));
    assert!(!other.passed && other.failures().contains("validation.max_word_shift"), "{other}");

    let page = other.to_html();
    for shown in ["Not fit to train on", "validation.max_word_shift", "sentiment v1", "<svg", "Letters by script"] {
        assert!(page.contains(shown), "{shown}");
    }
    for foreign in ["<script", "src=", "href=", "@import", "url("] {
        assert!(!page.contains(foreign), "{foreign}: the page stands alone");
    }
}

#[test]
fn of_what_cannot_be_used_the_first_row_is_shown_and_a_time_that_cannot_be_read_is_counted() {
    let folder = Folder::new();
    let mut csv = b"text,rating,created_at\n".to_vec();
    for i in 0..40 {
        let text: &[u8] = if i % 20 == 7 { b"caf\xe9 lovely" } else { b"a fine thing" };
        let rating = if i % 10 == 4 { "five" } else { ["1", "5"][i % 2] };
        let time = if i % 10 == 6 { "yesterday" } else { "2024-05-01" };
        csv.extend([text, format!(" {i},{rating},{time}\n").as_bytes()].concat());
    }
    let path = folder.write("reviews.csv", csv);
    let since = schemas::Timestamp::parse("2024-01-01");
    for (since, unreadable_rows) in [(None, 0), (since, 4)] {
        let data = Dataset::files(vec![path.clone()], ReadOptions { since, ..ReadOptions::default() });
        let limits = ValidationConfig::default();
        let request = ValidateRequest { data, test: Test::None, limits, reference: None };
        let report = validate(&request, &ScanProgress::default()).unwrap();
        let figures = &report.figures;
        assert_eq!(figures.dropped.get("unreadable_row").copied().unwrap_or(0), unreadable_rows, "{report}");
        assert_eq!((figures.dropped["unreadable_rating"], figures.repaired), (4, 2), "{report}");
        let shown = report.to_string();
        assert!(shown.contains("reviews.csv, row 5: field `rating` is"), "{shown}");
        assert!(shown.contains("2 rows, in which bytes are read as U+FFFD, the first in "), "{shown}");
        assert!(since.is_none() || shown.contains("row 7: field `created_at` is"), "{shown}");
    }
}
