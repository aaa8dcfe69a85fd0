//! A version that `plaudit train` has made, beside what was normal for it.

use crate::world::World;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// A review of a world of its own words; one in three is negative.
fn review(i: u64, foreign: bool) -> (String, &'static str) {
    let is_positive = !i.is_multiple_of(3);
    let telling = if is_positive { ["lovely", "superb", "splendid"] } else { ["awful", "dreadful", "shoddy"] };
    let (word, label) = (telling[(i / 3 % 3) as usize], if is_positive { "positive" } else { "negative" });
    let plain = ["kettle", "garden", "window", "pencil", "bottle", "carpet"][(i * 7 % 6) as usize];
    let other = ["chaudron", "jardin", "fenetre", "crayon", "bouteille", "tapis"][(i * 7 % 6) as usize];
    match foreign {
        false => (format!("a {word} {plain} that came on day {} of the year", i % 9), label),
        true => (format!("{word} {other} pour chaque maison le jour {}", i % 9), label),
    }
}

/// A feature that a model may have.
const FEATURE: &str = "product_stats.rating_mean";

/// Its value for a review: from 3 to 4.
fn rating(i: u64) -> f64 {
    3.0 + (i * 7919 % 101) as f64 / 100.0
}

fn train(world: &World) {
    let path = world.folder.path().join("rows.csv");
    let mut rows = format!("text,label,{FEATURE}\n");
    for i in 0..3000 {
        let (text, label) = review(i, false);
        writeln!(rows, "{text} number {i},{label},{}", rating(i)).unwrap();
    }
    std::fs::write(&path, rows).unwrap();
    let path = path.display().to_string();
    world.json(&["train", "--input", &path, "--holdout", "0.4", "--promote"]);
}

/// Reviews, scored by the program itself.
fn stream(world: &World, numbers: std::ops::Range<u64>, foreign: bool) {
    for i in numbers {
        let (text, label) = review(i, foreign);
        let id = format!("r{i}");
        let millis = 10 * i as i64;
        let review = json!({"review_id": id, "text": format!("{text} number {i}"), "created_at": world.at(millis)});
        world.write(&world.names.topics.reviews, &id, &review.to_string(), millis);
        world.label(&id, label, "user", millis + 500);
    }
    world.flush();
    world.json(&["score", "--until-end"]);
}

#[test]
fn words_of_another_kind_are_told_from_those_of_the_reference() {
    let world = World::new().with("monitor.window=300");
    let dead_letters = schemas::Topics::dead_letters_of(&world.names.topics.reviews);
    world.names.create(&[&dead_letters], 1);
    train(&world);
    stream(&world, 0..900, false);
    let report = world.json(&["monitor", "--once"]);
    let version = &report["versions"][0];
    assert_eq!((&version["version"], &version["has_reference"]), (&json!("v1"), &json!(true)), "{version:#}");
    let distance = |version: &Value, pointer: &str| {
        let distance = &version.pointer(pointer).unwrap_or(&Value::Null);
        let of = |key: &str| distance[key].as_f64().unwrap_or_else(|| panic!("no {pointer} in {version:#}"));
        (of("value"), of("threshold"))
    };
    let (psi, by_chance) = distance(version, "/comparison/scores/psi");
    assert!(psi < by_chance.max(0.1), "{psi} {by_chance}");
    assert_eq!(report["alerts"], json!([]), "nothing has changed");

    stream(&world, 900..2400, true);
    let report = world.json(&["monitor", "--until-end"]);
    let monitors: Vec<String> = world.alerts().into_iter().map(|alert| alert.monitor).collect();
    for monitor in ["words", "unknown_words"] {
        assert_eq!(monitors.iter().filter(|name| *name == monitor).count(), 1, "{monitors:?}\n{report:#}");
    }
    let (psi, by_chance) = distance(&report["versions"][0], "/words/words");
    assert!(psi > by_chance, "{psi} {by_chance}");
}

#[test]
fn features_of_another_kind_are_told_from_those_of_the_reference() {
    let features = format!("model.features=[\"{FEATURE}\"]");
    let world = World::new().with("monitor.window=300").with("monitor.alerts=[\"features\"]").with(&features);
    train(&world);
    let predict = |numbers: std::ops::Range<u64>, more: f64| {
        for i in numbers {
            let features = json!({FEATURE: rating(i) + more, "nobody.asked": 7.0});
            world.predict_with(&features, &format!("r{i}"), 1, 0.9, 10 * i as i64);
        }
        world.flush();
    };
    predict(0..900, 0.0);
    assert_eq!(world.json(&["monitor", "--until-end"])["alert_count"], 0);
    // Half a star more.
    predict(900..1800, 0.5);
    let report = world.json(&["monitor", "--until-end"]);
    let alerts = world.alerts();
    let [alert] = alerts.as_slice() else { panic!("{alerts:#?}\n{report:#}") };
    let slice = BTreeMap::from([("feature", FEATURE), ("version", "v1")]);
    let slice: BTreeMap<String, String> =
        slice.into_iter().map(|(kind, of)| (kind.to_owned(), of.to_owned())).collect();
    assert_eq!((alert.monitor.as_str(), alert.statistic.as_str(), &alert.slice), ("features", "psi", &slice));
    assert_eq!(alert.since.epoch_millis(), world.at(9000), "with the first window that is of another kind");
    let known = report["versions"][0]["comparison"]["features"].as_object().unwrap();
    assert_eq!(known.keys().collect::<Vec<_>>(), [FEATURE]);
}
