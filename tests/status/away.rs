//! What cannot be reached is named, and the rest is told all the same.

use crate::harness::World;
use crate::{document, look, status};
use std::net::TcpListener;

/// An address at which nobody listens: it was free a moment ago.
fn nobody() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn unreached(part: &serde_json::Value) -> &str {
    part["unreached"].as_str().unwrap_or_else(|| panic!("reached: {part}"))
}

#[test]
fn without_kafka_the_registry_is_told_and_the_exit_code_is_one() {
    let world = World::new(1);
    let address = nobody();
    let away = format!("kafka.brokers={address}");
    let asked = || {
        let mut command = world.plaudit("status");
        command.args(["--set", &away, "--timeout", "1"]);
        command
    };
    let output = asked().arg("--json").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains(&format!("error: no Kafka broker answers at {address} within")), "{told}");
    let report = document(&output);
    assert!(unreached(&report["kafka"]).starts_with("no Kafka broker answers"), "{report}");
    for part in [&report["dead_letters"][0], &report["predictions"], &report["alerts"]] {
        unreached(part);
    }
    assert!(report["groups"].as_array().unwrap().iter().all(|group| group["unreached"].is_string()), "{report}");
    assert_eq!(report["model"]["registered"]["version"], "v1");

    let text = String::from_utf8(asked().output().unwrap().stdout).unwrap();
    assert!(text.starts_with("kafka          not reached: no Kafka broker answers"), "{text}");
    assert!(text.contains("model          sentiment: production is v1, for"), "{text}");
    assert!(!text.contains("GROUP"), "{text}");
}

#[test]
fn stores_and_a_registry_that_are_away_are_named_beside_kafka() {
    let world = World::new(1);
    let output = status(&world, &["--json"])
        .args(["--set", &format!("redis.url=redis://{}", nobody())])
        .args(["--set", &format!("offline.url={}", world.path("nowhere"))])
        .args(["--set", "model.alias=candidate"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "Kafka was there");
    let report = document(&output);
    assert!(report["kafka"]["brokers"].as_u64().unwrap() >= 1, "{report}");
    assert!(unreached(&report["online_store"]).contains("redis://127.0.0.1"), "{report}");
    assert!(unreached(&report["offline_store"]).contains("nowhere"), "{report}");
    assert!(unreached(&report["model"]["registered"]).contains("candidate"), "{report}");
    assert_eq!(report["model"]["scorers"], serde_json::json!([]));
}

#[test]
fn what_is_not_configured_or_does_not_exist_is_no_error() {
    let world = World::new(1);
    let report = look(&world);
    assert_eq!((&report["online_store"], &report["offline_store"]), (&().into(), &().into()));
    let topics = report["kafka"]["topics"].as_array().unwrap();
    let feedback = topics.iter().find(|topic| topic["role"] == "feedback").unwrap();
    // The world has none.
    assert_eq!((&feedback["exists"], &feedback["finding"]["severity"]), (&false.into(), &"error".into()));
    let letters = &report["dead_letters"][0];
    assert_eq!((&letters["count"], &letters["is_exact"]), (&0.into(), &true.into()));
    assert_eq!(report["groups"], serde_json::json!([]));
    let text = String::from_utf8(status(&world, &[]).output().unwrap().stdout).unwrap();
    assert!(text.contains("none of the services has ever read from this cluster"), "{text}");
}
