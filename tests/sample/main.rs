//! `plaudit sample` and `plaudit validate` from outside: files on a disk, the offline store and a bucket to a sample, the sample
//! to a model; and a process that is killed, or that finds no room.

#![expect(clippy::unwrap_used, reason = "in a test every failure is the test's")]

mod bucket;
#[path = "../support/s3.rs"]
#[expect(dead_code, reason = "others use the rest")]
mod s3;
mod trouble;
mod world;

use serde_json::json;
use world::World;

#[test]
fn a_sample_of_the_files_becomes_a_model_that_knows_of_it() {
    let world = World::new();
    let input = world.reviews("reviews.jsonl", 3000);
    let report =
        world.json(&["sample", "--input", &input, "--output", &world.path("golden.parquet"), "--stratify", "month"]);
    assert_eq!(report["rows"]["negative"], report["rows"]["positive"]);
    assert!(report["keep_rates"]["positive"].as_f64().unwrap() < 0.3);
    assert!(report["strata"].as_object().unwrap().len() > 1);
    assert_eq!((&report["passes"], &report["rows_seen"]), (&json!(1), &json!(3000)));

    let golden = world.path("golden.parquet");
    let trained = world.json(&["train", "--input", &golden, "--holdout", "0.2", "--promote"]);
    assert!(trained["metrics"]["accuracy"].as_f64().unwrap() > 0.8);
    let evaluated = world.json(&["evaluate", "--input", &input]);
    assert!(evaluated["metrics"]["accuracy"].as_f64().unwrap() > 0.9, "{evaluated}");
    let said = world.fails(1, &["train", "--input", &golden, &input]);
    assert!(said.contains("is no sample") && said.contains("golden.parquet"), "{said}");
}

#[test]
fn a_joined_sample_still_says_how_it_was_drawn() {
    let world = World::new();
    let input = world.reviews("reviews.jsonl", 3000);
    let golden = world.path("golden.parquet");
    world.json(&["sample", "--input", &input, "--output", &golden]);
    let join = |flags: &[&str], output: &str| {
        let output = world.path(output);
        world.json(&[&["features", "join", "--input", &golden], flags, &["--output", &output]].concat());
        output
    };
    // Copied as it is, and written anew; beside files whose columns have other names.
    let [copied, anew] = [join(&[], "copied.parquet"), join(&["--where", "label=1"], "anew.parquet")];
    let theirs = world.write("theirs.jsonl", r#"{"text": "t", "a": "p", "b": 5, "created_at": "2024-05-01"}"#);
    let names = ["--column", "product_id=a", "--column", "rating=b", "--view", "product_stats", "--history", &theirs];
    let beside = join(&names, "beside.parquet");
    for joined in [&copied, &beside] {
        let said = world.fails(1, &["train", "--input", joined, &input]);
        assert!(said.contains("is no sample") && said.contains(joined.as_str()), "{said}");
    }
    let said = world.fails(1, &["features", "join", "--input", &anew, &input, "--output", &world.path("x.parquet")]);
    assert!(said.contains("were not sampled at the same rates"), "{said}");
}

#[test]
fn data_that_is_not_fit_is_not_trained_on() {
    let world = World::new();
    let input = world.reviews("reviews.jsonl", 1000);
    let page = world.path("page.html");
    let report = world.json(&["validate", "--input", &input, "--report", &page]);
    assert_eq!(report["passed"], true);
    assert!(std::fs::read_to_string(&page).unwrap().contains("Fit to train on"));

    let limit = ["--set", "validation.min_class_share=0.4"];
    let said = world.fails_with_report(1, &[&["validate", "--input", &input][..], &limit].concat());
    assert!(said.contains("below validation.min_class_share = 0.4"), "{said}");
    let said = world.fails(1, &[&["train", "--input", &input][..], &limit].concat());
    assert!(said.contains("below validation.min_class_share = 0.4"), "{said}");
    let off = ["--set", "validation.before_training=false"];
    world.json(&[&["train", "--input", &input][..], &limit, &off].concat());
    // What the words of later data are compared with.
    world.json(&["train", "--input", &input, "--holdout", "0.2", "--promote"]);
    let report = world.json(&["validate", "--input", &input]);
    assert!(report["figures"]["shift"][1].as_f64().unwrap() < 0.1, "{report}");
    let french = world
        .write("french.csv", &"le film est bon et les acteurs sont meilleurs,5\ntout est mauvais ici,1\n".repeat(20));
    let said =
        world.fails_with_report(1, &["validate", "--input", &french, "--column", "text=a", "--column", "rating=b"]);
    assert!(said.contains("validation.max_word_shift"), "{said}");
}
