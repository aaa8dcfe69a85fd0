//! One run: what it learns from, what it is compared on, and what becomes of it.

use crate::world::World;
use registry::{RetrainOutcome, Trigger};

const ROWS: u64 = 1200;

#[test]
fn the_first_version_has_the_configurations_settings_and_is_promoted_for_want_of_another() {
    let world = World::with_reviews(ROWS);
    let report = world.json(&["retrain", "--since", "90d", "--set", "train.c=3"]);
    assert_eq!((report["outcome"].as_str(), report["run"].as_u64()), (Some("promoted"), Some(1)));
    assert_eq!(report["reason"], "it is the first version in production");
    assert_eq!(report["plan"]["settings"], "the configuration");
    assert_eq!((report["rows"]["train"].as_u64(), report["rows"]["test"].as_u64()), (Some(960), Some(240)));
    assert!(report["metrics"]["accuracy"].as_f64().unwrap() > 0.99, "{report:#}");
    assert_eq!(world.versions(), (Some(1), 1));

    let shown = world.json(&["models", "show", "v1"]);
    assert_eq!(shown["run"]["parameters"]["train"]["c"], 3.0);
    assert_eq!((&shown["tags"]["retrain.run"], &shown["tags"]["retrain.trigger"]), (&"1".into(), &"manual".into()));
    assert!(shown["description"].as_str().unwrap().starts_with("Retrained (asked for) on reviews of "), "{shown:#}");
    // The record says what was learned from, and not where it lay meanwhile.
    let reviews = world.path("offline/reviews").display().to_string();
    assert_eq!(shown["run"]["data"]["paths"][0], reviews);
    let data = &shown["run"]["parameters"]["data"];
    assert_eq!((&data["since"], &data["paths"][0]), (&report["plan"]["train"]["from"], &reviews.into()));
    // What is compared on is newer than all that was learned from.
    let learned_until = shown["run"]["data"]["last_created_at"].as_str().unwrap();
    assert!(learned_until < report["plan"]["test"]["from"].as_str().unwrap());

    let history = world.json(&["retrain", "history"]);
    let run = &history["runs"][0];
    assert_eq!((&run["state"], &run["trigger"], &run["version"]), (&"promoted".into(), &"manual".into(), &"v1".into()));
    assert_eq!((run["rows_trained"].as_u64(), run["rows_tested"].as_u64()), (Some(960), Some(240)));
    assert_eq!(std::fs::read_dir(world.path("rows")).unwrap().count(), 0, "rows on their way are gone");
}

#[test]
fn a_successor_has_productions_settings_and_is_kept_where_the_gates_do_not_hold() {
    let world = World::with_reviews(ROWS);
    assert_eq!(world.json(&["retrain", "--set", "train.c=3"])["outcome"], "promoted");
    // Feedback wins over ratings: what is learned from says the contrary of what is compared on.
    world.contradict(ROWS, 13);
    let report = world.json(&["retrain"]);
    assert_eq!(report["outcome"], "kept", "{report:#}");
    assert!(report["reason"].as_str().unwrap().starts_with("gates did not hold: macro_f1"), "{report:#}");
    assert_eq!((report["promotion"]["champion"].as_str(), &report["plan"]["production"]), (Some("v1"), &"v1".into()));
    assert_eq!(report["plan"]["settings"], "v1 in production");
    assert_eq!(world.versions(), (Some(1), 2));
    assert_eq!(world.json(&["models", "show", "v2"])["run"]["parameters"]["train"]["c"], 3.0);
    assert_eq!(world.states(), ["promoted", "kept"]);
    // The settings of the configuration, where they are asked for.
    world.json(&["retrain", "--settings", "config", "--set", "train.c=7"]);
    assert_eq!(world.json(&["models", "show", "v3"])["run"]["parameters"]["train"]["c"], 7.0);
}

#[test]
fn a_class_that_is_much_larger_is_undersampled_and_the_model_undoes_it() {
    let world = World::with_reviews(ROWS);
    let report = world.json(&["retrain", "--set", "retrain.max_ratio=1"]);
    assert_eq!(report["rows"]["train"].as_u64(), Some(480), "{report:#}");
    assert!((report["plan"]["kept_of_larger_class"].as_f64().unwrap() - 1.0 / 3.0).abs() < 1e-9);
    // The newest rows keep their balance, and the probabilities are those of that.
    assert_eq!(report["rows"]["test"].as_u64(), Some(240));
    assert!(report["metrics"]["ece"].as_f64().unwrap() < 0.2, "{report:#}");
}

#[test]
fn features_are_joined_as_serving_would_have_seen_them() {
    let world = World::with_reviews(ROWS);
    let feature = "model.features=[\"product_stats.rating_mean\"]";
    let report = world.json(&["retrain", "--since", "30d", "--set", feature]);
    assert_eq!(report["plan"]["features"][0], "product_stats.rating_mean");
    let shown = world.json(&["models", "show", "production"]);
    assert_eq!(shown["run"]["features"][0], "product_stats.rating_mean");
    // The successor has them without the configuration.
    let report = world.json(&["retrain", "--since", "30d"]);
    assert_eq!(report["plan"]["features"][0], "product_stats.rating_mean");
}

#[test]
fn features_may_be_made_of_feedback() {
    let world = World::with_reviews(ROWS);
    world.contradict(ROWS, 30);
    let view = ["entity='product_id'", "source='feedback'", "features={count='count'}"];
    let settings = view.map(|setting| format!("features.views.said.{setting}"));
    let mut arguments = vec!["retrain", "--set", "model.features=[\"said.count\"]"];
    settings.iter().for_each(|setting| arguments.extend(["--set", setting]));
    let report = world.json(&arguments);
    assert_eq!((&report["outcome"], &report["plan"]["features"][0]), (&"promoted".into(), &"said.count".into()));
}

#[test]
fn a_search_for_settings_may_come_first() {
    let world = World::with_reviews(ROWS);
    let report = world.json(&["retrain", "--full", "--trials", "3"]);
    assert_eq!((&report["outcome"], &report["plan"]["tuned"]), (&"promoted".into(), &true.into()));
    assert_eq!(report["trials"].as_array().unwrap().len(), 3, "{report:#}");
    let parameters = |version| world.json(&["models", "show", version])["run"]["parameters"].take();
    let found = parameters("v1");
    assert_eq!(found["tuning"]["trials"].as_u64(), Some(3), "{found:#}");
    assert_eq!(found["tuning"]["journal"], serde_json::Value::Null, "it has gone with the rows");
    // What the search has found is what the successor is made with.
    world.json(&["retrain"]);
    let next = parameters("v2");
    assert_eq!((&next["train"], &next["model"]), (&found["train"], &found["model"]));
}

#[test]
fn a_dry_run_says_what_would_be_used_and_leaves_nothing() {
    let world = World::with_reviews(ROWS);
    let plan = world.json(&["retrain", "--since", "90d", "--dry-run"]);
    assert_eq!(plan["train"]["rows"]["negative"].as_u64(), Some(240), "{plan:#}");
    assert_eq!(plan["train"]["rows"]["positive"].as_u64(), Some(720));
    assert!(plan["notes"][0].as_str().unwrap().contains("no version in production"));
    assert!(!world.path("registry").exists());
    let plan = world.plaudit(&["retrain", "--dry-run"]).output().unwrap();
    let page = String::from_utf8(plan.stdout).unwrap();
    assert!(page.contains("240 negative and 720 positive rows") && page.contains("with nothing yet"), "{page}");
}

#[test]
fn a_signal_ends_a_run_without_a_half_version_and_lets_the_next_begin() {
    let world = World::with_reviews(6000);
    // So many trials take longer than the test waits.
    let running = world.start(&["retrain", "--full", "--trials", "10000"]);
    world.wait_for_runs(|runs| runs.len() == 1);
    let output = running.stop();
    let said = crate::world::said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("stopped before the end; nothing was registered"), "{said}");
    assert_eq!((world.states(), world.versions()), (vec!["stopped"], (None, 0)));
    assert_eq!(std::fs::read_dir(world.path("rows")).unwrap().count(), 0);
    let report = world.json(&["retrain"]);
    assert_eq!((&report["run"], &report["outcome"]), (&2.into(), &"promoted".into()));
    let runs = world.runs();
    assert_eq!((&runs[1].trigger, runs[1].outcome), (&Trigger::Manual, Some(RetrainOutcome::Promoted)));
}
