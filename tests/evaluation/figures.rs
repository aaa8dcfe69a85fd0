//! What is told beside the figures.

use crate::bench::{Bench, EVALUATE, csv};
use serde_json::{Value, json};

fn evaluate(bench: &Bench, flags: &[&str]) -> Value {
    bench.json(&[&EVALUATE, flags].concat())
}

#[test]
fn every_figure_has_an_interval_that_holds_it_and_the_same_seed_makes_the_same() {
    let bench = Bench::with_model();
    let report = evaluate(&bench, &[]);
    assert_eq!(report["rows"]["test"], 300);
    let intervals = &report["intervals"];
    assert_eq!((&intervals["resamples"], &intervals["confidence"]), (&json!(1000), &json!(0.95)));
    for figure in "accuracy precision recall f1 macro_f1 roc_auc pr_auc log_loss brier ece".split(' ') {
        let value = report["metrics"][figure].as_f64().unwrap();
        let end = |end: &str| intervals[figure][end].as_f64().unwrap();
        assert!(end("low") <= value && value <= end("high") && end("low") < end("high"), "{figure} {intervals}");
    }
    assert_eq!(evaluate(&bench, &[])["intervals"], *intervals);
    assert_ne!(evaluate(&bench, &["--set", "train.seed=7"])["intervals"], *intervals);
    assert_eq!(evaluate(&bench, &["--resamples", "0"])["intervals"], Value::Null);
}

#[test]
fn slices_divide_the_rows_and_small_ones_are_named() {
    let bench = Bench::with_model();
    let kinds = ["category", "product_id", "month", "length", "rating"];
    let flags: Vec<&str> = kinds.iter().flat_map(|kind| ["--slice-by", kind]).collect();
    let report = evaluate(&bench, &[flags.as_slice(), &["--min-slice-rows", "10"]].concat());
    for (kind, slices) in kinds.iter().zip(report["slices"].as_array().unwrap()) {
        assert_eq!(slices["by"], *kind);
        let of_slices = slices["slices"].as_array().unwrap();
        assert_eq!(of_slices.iter().map(|slice| slice["rows"].as_u64().unwrap()).sum::<u64>(), 300);
        for slice in of_slices {
            let is_small = slice["rows"].as_u64().unwrap() < 10;
            assert_eq!(slice["metrics"].is_null(), is_small, "{slice}");
        }
    }
    let names = |place: usize| {
        let slices = report["slices"][place]["slices"].as_array().unwrap();
        slices.iter().map(|slice| slice["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(0), ["home, <b>big</b>", "small", "rare"]);
    assert_eq!(names(2), ["2024-09", "2024-10", "2024-11", "2024-12"]);
    assert_eq!((names(3), names(4)), (vec!["26 to 50".to_owned()], vec!["1".to_owned(), "5".to_owned()]));
    let page = bench.text(&[&EVALUATE[..], &["--slice-by", "category", "--min-slice-rows", "10"]].concat());
    assert!(page.contains("too few rows for figures: rare (6 rows)"), "{page}");
}

#[test]
fn the_figures_of_a_slice_are_those_of_its_rows_alone() {
    let bench = Bench::with_model();
    let sliced = evaluate(&bench, &["--slice-by", "category"]);
    let alone = evaluate(&bench, &["--where", "category=small"]);
    let slice = &sliced["slices"][0]["slices"][1];
    assert_eq!((&slice["name"], &slice["metrics"]), (&json!("small"), &alone["metrics"]));
}

#[test]
fn curves_and_calibration_come_with_the_figures() {
    let report = evaluate(&Bench::with_model(), &[]);
    let (roc, bins) =
        (report["curves"]["roc"].as_array().unwrap(), report["curves"]["calibration"].as_array().unwrap());
    assert_eq!((&roc[0]["true_positive_rate"], &roc[roc.len() - 1]["true_positive_rate"]), (&json!(0.0), &json!(1.0)));
    let rows: u64 = bins.iter().map(|bin| bin["rows"].as_u64().unwrap()).sum();
    assert_eq!((bins.len(), rows), (10, 300));
    assert!(!report["curves"]["precision_recall"].as_array().unwrap().is_empty());
}

#[test]
fn a_threshold_holds_what_it_was_chosen_for() {
    let bench = Bench::with_model();
    let chosen = evaluate(&bench, &["--threshold-for", "recall=0.95"])["threshold"].clone();
    assert!(chosen["recall"].as_f64().unwrap() >= 0.95 && chosen["threshold"].is_number(), "{chosen}");
    let best = evaluate(&bench, &["--threshold-for", "accuracy"]);
    assert!(best["threshold"]["accuracy"].as_f64() >= best["metrics"]["accuracy"].as_f64());
    let never = bench.text(&[&EVALUATE[..], &["--threshold-for", "precision=1"]].concat());
    assert!(never.contains("none reaches precision=1") || never.contains("for precision=1: "), "{never}");
}

#[test]
fn the_heaviest_terms_are_named_and_the_worst_errors_shown() {
    let bench = Bench::with_model();
    let report = evaluate(&bench, &["--terms", "3", "--errors", "4"]);
    let terms = |towards: &str| {
        let terms = report["terms"][towards].as_array().unwrap();
        terms.iter().map(|term| term["term"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let tells = |terms: Vec<String>, words: [&str; 3]| {
        terms.len() == 3 && terms.iter().any(|term| words.iter().any(|word| term.contains(word)))
    };
    assert!(tells(terms("positive"), ["lovely", "superb", "splendid"]), "{:?}", terms("positive"));
    assert!(tells(terms("negative"), ["awful", "dreadful", "shoddy"]), "{:?}", terms("negative"));
    let errors = report["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 4);
    let of_label = |error: &Value| {
        let probability = error["probability"].as_f64().unwrap();
        if error["label"] == "positive" { probability } else { 1.0 - probability }
    };
    assert!(errors.iter().all(|error| of_label(error) < 0.5 && error["text"].as_str().unwrap().contains("number")));
    assert!(errors.is_sorted_by(|one, next| of_label(one) <= of_label(next)));
    let row = errors[0]["row"].as_u64().unwrap();
    assert_eq!(errors[0]["review_id"], format!("r{}", row - 1));
    let none = evaluate(&bench, &["--terms", "0", "--errors", "0"]);
    assert!(none.get("terms").is_none() && none.get("errors").is_none());
}

#[test]
fn one_class_has_the_figures_that_it_can_have_and_says_so() {
    let bench = Bench::with_model();
    let report = evaluate(&bench, &["--where", "label=1"]);
    assert_eq!((&report["metrics"]["roc_auc"], &report["intervals"]["roc_auc"]), (&Value::Null, &Value::Null));
    assert!(report["intervals"]["accuracy"]["low"].is_number());
    let page = bench.text(&[&EVALUATE[..], &["--where", "label=1"]].concat());
    assert!(page.contains("all tested rows are positive"), "{page}");
}

#[test]
fn training_answers_the_same_questions_of_its_test() {
    let bench = Bench::new();
    bench.file("reviews.csv", &csv(0..900));
    let flags = ["--slice-by", "category", "--threshold-for", "f1", "--terms", "2"];
    let train = ["train", "--input", "reviews.csv", "--test-where", "part=test", "--promote"];
    let trained = bench.json(&[&train[..], &flags].concat());
    let evaluated = evaluate(&bench, &[&flags[..], &["--errors", "0"]].concat());
    for key in ["metrics", "intervals", "curves", "slices", "threshold", "terms"] {
        assert_eq!(trained[key], evaluated[key], "{key}");
    }
    assert!(trained.get("errors").is_none());
}
