//! What an ingest refuses, and what it says then.

use crate::harness::{World, review};
use feature_store::offline::store::Dataset;

fn refusal(world: &World, settings: &[&str]) -> String {
    let mut command = world.plaudit("ingest");
    command.arg("--until-end");
    settings.iter().for_each(|setting| _ = command.args(["--set", setting]));
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn without_a_store_it_says_what_to_set() {
    let message = refusal(&World::new(1), &["offline.url=", "redis.url="]);
    assert!(message.contains("set offline.url to a folder or to s3://bucket/prefix"), "{message}");
    assert!(message.contains("or redis.url"), "{message}");
}

#[test]
fn a_place_that_cannot_be_written_to_is_named() {
    let world = World::new(1);
    let file = world.folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let message = refusal(&world, &[&format!("offline.url={}", file.display())]);
    assert!(message.contains(&file.display().to_string()), "{message}");
    let message = refusal(&world, &[&format!("offline.url={}/below", file.display())]);
    assert!(message.contains("a file is where a folder should be, set offline.url to a folder"), "{message}");
    let message = refusal(&world, &["offline.url=/proc/plaudit"]);
    assert!(message.contains("/proc/plaudit"), "{message}");
    let message = refusal(&world, &["offline.url=/dev/full/x"]);
    assert!(message.contains("/dev/full/x"), "{message}");
    let message = refusal(&world, &["offline.url=ftp://host/x"]);
    assert!(message.contains("ftp:// is none of"), "{message}");
}

#[test]
fn a_topic_that_was_created_anew_is_not_taken_for_the_one_before() {
    let world = World::new(1);
    world.produce(&world.topics.reviews, 0, (0..10).map(|i| review(&i.to_string(), "text")));
    world.ingest_until_end();
    // The chain as it would be of a topic that had held more.
    let file = world.files(Dataset::Reviews).remove(0);
    let later = file.with_file_name("00000000000000000000-00000000000000000500.parquet");
    std::fs::copy(&file, later).unwrap();
    let message = refusal(&world, &[]);
    assert!(message.contains("up to offset 500, and the topic ends at 10: it was created anew"), "{message}");
    assert!(message.contains("set offline.url to another place"), "{message}");
}
