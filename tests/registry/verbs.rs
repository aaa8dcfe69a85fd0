//! `plaudit models` beyond promoting.

use crate::world::World;
use serde_json::{Value, json};

#[test]
fn a_version_is_carried_to_another_registry_in_a_file() {
    let mut world = World::new();
    world.run("train --input reviews.jsonl --holdout 0.3 --promote");
    world.run("models tag production team=search");
    world.plaudit("models describe v1").arg("the first of its kind").output().unwrap();
    let exported = world.run("models export --output v1.tar");
    let listing = std::process::Command::new("tar").arg("tf").arg(world.path().join("v1.tar")).output().unwrap();
    assert_eq!(String::from_utf8(listing.stdout).unwrap(), "manifest.json\nnotes.json\nmodel.safetensors\n");
    let said = world.run("predict wonderful");

    world.registry = "elsewhere".to_owned();
    let imported = world.run("models import v1.tar --name other");
    assert_eq!((&imported["version"], &imported["sha256"]), (&json!("v1"), &exported["sha256"]));
    assert_eq!(imported["from"], json!({"name": "sentiment", "version": "v1"}));
    let shown = world.run("models show v1 --name other");
    assert_eq!((&shown["tags"]["team"], &shown["description"]), (&json!("search"), &json!("the first of its kind")));
    world.run("models promote v1 --name other");
    let again = world.run("predict wonderful --set model.name=other");
    assert!(said[0]["probability"].is_number(), "{said}");
    assert_eq!(again[0]["probability"], said[0]["probability"]);

    let bytes = std::fs::read(world.path().join("v1.tar")).unwrap();
    std::fs::write(world.path().join("cut.tar"), &bytes[..bytes.len() / 2]).unwrap();
    let message = world.fails(1, "models import cut.tar");
    assert!(message.starts_with("error: cannot import cut.tar: ") && message.lines().count() == 1, "{message}");
    std::fs::write(world.path().join("text.tar"), "no archive").unwrap();
    assert!(world.fails(1, "models import text.tar").contains("cannot import text.tar"));
    assert_eq!(world.run("models list --name sentiment")["versions"], json!([]));
}

#[test]
fn the_log_answers_who_was_production_when() {
    let world = World::new();
    world.run("train --input reviews.jsonl --promote");
    world.run("train --input reviews.jsonl --set train.c=1.0");
    world.run("models promote v2 --to staging --who ben --reason tried");
    let log = world.run("models log --alias production");
    let began = log["entries"][0]["at"].as_str().unwrap().to_owned();
    assert_eq!((log["entries"].as_array().unwrap().len(), &log["entries"][0]["until"]), (1, &Value::Null));
    world.run("models promote staging");
    let at = |time: &str| world.run(&format!("models log --alias production --at {time}"))["tenure"].clone();
    assert_eq!(at("2001-01-01T00:00Z"), Value::Null);
    assert_eq!(at(&began)["version"], "v1");
    assert!(at(&began)["until"].is_string());
    assert_eq!((&at("2100-01-01")["version"], &at("2100-01-01")["until"]), (&json!("v2"), &Value::Null));
    let of_staging = world.run("models log --at 2100-01-01 --alias staging");
    assert_eq!((&of_staging["tenure"]["who"], &of_staging["tenure"]["why"]), (&json!("ben"), &json!("tried")));
    assert!(world.fails(2, "models log --at yesterday").contains("`yesterday` is no time"));
    let page = String::from_utf8(world.plaudit("models log --at 2100-01-01").output().unwrap().stdout).unwrap();
    assert!(page.starts_with("production of \"sentiment\" was v2 at 2100-01-01T"), "{page}");
}

#[test]
fn what_is_in_use_or_no_version_is_not_deleted() {
    let world = World::new();
    world.run("train --input reviews.jsonl --promote");
    world.run("train --input reviews.jsonl --set train.c=1.0");
    assert!(world.fails(1, "models delete v1").contains("production of \"sentiment\" is v1, which is therefore kept"));
    assert!(world.fails(2, "models delete production").contains("name the version"));
    assert_eq!(world.run("models delete v2 --why wrong")["deleted"], true);
    assert!(world.fails(1, "models show v2").contains("v2 of \"sentiment\" was deleted at "));
    assert!(world.fails(2, "models sync").contains("set mlflow.url"));
    assert!(world.fails(2, "models tag v1 nonsense").contains("write key=value"));
}
