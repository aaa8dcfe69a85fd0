//! `plaudit features get` on a real Redis, whose address is in `PLAUDIT_TEST_REDIS`.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up its store has failed")]

use feature_store::online::{OnlineStore, RedisConfig, ReviewEntities, Update};
use feature_store::views::FeaturesConfig;
use schemas::{Rating, Source, Timestamp};
use serde_json::{Value, json};
use std::process::{Command, Output};

/// A project that no other test has, now or before.
fn project() -> String {
    format!("get-{}-{}", std::process::id(), Timestamp::now().epoch_millis())
}

fn get(url: &str, project: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plaudit"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PLAUDIT__")) {
        command.env_remove(name);
    }
    let settings =
        [format!("redis.url={url}"), format!("features.project={project}"), "redis.deadline_ms=10000".to_owned()];
    command.args(["features", "get"]).args(arguments);
    settings.iter().for_each(|setting| {
        command.args(["--set", setting]);
    });
    command.output().unwrap()
}

#[tokio::test]
async fn what_is_known_and_what_is_not_stands_side_by_side() {
    let url = std::env::var("PLAUDIT_TEST_REDIS").expect("PLAUDIT_TEST_REDIS is not set: run dev/test");
    let features = FeaturesConfig { project: project(), ..FeaturesConfig::default() };
    let config = RedisConfig { url: url.clone(), deadline_ms: 10_000, ..RedisConfig::default() };
    let store = OnlineStore::connect(&config, &features.parse().unwrap()).await.unwrap();
    let record = Source { topic: "reviews".to_owned(), partition: 0, offset: 0 };
    let entities = ReviewEntities { product_id: Some("p 1"), user_id: None };
    let event_time = Timestamp::parse("2024-05-01T10:00:00Z").unwrap();
    let updates: Vec<_> = Update::of_rating(entities, Rating::new(4.5).unwrap(), event_time, &record).collect();
    store.apply(&updates).await.unwrap();

    let done = get(&url, &features.project, &["product=p 1", "user=nobody", "--json"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let known: Value = serde_json::from_slice(&done.stdout).unwrap();
    let feature = |name: &str, value: Value| json!({"name": name, "value": value});
    let expected = json!({
        "entities": [
            {"entity": "product_id", "id": "p 1", "views": [{
                "view": "product_stats", "status": "present", "event_time": "2024-05-01T10:00:00.000Z",
                "features": [feature("product_stats.rating_count", json!(1)), feature("product_stats.rating_mean", json!(4.5))],
            }]},
            {"entity": "user_id", "id": "nobody", "views": [{
                "view": "user_stats", "status": "missing", "event_time": null,
                "features": [feature("user_stats.rating_count", Value::Null), feature("user_stats.rating_mean", Value::Null)],
            }]},
        ],
        "undecodable": 0,
    });
    assert_eq!(known, expected);

    let done = get(&url, &features.project, &["product=p 1"]);
    let text = String::from_utf8(done.stdout).unwrap();
    let row: Vec<&str> = text.lines().nth(2).unwrap().split_whitespace().collect();
    assert_eq!(row, ["product_id=p", "1", "product_stats.rating_mean", "4.5", "present", "2024-05-01T10:00:00.000Z"]);
}

#[test]
fn without_a_store_it_is_said_what_to_set() {
    for (url, code, word) in
        [("", 2, "redis.url"), ("redis://127.0.0.1:1", 1, "127.0.0.1:1"), ("nonsense", 2, "redis.url")]
    {
        let done = get(url, "plaudit", &["product=p"]);
        let error = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(code), "{error}");
        assert!(error.starts_with("error: ") && error.contains(word) && error.lines().count() == 1, "{error}");
    }
    let done = get("", "plaudit", &["shop=p"]);
    assert_eq!(done.status.code(), Some(2));
}
