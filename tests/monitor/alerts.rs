//! When alerts are raised, and how often.

use crate::support::{Running, wait_for};
use crate::world::World;
use feature_store::offline::store::{OfflineConfig, Store};
use std::collections::BTreeMap;

const WINDOW: &str = "monitor.window=500";

#[test]
fn labels_that_flip_raise_one_alert_that_says_what_how_much_and_since_when() {
    let world = World::new().with(WINDOW);
    world.labelled(0..3000, 4, false);
    world.labelled(3000..4500, 4, true);
    let report = world.json(&["monitor", "--until-end"]);
    let alerts = world.alerts();
    let [alert] = alerts.as_slice() else { panic!("{alerts:#?}") };
    assert_eq!((alert.monitor.as_str(), alert.statistic.as_str()), ("errors", "error_rate_by_adwin"));
    assert_eq!(alert.slice, BTreeMap::from([("version".to_owned(), "v4".to_owned())]));
    assert!((alert.threshold - 0.07).abs() < 0.01 && alert.value > 0.5, "{alert:#?}");
    let since = alert.since.epoch_millis() - world.at(0);
    assert!((29_000..=30_500).contains(&since), "it began with the 3000th, 30 s after the first: {since}");
    assert_eq!(alert.window.topic, world.names.topics.feedback);
    assert_eq!(report["alert_count"], 1);
    assert_eq!(report["alerts"][0]["message"], alert.message.as_str());
    assert_eq!(report["ongoing"][0]["monitor"], "errors");

    // Whoever retrains hears of it.
    let store = world.folder.path().join("offline").display().to_string();
    Store::open_or_create(&OfflineConfig { url: store.clone() }).unwrap();
    let url = format!("offline.url={store}");
    let mut command =
        world.plaudit(&["retrain", "--on-drift", "--set", &url, "--set", "retrain.on_drift=[\"errors\"]"]);
    let (running, heard) = Running::start_and_wait_for(&mut command, "an alert asks for a retraining");
    running.stop();
    assert!(heard.contains(&alert.message), "{heard}");
}

#[test]
fn a_stream_that_does_not_change_raises_none() {
    let world = World::new().with(WINDOW);
    world.labelled(0..5000, 4, false);
    let report = world.json(&["monitor", "--until-end"]);
    assert_eq!((&report["alert_count"], &report["labels"]["matched"]), (&0.into(), &5000.into()));
    assert!(world.alerts().is_empty());
}

#[test]
fn an_episode_has_one_alert_however_often_the_process_dies_in_it() {
    let world = World::new().with(WINDOW);
    world.labelled(0..2000, 1, false);
    world.labelled(2000..2600, 1, true);
    let running = world.start(&["monitor"]);
    wait_for("the alert", || world.alerts().len() == 1);
    running.kill();
    world.labelled(2600..2900, 1, true);
    world.json(&["monitor", "--until-end"]);
    assert_eq!(world.alerts().len(), 1);
    // One that remembers too little to see the change again knows of it from the topic.
    world.labelled(2900..3200, 1, true);
    world.json(&["monitor", "--until-end", "--set", "monitor.memory_hours=1"]);
    let alerts = world.alerts();
    assert_eq!(alerts.len(), 1, "{alerts:#?}");
    // What `--once` says is said to nobody else.
    assert_eq!(world.json(&["monitor", "--once"])["alert_count"], 1);
    assert_eq!(world.alerts().len(), 1);
}

#[test]
fn a_second_monitor_takes_over_from_the_first() {
    let world = World::new();
    world.labelled(0..50, 1, false);
    let mut command = world.plaudit(&["monitor"]);
    let (mut first, _) = Running::start_and_wait_for(&mut command, "has read what there was");
    let mut command = world.plaudit(&["monitor"]);
    let (second, _) = Running::start_and_wait_for(&mut command, "has read what there was");
    world.labelled(50..100, 1, false);
    wait_for("the end of the first", || first.0.try_wait().unwrap().is_some());
    assert_eq!(first.0.wait().unwrap().code(), Some(1));
    assert_eq!(second.stop().status.code(), Some(0));
}
