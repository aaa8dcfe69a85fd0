//! The registry in a bucket: a server of S3 in place of the folder.

use crate::s3::{Bucket, SECRET};
use crate::world::World;
use serde_json::json;

/// A world whose registry is there.
fn world(bucket: &Bucket, registry: &str) -> World {
    let mut world = World::new();
    world.registry = registry.to_owned();
    world.environment = bucket.environment();
    world
}

#[test]
fn a_registry_in_a_bucket_does_what_one_in_a_folder_does() {
    let bucket = Bucket::start();
    let world = world(&bucket, "s3://bucket/team/models/");
    world.run("train --input reviews.jsonl --holdout 0.3 --promote");
    world.run("train --input reviews.jsonl --set train.c=1.0");
    world.run("models promote v2 --to staging");
    world.run("models promote staging");
    world.run("models rollback");
    world.run("models tag v2 team=search");
    let list = world.run("models list");
    assert_eq!(list["versions"][0]["aliases"], json!(["production"]));
    assert_eq!(list["versions"][1]["tags"], json!({"team": "search"}));
    assert_eq!(world.run("models log")["entries"].as_array().unwrap().len(), 5);
    assert_eq!(world.run("predict wonderful")[0]["sentiment"], "positive");
    world.run("models promote v1 --to staging");
    world.run("models delete v2 --why old");
    assert_eq!(world.run("models list")["versions"].as_array().unwrap().len(), 1);
}

/// As processes do, many writers at once.
#[test]
fn writers_of_one_bucket_lose_no_line_and_share_no_version() {
    let bucket = Bucket::start();
    let world = world(&bucket, "s3://bucket/models");
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let world = &world;
            scope.spawn(move || world.run(&format!("train --input reviews.jsonl --set train.seed={writer}")));
        }
    });
    assert_eq!(world.run("models list")["versions"].as_array().unwrap().len(), 4);
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let world = &world;
            scope.spawn(move || world.run(&format!("models promote v{} --why {writer}", writer + 1)));
        }
    });
    let log = world.run("models log");
    let entries = log["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 4);
    for pair in entries.windows(2) {
        assert_eq!(pair[1]["previous"], pair[0]["version"]);
    }
}

#[test]
fn a_bucket_that_is_not_there_is_named_and_secrets_are_not() {
    let bucket = Bucket::start();
    let world = world(&bucket, "s3://absent/models");
    for line in ["models promote v1", "train --input reviews.jsonl"] {
        let message = world.fails(1, line);
        assert!(message.contains("create the bucket, or correct registry.url"), "{message}");
        assert!(!message.contains(SECRET), "{message}");
    }
}
