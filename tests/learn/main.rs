//! `plaudit learn`, from outside: the binary on small files that are written here, and on Apache Kafka (`stream.rs`).

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as tests do")]

mod stream;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "others use the rest")]
mod support;

use serde_json::{Value, json};
use std::fmt::Write;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

struct World {
    folder: TempDir,
}

impl World {
    /// With `reviews.csv`: 600 reviews, of which the words tell the label and 60 have three stars.
    fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap() };
        let mut csv = "review_id,product_id,user_id,title,text,rating,created_at\n".to_owned();
        for i in 0..600_u64 {
            let is_good = i * 7919 % 10 < 7;
            let (word, rating) = if is_good { ("fine", 5) } else { ("broken", 1) };
            let rating = if i % 10 == 9 { 3 } else { rating };
            let day = 1 + i / 25;
            let (a, b) = (i % 13, i % 17);
            writeln!(
                csv,
                "r{i},p{},u{},{word} thing,a {word} thing{a} with part{b},{rating},2024-05-{day:02}",
                i % 5,
                i % 40
            )
            .unwrap();
        }
        std::fs::write(world.folder.path().join("reviews.csv"), csv).unwrap();
        world
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plaudit"));
        let of_developer = std::env::vars().map(|(key, _)| key).filter(|key| key.starts_with("PLAUDIT__"));
        of_developer.for_each(|key| _ = command.env_remove(key));
        let small = ["--set", "model.vectorizer.hash_bits=16", "--set", "learn.max_terms=100000"];
        command.args(arguments).args(small).current_dir(self.folder.path()).stdin(Stdio::null()).output().unwrap()
    }

    #[track_caller]
    fn text(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.text(&[arguments, &["--json"]].concat())).unwrap()
    }

    #[track_caller]
    fn refuses(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{told}");
        told.lines().last().unwrap().to_owned()
    }
}

const LEARN: [&str; 3] = ["learn", "--input", "reviews.csv"];

#[test]
fn each_row_is_scored_before_its_label_is_learned_from() {
    let world = World::new();
    let report = world.json(&LEARN);
    let rows = &report["rows"];
    assert_eq!(
        [&rows["read"], &rows["skipped"], &rows["scored"], &rows["counted"], &rows["learned"]],
        [600, 60, 540, 486, 540]
    );
    assert_eq!(report["skipped_reasons"], json!({"neutral_rating": 60}));
    assert_eq!(report["model"], json!({"name": "sentiment", "from": null, "saved": null}));
    assert!(report["metrics"]["accuracy"].as_f64().unwrap() > 0.98, "{report}");
    assert!(report["metrics"]["ece"].as_f64().unwrap() < 0.2, "{report}");
    assert_eq!(report["course"].as_array().unwrap().len(), 10);
    let page = world.text(&LEARN);
    assert!(page.contains("540 learned from, 486 counted") && page.contains("macro F1   "), "{page}");
}

#[test]
fn labels_that_come_later_teach_later() {
    let world = World::new();
    let with = |more: &[&str]| world.json(&[&LEARN[..], more].concat());
    // The labels of the last day have not come: 25 rows, of which three are neutral.
    let by_time = with(&["--delay", "1d", "--burn-in", "0"]);
    assert_eq!(by_time["rows"]["waiting"], 22);
    let by_rows = with(&["--delay", "100", "--burn-in", "0"]);
    assert_eq!((&by_rows["rows"]["waiting"], &by_rows["rows"]["learned"]), (&json!(101), &json!(439)));
    let at_once = with(&["--burn-in", "0"]);
    let accuracy = |report: &Value| report["course"][0]["accuracy"].as_f64().unwrap();
    assert!(accuracy(&by_rows) < accuracy(&at_once), "{by_rows} {at_once}");
}

#[test]
fn features_are_what_was_known_at_each_row() {
    let world = World::new();
    let features =
        r#"model.features=["product_stats.rating_mean", {name = "user_stats.rating_count", transform = "log1p"}]"#;
    let report = world.json(&[&LEARN[..], &["--set", features]].concat());
    assert!(report["metrics"]["accuracy"].as_f64().unwrap() > 0.98, "{report}");
    let unknown = world.refuses(2, &[&LEARN[..], &["--set", r#"model.features=["a.b"]"#]].concat());
    assert!(unknown.contains("a.b"), "{unknown}");
}

#[test]
fn what_was_learned_is_saved_as_a_version_and_learned_on_from() {
    let world = World::new();
    let saved = world.json(&[&LEARN[..], &["--save"]].concat());
    assert_eq!(saved["model"]["saved"], "v1");
    let tested = world.json(&["evaluate", "--input", "reviews.csv", "--model", "v1"]);
    assert!(tested["metrics"]["accuracy"].as_f64().unwrap() > 0.99, "{tested}");
    let on = world.json(&[&LEARN[..], &["--model", "v1", "--burn-in", "0"]].concat());
    assert_eq!(on["model"]["from"], "v1");
    assert!(on["metrics"]["accuracy"].as_f64().unwrap() > 0.99, "it begins with what was learned: {on}");
}

#[test]
fn a_flood_of_one_product_is_refused_and_told() {
    let world = World::new();
    let limits = ["--set", "learn.limits.product_per_day=0.6", "--set", "learn.limits.quarantine_after=2"];
    let report = world.json(&[&LEARN[..], &limits].concat());
    let refused = |reason: &str| report["skipped_reasons"][reason].as_u64().unwrap_or_default();
    assert!(refused("product_limit") > 0 && refused("product_quarantine") > 0, "{report}");
    assert!(report["influence"]["product_quarantines"].as_u64() > Some(0), "{report}");
    assert_eq!(report["rows"]["learned"].as_u64().unwrap() + report["rows"]["refused"].as_u64().unwrap(), 540);
    assert!(world.text(&[&LEARN[..], &limits].concat()).contains("quarantine 0 of users, "));
}

#[test]
fn what_makes_no_sense_is_refused_and_named() {
    let world = World::new();
    std::fs::write(world.folder.path().join("bare.csv"), "text\nfine\n").unwrap();
    std::fs::write(world.folder.path().join("timeless.csv"), "text,label\nfine,1\nbad,0\n").unwrap();
    let with = |more: &[&'static str]| [&LEARN[..], more].concat();
    for (code, arguments, says) in [
        (2, vec!["learn", "--input", "bare.csv"], "no column `label`"),
        (2, vec!["learn", "--input", "timeless.csv", "--delay", "7d"], "created_at"),
        (2, with(&["--delay", "soon"]), "a number of rows"),
        (2, with(&["--burn-in", "600"]), "burn-in of 600"),
        (2, with(&["--set", "learn.alpha=0"]), "learn.alpha must lie above 0"),
        (1, with(&["--model", "v7"]), "v7"),
        (2, vec!["learn", "--save"], "--input"),
        (2, vec!["learn", "--column", "rating=stars"], "--input"),
        (2, with(&["--until-end"]), "--until-end"),
    ] {
        let output = world.run(&arguments);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
        assert!(told.contains(says), "{arguments:?}: {told}");
    }
}
