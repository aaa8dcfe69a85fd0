//! Bad input, and what is said of it.

use crate::bench::{Bench, EVALUATE, csv};

#[test]
fn a_report_that_cannot_be_written_is_refused_before_the_work() {
    let bench = Bench::with_model();
    // The input is absent too: what is told first is what was looked at first.
    let line = ["evaluate", "--input", "absent.csv", "--report", "absent/test.html"];
    let message = bench.fails(1, &line);
    assert!(message.contains("cannot write `absent/test.html`"), "{message}");
    assert!(bench.fails(1, &[&EVALUATE[..], &["--report", "."]].concat()).contains("cannot write `.`"));
}

#[test]
fn a_failed_evaluation_leaves_the_report_that_was_there() {
    let bench = Bench::with_model();
    bench.file("test.html", "yesterday's");
    bench.fails(1, &["evaluate", "--input", "absent.csv", "--report", "test.html"]);
    assert_eq!(std::fs::read_to_string(bench.path("test.html")).unwrap(), "yesterday's");
    assert_eq!(bench.names("".as_ref()), ["plaudit-registry", "reviews.csv", "test.html"]);
}

#[test]
fn what_cannot_be_tested_is_named() {
    let bench = Bench::with_model();
    bench.file("empty.csv", "");
    bench.file("header.csv", "text,label\n");
    bench.file("plain.csv", "text,label\nlovely,1\nawful,0\n");
    for (code, line, says) in [
        (1, &["--input", "empty.csv"][..], "empty.csv"),
        (1, &["--input", "header.csv"], "header.csv has not a single row"),
        (1, &["--input", "plain.csv", "--model", "v9"], "v9"),
        (2, &["--input", "plain.csv", "--slice-by", "month"], "no column `created_at` to slice by"),
        (2, &["--input", "plain.csv", "--slice-by", "product_id"], "--column product_id=COLUMN"),
        (2, &["--input", "plain.csv", "--slice-by", "brand"], "no column `brand`"),
    ] {
        let message = bench.fails(code, &[&["evaluate"], line].concat());
        assert!(message.contains(says), "{line:?}: {message}");
    }
}

#[test]
fn flags_that_make_no_sense_are_wrong_usage() {
    let bench = Bench::new();
    bench.file("reviews.csv", &csv(0..100));
    for (line, says) in [
        (&["evaluate", "--input", "a.csv", "--threshold-for", "auc"][..], "precision=SHARE"),
        (&["evaluate", "--input", "a.csv", "--threshold-for", "recall=7"], "`7` is no share"),
        (&["evaluate", "--input", "a.csv", "--errors", "-1"], "'-1'"),
        (&["train", "--input", "reviews.csv", "--tune", "--trials", "0"], "--trials"),
        (&["train", "--input", "reviews.csv", "--trials", "5"], "--tune"),
        (&["train", "--input", "reviews.csv", "--tune", "--tune-for", "kappa"], "no figure to tune for"),
        (&["train", "--input", "reviews.csv", "--tune", "--validation", "random"], "auto, time or hash"),
        (&["train", "--input", "reviews.csv", "--report", "a.html"], "add --test FILE"),
    ] {
        let output = bench.run(line);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{line:?}: {told}");
        assert!(told.contains(says), "{line:?}: {told}");
    }
}
