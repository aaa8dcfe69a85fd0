//! Which rows are learned from, which are tested, and which are left out.

use crate::bench::{Bench, csv, files, files_where, request, text};
use feature_store::offline::ReadOptions;
use serde_json::json;
use std::fmt::Write;
use trainer::{Dataset, Holdout, Test};

#[tokio::test]
async fn what_is_tested_is_not_learned_from() {
    let bench = Bench::new();
    let (path, other) = (bench.file("reviews.csv", &csv(400)), bench.file("other.csv", &csv(40)));
    let both = Dataset::files(vec![other, path.clone()], ReadOptions::default());
    // By a condition on the test alone, with the file at another place among the paths, spelled in another way.
    std::fs::create_dir(bench.folder.path().join("sub")).unwrap();
    let spelled = bench.folder.path().join("sub/../reviews.csv");
    let test = files_where(&spelled, &[("part", "test")]);
    let report = bench.train(request(both, Test::On(test))).await.unwrap();
    assert_eq!((report.rows.train, report.rows.test), (340, 100));
}

#[tokio::test]
async fn a_holdout_keeps_copies_of_a_text_together() {
    let bench = Bench::new();
    let once = csv(300);
    let rows = once.split_once('\n').unwrap().1;
    // Every text twice, the second time far from the first, and three rows that nobody can use.
    let path = bench.file("reviews.csv", &format!("{once}{rows}x,,1,train,\ny,some words,,train,\nz,words,2,train,\n"));
    let holdout = Holdout::new(0.25).unwrap();
    let report = bench.train(request(files(&path), Test::Holdout(holdout))).await.unwrap();
    assert_eq!(report.rows.train + report.rows.test, 600);
    assert!((100..200).contains(&report.rows.test), "{:?}", report.rows);
    assert_eq!((report.rows.train % 2, report.rows.test % 2), (0, 0));
    assert_eq!(report.rows.dropped, 3);
    let reasons = serde_json::to_value(report.dropped_reasons).unwrap();
    assert_eq!(reasons, json!({"no_text": 1, "no_label": 1, "unreadable_label": 1}));
}

#[tokio::test]
async fn a_file_of_its_own_is_the_test_and_its_dropped_rows_count() {
    let bench = Bench::new();
    let train = bench.file("train.csv", &csv(100));
    let test = bench.file(
        "test.jsonl",
        "{\"text\":\"lovely\",\"rating\":5}\n{\"text\":\"awful\",\"rating\":1}\nno json\n\
                                         {\"text\":\"so so\",\"rating\":3}\n{\"text\":\"\",\"rating\":4}\n",
    );
    let report = bench.train(request(files(&train), Test::On(files(&test)))).await.unwrap();
    assert_eq!((report.rows.train, report.rows.test, report.rows.dropped), (100, 2, 3));
    let reasons = serde_json::to_value(report.dropped_reasons).unwrap();
    assert_eq!(reasons, json!({"unreadable_row": 1, "neutral_rating": 1, "no_text": 1}));
}

#[tokio::test]
async fn a_line_that_cannot_be_read_is_counted_once() {
    let bench = Bench::new();
    let mut lines = "no json\n".to_owned();
    for i in 0..40 {
        let part = ["train", "test"][i as usize % 4 / 2];
        let line = json!({"text": text(i, i % 2 == 0), "label": (i + 1) % 2, "part": part});
        writeln!(lines, "{line}").unwrap();
    }
    let path = bench.file("reviews.jsonl", &lines);
    for trained in [files_where(&path, &[("part", "train")]), files(&path)] {
        let test = Test::On(files_where(&path, &[("part", "test")]));
        let report = bench.train(request(trained, test)).await.unwrap();
        assert_eq!((report.rows.train, report.rows.test, report.rows.dropped), (20, 20, 1));
    }
}
