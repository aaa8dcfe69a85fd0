//! What the document of `--once` says of records that are known.

use crate::support::{Running, wait_for};
use crate::world::World;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

fn slice<'v>(report: &'v Value, slice: &Value) -> &'v Value {
    report["quality"].as_array().unwrap().iter().find(|quality| quality["slice"] == *slice).unwrap()
}

/// Twelve predictions of two versions; of eight of them a label came, and six were right.
fn twelve(world: &World) {
    for i in 0..12 {
        world.predict(&format!("r{i}"), 1 + u64::from(i >= 6), if i % 2 == 0 { 0.9 } else { 0.3 }, 1000 * i);
    }
    for i in 0..8 {
        let label = if (i % 2 == 0) == (i >= 2) { "positive" } else { "negative" };
        let origin = if i < 4 { "user" } else { "annotator" };
        world.label(&format!("r{i}"), label, origin, 1000 * i + 2000 * (1 + i));
    }
    world.flush();
}

#[test]
fn the_figures_are_those_of_the_labelled_predictions_and_of_no_other() {
    let world = World::new();
    twelve(&world);
    let topics = &world.names.topics;
    for topic in [&topics.reviews, &topics.predictions, &topics.feedback] {
        world.write(topic, "x", "no JSON at all", 1);
        world.write(topic, "x", "{}", 2);
    }
    world.label("r3", "negative", "annotator", 90_000);
    world.label("nobody knows", "negative", "user", 90_000);
    world.flush();
    let report = world.json(&["monitor", "--once"]);
    assert_eq!(report["malformed"], json!({"reviews": 2, "predictions": 2, "feedback": 2}));
    let labels = &report["labels"];
    for (count, expected) in [
        ("predictions", 12),
        ("labels", 10),
        ("matched", 8),
        ("repeated_labels", 1),
        ("waiting_labels", 1),
        ("given_up", 0),
    ] {
        assert_eq!(labels[count], expected, "{count}: {labels}");
    }
    let all = slice(&report, &json!({}));
    assert_eq!((&all["labelled"], &all["window"]["accuracy"]), (&json!(8), &json!(0.75)));
    // Of classes: 3 of 4 positives, 3 of 4 negatives.
    assert_eq!(all["window"]["confusion"], json!({"tn": 3, "fp": 1, "fn": 1, "tp": 3}));
    assert_eq!((&all["window"]["macro_f1"], &all["window"]["roc_auc"]), (&json!(0.75), &json!(0.75)));
    let log_loss = -(3.0 * 0.9_f64.ln() + 0.1_f64.ln() + 3.0 * 0.7_f64.ln() + 0.3_f64.ln()) / 8.0;
    assert!((all["window"]["log_loss"].as_f64().unwrap() - log_loss).abs() < 1e-12);
    // 2, 4, .. 16 seconds.
    assert_eq!(all["median_delay_seconds"], 9.0);
    assert_eq!((&all["matured"], &all["coverage"]), (&json!(0), &Value::Null));
    let accuracy = |of: Value| slice(&report, &of)["window"]["accuracy"].clone();
    assert_eq!(accuracy(json!({"version": "v1"})), json!(4.0 / 6.0));
    assert_eq!(accuracy(json!({"version": "v2"})), json!(1.0));
    assert_eq!(accuracy(json!({"origin": "user"})), json!(0.5));
    assert_eq!(accuracy(json!({"origin": "annotator"})), json!(1.0));
    assert_eq!(report["alerts"], json!([]));
    // Nothing was committed and nothing written: the same again, for people.
    let output = world.plaudit(&["monitor", "--once"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("joined        8; 4 predictions wait for a label"), "{text}");
    assert!(text.contains("no alert"), "{text}");
    assert!(world.alerts().is_empty());
}

#[test]
fn coverage_is_of_predictions_whose_time_is_over() {
    let world = World::new().with("monitor.maturity_seconds=6");
    twelve(&world);
    let report = world.json(&["monitor", "--once"]);
    let all = slice(&report, &json!({}));
    // The time of the first six is over when the last one comes, and three of them had a label by then. Two have one of the others.
    assert_eq!((&all["matured"], &all["coverage"], &all["labelled"]), (&json!(6), &json!(0.5), &json!(5)));
}

#[test]
fn a_window_of_time_leaves_out_what_is_older() {
    let world = World::new();
    world.predict("old", 1, 0.9, -90_000_000);
    world.label("old", "negative", "user", -80_000_000);
    twelve(&world);
    let all = |report: Value| slice(&report, &json!({})).clone();
    assert_eq!(all(world.json(&["monitor", "--once"]))["labelled"], 9);
    assert_eq!(all(world.json(&["monitor", "--once", "--since", "6h"]))["labelled"], 8);
}

#[test]
fn categories_of_reviews_part_the_figures_where_their_field_is_named() {
    let world = World::new().with("monitor.category_field=category").with("monitor.max_categories=1");
    for i in 0..12 {
        let (id, category) = (format!("r{i}"), if i % 3 == 0 { "books" } else { "toys" });
        let review =
            json!({"review_id": id, "text": "some words", "created_at": world.at(1000 * i), "category": category});
        world.write(&world.names.topics.reviews, &id, &review.to_string(), 1000 * i);
    }
    twelve(&world);
    let report = world.json(&["monitor", "--once"]);
    assert_eq!(report["records"]["reviews"], 12);
    assert_eq!(slice(&report, &json!({"category": "books"}))["labelled"], 3);
    assert_eq!(slice(&report, &json!({"category": "(other)"}))["labelled"], 5);
}

#[test]
fn what_waits_is_bounded_and_what_is_given_up_is_counted() {
    let world = World::new().with("monitor.max_waiting=5");
    twelve(&world);
    let labels = &world.json(&["monitor", "--once"])["labels"];
    assert!(labels["given_up"].as_u64().unwrap() >= 4, "{labels}");
    assert!(labels["waiting_predictions"].as_u64().unwrap() <= 5, "{labels}");
}

fn metrics(port: u16) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.write_all(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

#[test]
fn a_service_tells_its_figures_as_metrics_and_ends_cleanly() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let world = World::new().with(&format!("health.listen=127.0.0.1:{port}"));
    twelve(&world);
    let running: Running = world.start(&["monitor", "--json"]);
    wait_for("the figures", || {
        let found = metrics(port).unwrap_or_default();
        found.contains("plaudit_quality{figure=\"accuracy\",slice=\"all\"} 0.75")
            && found.contains("plaudit_quality_labelled{slice=\"annotator\"} 4")
    });
    let output = running.stop();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["labels"]["matched"], 8);
}

#[test]
fn a_topic_that_is_not_there_is_named() {
    let world = World::new().with("topics.feedback=no-such-topic");
    let output = world.plaudit(&["monitor", "--once"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("no-such-topic") && said.contains("plaudit topics create"), "{said}");
}
