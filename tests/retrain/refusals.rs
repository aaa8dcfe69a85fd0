//! What is missing is said in a sentence, and nothing is left behind.

use crate::world::{DAY, World, block_on, review, sentiment};
use feature_store::offline::store::Dataset;
use registry::{Begun, RetrainBeginning, Trigger};
use schemas::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

#[test]
fn without_an_offline_store_there_is_nothing_to_retrain_from() {
    let world = World::new();
    let message = world.fails(2, &["retrain", "--set", "offline.url="]);
    assert!(message.contains("set offline.url to the folder or bucket"), "{message}");
    let message = world.fails(1, &["retrain"]);
    assert!(message.contains("offline"), "{message}");
    std::fs::create_dir(world.path("offline")).unwrap();
    let message = world.fails(1, &["retrain"]);
    assert!(message.contains("has no reviews yet: `plaudit ingest` writes them"), "{message}");
    assert_eq!(world.versions(), (None, 0));
}

#[test]
fn too_few_rows_one_class_and_an_empty_time_are_told_apart() {
    let world = World::with_reviews(1200);
    let message = world.fails(1, &["retrain", "--set", "retrain.min_train_rows=5000"]);
    assert!(message.contains("has 960 rows with a text and a label to learn from"), "{message}");
    assert!(message.contains("retrain.min_train_rows asks for 5000"), "{message}");
    let message = world.fails(2, &["retrain", "--since", "2026-01-02", "--until", "2026-01-01"]);
    assert!(message.contains("there is no time between them"), "{message}");

    let happy = World::new();
    let only = |i: u64| !i.is_multiple_of(4);
    happy.store(Dataset::Reviews, (0..1200).filter(|i| only(*i)).map(|i| review(i, 1200)));
    let message = happy.fails(1, &["retrain"]);
    assert!(message.contains("positive rows to learn from and none of the other class"), "{message}");
    assert_eq!((happy.states(), happy.versions()), (vec!["failed"], (None, 0)));
}

#[test]
fn a_feature_that_cannot_be_joined_is_named_before_anything_is_read() {
    let world = World::with_reviews(1200);
    let message = world.fails(2, &["retrain", "--set", "model.features=[\"product_stats.price\"]"]);
    assert!(message.contains("product_stats.price, and no view of [features.views] has it"), "{message}");
}

#[test]
fn while_a_run_goes_on_another_does_not_begin() {
    let world = World::with_reviews(1200);
    let beginning =
        RetrainBeginning { trigger: Trigger::Manual, who: "somebody else".to_owned(), lease: Duration::from_secs(600) };
    let begun = block_on(world.registry().begin_retraining(&sentiment(), &beginning, |_| Ok(()))).unwrap();
    assert!(matches!(begun, Begun::Ours(_)));
    let message = world.fails(1, &["retrain"]);
    assert!(message.contains("run 1 of somebody else") && message.contains("is going on"), "{message}");
    assert_eq!((world.states(), world.versions()), (vec!["running"], (None, 0)));
    // A dry run takes nothing from anybody.
    world.json(&["retrain", "--dry-run"]);
}

#[test]
fn a_service_that_could_never_do_anything_does_not_start() {
    let world = World::with_reviews(1200);
    for (arguments, named) in [
        (&["retrain", "--schedule", "0 3 * *"][..], "no schedule of five fields"),
        (&["retrain", "--schedule", "0 3 * * *", "--timezone", "Mars"], "`Mars` is no time zone"),
        (&["retrain", "--on-drift"], "retrain.on_drift names no monitor"),
        (&["retrain", "--schedule", "0 3 * * *", "--set", "offline.url="], "set offline.url"),
        (&["retrain", "--set", "retrain.test_share=2"], "retrain.test_share"),
    ] {
        let message = world.fails(2, arguments);
        assert!(message.contains(named), "{message}");
    }
}

#[test]
fn rows_of_the_future_or_without_a_label_are_not_among_the_rows() {
    let world = World::with_reviews(1200);
    let future = Timestamp::now().epoch_millis() + 10 * DAY;
    let strange = (0..100).map(|i| {
        json!({"review_id": format!("x{i}"), "text": format!("text {i}"), "rating": 3, "created_at": future - 20 * DAY})
    });
    let later = (0..100)
        .map(|i| json!({"review_id": format!("y{i}"), "text": format!("word {i}"), "rating": 5, "created_at": future}));
    world.store(Dataset::Reviews, strange.chain(later));
    let plan = world.json(&["retrain", "--dry-run"]);
    let rows = |part: &str| {
        plan[part]["rows"]["negative"].as_u64().unwrap() + plan[part]["rows"]["positive"].as_u64().unwrap()
    };
    assert_eq!(rows("train") + rows("test"), 1200, "{plan:#}");
}

#[test]
fn rows_that_are_not_fit_stop_a_run_by_the_limits_of_what_the_store_holds() {
    let world = World::with_reviews(1200);
    let ago = Timestamp::now().epoch_millis() - 30 * DAY;
    let neutral = (0..500)
        .map(|i| json!({"review_id": format!("n{i}"), "text": format!("so so {i}"), "rating": 3, "created_at": ago}));
    world.store(Dataset::Reviews, neutral);
    let message = world.fails(1, &["retrain", "--set", "validation.max_without_label=0.2"]);
    assert!(
        message.contains("the share of texts without a label is 0.3425, above validation.max_without_label"),
        "{message}"
    );
    assert_eq!((world.states(), world.versions()), (vec!["failed"], (None, 0)));
    assert_eq!(world.json(&["retrain"])["outcome"], "promoted");
    // Words are held against those that production learned from.
    let strange = (0..1200).map(|i| {
        let Value::Object(mut review) = review(i, 1200) else { panic!() };
        review.insert("text".to_owned(), format!("ein ganz anderes Ding {i} und {} davon", i * 7).into());
        review.insert("review_id".to_owned(), format!("s{i}").into());
        Value::Object(review)
    });
    world.store(Dataset::Reviews, strange);
    let message = world.fails(1, &["retrain", "--set", "validation.max_word_shift=0.1"]);
    assert!(message.contains("the shift of words from production's is"), "{message}");
    world.json(&["retrain", "--set", "validation.before_training=false", "--set", "validation.max_word_shift=0.1"]);
}

/// The reviews, each changed in one field.
fn changed(count: u64, field: &str, value: impl Fn(u64) -> Value) -> impl Iterator<Item = Value> {
    (0..count).map(move |i| {
        let Value::Object(mut review) = review(i, count) else { panic!() };
        review.insert(field.to_owned(), value(i));
        Value::Object(review)
    })
}

#[test]
fn rows_that_are_not_used_do_not_count_towards_the_least() {
    let world = World::new();
    world.store(Dataset::Reviews, changed(1200, "text", |i| format!("a text that says {}", i % 40).into()));
    let message = world.fails(1, &["retrain"]);
    assert!(message.contains("to learn from, and retrain.min_train_rows asks for 100"), "{message}");
    assert!(message.contains("copies of a text"), "{message}");
    assert_eq!((world.states(), world.versions()), (vec!["failed"], (None, 0)));
}

#[test]
fn rows_of_one_moment_cannot_be_divided_and_why_is_said() {
    let world = World::new();
    let now = Timestamp::now().epoch_millis() - DAY;
    world.store(Dataset::Reviews, changed(1200, "created_at", |_| now.into()));
    let message = world.fails(1, &["retrain"]);
    assert!(message.contains("1200 rows") && message.contains("all of one minute"), "{message}");
    assert!(message.contains("--column created_at=COLUMN"), "{message}");
}

#[test]
fn a_gate_on_a_column_is_held_where_reviews_have_it_and_refused_where_they_have_not() {
    let world = World::with_reviews(1200);
    let gates = |slice: &str| format!("promotion.gates=[{{metric = \"accuracy\", slice = \"{slice}\"}}]");
    let message = world.fails(1, &["retrain", "--set", &gates("category")]);
    assert!(message.contains("asks for a column `category`"), "{message}");
    assert_eq!((world.states(), world.versions()), (vec!["failed"], (None, 0)));
    for _ in 0..2 {
        let few = "promotion.min_slice_rows=10";
        let report = world.json(&["retrain", "--set", &gates("product_id"), "--set", few]);
        assert_eq!(report["outcome"], "promoted", "{report:#}");
    }
    // No product has so many.
    let many = "promotion.min_slice_rows=100000";
    let report = world.json(&["retrain", "--set", &gates("product_id"), "--set", many]);
    assert!(report["reason"].as_str().unwrap().contains("no slice has 100000 rows"), "{report:#}");
}
