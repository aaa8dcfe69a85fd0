//! The search for settings.

use crate::bench::{Bench, csv};
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::{Duration, Instant};

const TUNE: [&str; 9] =
    ["train", "--input", "reviews.csv", "--test-where", "part=test", "--tune", "--tuning", "search", "--trials"];

fn with_reviews(rows: u64) -> Bench {
    let bench = Bench::new();
    bench.file("reviews.csv", &csv(0..rows));
    bench
}

/// The journal's results as (trial, share), in their order.
fn results(bench: &Bench) -> Vec<(u64, String)> {
    let journal = std::fs::read_to_string(bench.path("search/journal.jsonl")).unwrap();
    let result = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        (line["trial"].as_u64().unwrap(), line["share"].to_string())
    };
    journal.lines().skip(1).map(result).collect()
}

#[test]
fn the_best_settings_are_trained_tested_and_registered() {
    let bench = with_reviews(1800);
    let report = bench.json(&[&TUNE[..], &["6"]].concat());
    let tuning = &report["tuning"];
    assert_eq!((&tuning["goal"], &tuning["validation"]), (&"log_loss".into(), &"time".into()));
    let trials = tuning["trials"].as_array().unwrap();
    assert_eq!(trials.len(), 6);
    let figure = |trial: &Value| trial["metrics"]["log_loss"].as_f64().unwrap();
    assert!(figure(&tuning["best"]) <= figure(&tuning["given"]), "{tuning}");
    assert!(trials.iter().any(|trial| trial["trial"] == 0 && trial["settings"].as_object().unwrap().is_empty()));

    // 600 rows to learn from, of which the search had judges among its own; 1,200 tested.
    assert_eq!((&report["rows"]["train"], &report["rows"]["test"]), (&600.into(), &1200.into()));
    assert_eq!(tuning["train_rows"].as_u64().unwrap() + tuning["validation_rows"].as_u64().unwrap(), 600);
    let manifest = bench.json(&["models", "show", "v1"]);
    let parameters = &manifest["run"]["parameters"];
    let parameters = if parameters.is_null() { &manifest["parameters"] } else { parameters };
    for (key, value) in tuning["best"]["settings"].as_object().unwrap() {
        let stored = key.split('.').fold(parameters, |at, name| &at[name]);
        assert_eq!(stored, value, "{key}");
    }
    assert_eq!(parameters["tuning"]["best"]["trial"], tuning["best"]["trial"]);
    let page = std::fs::read_to_string(bench.path("search/trials.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("Search for settings") && !page.contains("<script"));
}

#[test]
fn the_search_never_sees_the_test() {
    let bench = with_reviews(900);
    let first = bench.json(&[&TUNE[..], &["4"]].concat());
    let before = results(&bench);
    // The other labels in the tested rows: for the search it is the same data, and all is in the journal already.
    let other_label = |line: &str| {
        if line.contains(",1,5,test,") {
            line.replace(",1,5,test,", ",0,5,test,")
        } else {
            line.replace(",0,1,test,", ",1,1,test,")
        }
    };
    let changed: Vec<String> =
        std::fs::read_to_string(bench.path("reviews.csv")).unwrap().lines().map(other_label).collect();
    bench.file("reviews.csv", &(changed.join("\n") + "\n"));
    let second = bench.json(&[&TUNE[..], &["4"]].concat());
    assert_eq!(second["tuning"]["best"], first["tuning"]["best"]);
    assert_eq!(
        (results(&bench), second["tuning"]["resumed"].as_u64().unwrap() as usize),
        (before.clone(), before.len())
    );
    assert_ne!(first["metrics"], second["metrics"]);
}

#[test]
fn a_killed_search_goes_on_where_it_was_and_ends_as_if_nothing_had_been() {
    let bench = with_reviews(6000);
    let line = ["train", "--input", "reviews.csv", "--tune", "--tuning", "search", "--trials", "12", "--json"];
    let mut killed = bench.command(&line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let lines = || std::fs::read_to_string(bench.path("search/journal.jsonl")).unwrap_or_default().lines().count();
    let deadline = Instant::now() + Duration::from_secs(120);
    while lines() < 4 {
        assert!(
            Instant::now() < deadline && killed.try_wait().unwrap().is_none(),
            "it ended before it could be killed"
        );
        std::thread::yield_now();
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    let left = std::fs::read(bench.path("search/journal.jsonl")).unwrap();
    let whole = left.iter().rposition(|&byte| byte == b'\n').unwrap() + 1;
    bench.fails(1, &["models", "show", "v1"]);

    let resumed = bench.json(&line[..line.len() - 1]);
    let journal = std::fs::read(bench.path("search/journal.jsonl")).unwrap();
    assert_eq!(journal[..whole], left[..whole]);
    let results = results(&bench);
    assert_eq!(results.iter().collect::<BTreeSet<_>>().len(), results.len(), "a trial was repeated: {results:?}");
    assert!(resumed["tuning"]["resumed"].as_u64().unwrap() >= 3);

    let mut anew = line[..line.len() - 1].to_vec();
    anew[5] = "another";
    let anew = bench.json(&anew);
    for key in ["best", "given"] {
        let of = |report: &Value| {
            let mut trial = report["tuning"][key].clone();
            trial["seconds"] = Value::Null;
            trial
        };
        assert_eq!(of(&resumed), of(&anew));
    }
    assert_eq!(resumed["model"]["sha256"], anew["model"]["sha256"]);
}

#[test]
fn a_journal_of_other_data_and_parts_of_one_class_are_refused() {
    let bench = with_reviews(900);
    bench.json(&[&TUNE[..], &["2"]].concat());
    bench.file("reviews.csv", &csv(0..800).replace("number 5", "number five"));
    let message = bench.fails(1, &[&TUNE[..], &["2"]].concat());
    assert!(message.contains("search/journal.jsonl` is the journal of another search, with other rows"), "{message}");
    bench.file("search/journal.jsonl", "notes of mine\n");
    let message = bench.fails(1, &[&TUNE[..], &["2"]].concat());
    assert!(message.contains("line 1 of the journal"), "{message}");

    let rows: Vec<String> = csv(0..100).lines().map(str::to_owned).collect();
    let late: Vec<String> = (0..40).map(|i| format!("l{i},,T,lovely {i},1,5,train,2030-01-01,x")).collect();
    bench.file("late.csv", &[rows.join("\n"), late.join("\n")].join("\n"));
    let line = ["train", "--input", "late.csv", "--tune", "--trials", "2", "--validation", "time"];
    let message = bench.fails(1, &line);
    assert!(
        message.contains("the validation part has 0 negative") && message.contains("--validation hash"),
        "{message}"
    );
    bench.file(
        "timeless.csv",
        "text,label\nlovely one,1\nlovely two,1\nawful three,0\nawful four,0\nfine five,1\nbad six,0\n\
        good seven,1\nsad eight,0\nwell nine,1\nugly ten,0\n",
    );
    let line = ["train", "--input", "timeless.csv", "--tune", "--trials", "2", "--validation", "time"];
    assert!(bench.fails(2, &line).contains("no row of timeless.csv has a created_at"));
}

#[test]
fn trials_that_do_not_fit_in_memory_are_recorded_and_the_search_goes_on() {
    let bench = with_reviews(2700);
    // Room for the texts and for matrices of words, but not of the characters of every word.
    let settings = ["--set", "train.memory_limit_bytes=700000", "--set", "model.vectorizer.ngrams=1"];
    let line = ["train", "--input", "reviews.csv", "--tune", "--tuning", "search", "--trials", "12"];
    let report = bench.json(&[&line[..], &settings].concat());
    let trials = report["tuning"]["trials"].as_array().unwrap();
    let too_large =
        |trial: &&Value| trial["error"].as_str().is_some_and(|error| error.contains("training matrix needs"));
    assert_eq!(trials.len(), 12);
    assert!(trials.iter().filter(too_large).count() > 0, "{trials:?}");
    assert_eq!(report["tuning"]["rows_read"], 2700);
    let page = bench.text(&[&line[..], &settings].concat());
    assert!(page.contains("tuning     12 trials for log_loss"), "{page}");
}
