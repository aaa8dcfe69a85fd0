//! The same promises in a bucket: a server of S3 in place of the folder.

use crate::harness::{Running, World, report, review, wait_for};
use crate::support_s3::{Bucket, SECRET};
use feature_store::offline::store::Dataset;
use schemas::Timestamp;
use std::process::Command;

const PARTITIONS: i32 = 2;

fn keys(bucket: &Bucket) -> Vec<String> {
    let list = String::from_utf8(bucket.get("/bucket?list-type=2&prefix=prefix/")).unwrap();
    list.split("<Key>").skip(1).map(|rest| rest.split_once("</Key>").unwrap().0.to_owned()).collect()
}

/// Copies all that it holds to where the world looks for files.
fn copy_to(bucket: &Bucket, world: &World) {
    let _ = std::fs::remove_dir_all(world.offline());
    for key in keys(bucket) {
        let path = world.offline().join(key.strip_prefix("prefix/").unwrap());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bucket.get(&format!("/bucket/{key}"))).unwrap();
    }
}

fn plaudit(bucket: &Bucket, world: &World, verb: &[&str], url: &str) -> Command {
    let mut command = world.plaudit(verb[0]);
    command.args(&verb[1..]).args(["--set", &format!("offline.url={url}")]);
    for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("AWS_")) {
        command.env_remove(key);
    }
    command.envs(bucket.environment());
    command
}

fn reviews(partition: i32, count: i64) -> impl Iterator<Item = Vec<u8>> {
    (0..count).map(move |i| review(&format!("{partition}-{i}"), &format!("text {i} {}", i * 7_919).repeat(4)))
}

#[test]
fn each_offset_stands_in_the_bucket_once_though_the_ingest_is_killed_and_files_are_compacted() {
    let bucket = Bucket::start();
    let mut world = World::new(PARTITIONS);
    for setting in
        ["ingest.file_max_bytes=30000", "ingest.batch_max_records=200", "kafka.properties.group.instance.id=only"]
    {
        world.settings.push(setting.to_owned());
    }
    for partition in 0..PARTITIONS {
        world.produce(&world.topics.reviews, partition, reviews(partition, 20_000));
    }
    for _ in 0..3 {
        let before = keys(&bucket).len();
        let running = Running::start(&mut plaudit(&bucket, &world, &["ingest"], "s3://bucket/prefix"));
        wait_for("new files", || keys(&bucket).len() > before);
        running.kill();
    }
    let done =
        report(&plaudit(&bucket, &world, &["ingest", "--until-end", "--json"], "s3://bucket/prefix").output().unwrap());
    assert!(done["files"].as_u64().unwrap() > 0, "{done}");
    copy_to(&bucket, &world);
    world.assert_each_once(Dataset::Reviews, PARTITIONS, 20_000);

    let files = keys(&bucket).len();
    let compact = ["features", "compact", "--min-age-seconds", "0", "--json"];
    let compacted = report(&plaudit(&bucket, &world, &compact, "s3://bucket/prefix/").output().unwrap());
    assert_eq!(compacted["removed"], files);
    assert!(keys(&bucket).len() < files / 2, "{:?}", keys(&bucket));
    copy_to(&bucket, &world);
    world.assert_each_once(Dataset::Reviews, PARTITIONS, 20_000);

    // The chain ends where it did.
    let again =
        report(&plaudit(&bucket, &world, &["ingest", "--until-end", "--json"], "s3://bucket/prefix").output().unwrap());
    assert_eq!(again["records"], 0);
}

#[test]
fn what_lies_in_the_bucket_is_filled_in_and_joined() {
    let bucket = Bucket::start();
    let mut world = World::new(PARTITIONS);
    for partition in 0..PARTITIONS {
        world.produce(&world.topics.reviews, partition, reviews(partition, 300));
    }
    let run = |world: &World, verb: &[&str]| {
        report(&plaudit(&bucket, world, &[verb, &["--json"]].concat(), "s3://bucket/prefix").output().unwrap())
    };
    run(&world, &["ingest", "--until-end"]);
    let redis = std::env::var("PLAUDIT_TEST_REDIS").expect("PLAUDIT_TEST_REDIS is not set: run dev/test");
    let project = format!("{}-{}", world.kafka.group, Timestamp::now().epoch_millis());
    world.settings.extend([format!("redis.url={redis}"), format!("features.project={project}")]);
    let filled = run(&world, &["features", "backfill"]);
    assert_eq!((&filled["rows"], &filled["applied"]), (&600.into(), &1200.into()), "{filled}");
    let named = run(&world, &["features", "backfill", "--input", "s3://bucket/prefix/reviews/"]);
    assert_eq!((&named["applied"], &named["replayed"]), (&0.into(), &1200.into()), "{named}");

    // All of the reviews are of one moment: by the time of their records, one after the other was known.
    let output = world.folder.path().join("joined.parquet").to_str().unwrap().to_owned();
    let joined = run(&world, &["features", "join", "--known-from", "source_timestamp", "--output", &output]);
    assert_eq!(joined["rows"], 600, "{joined}");
    assert!(joined["views"]["product_stats"]["matched"].as_u64().unwrap() > 0, "{joined}");
}

#[test]
fn a_bucket_that_is_not_there_is_named_and_secrets_are_not() {
    let bucket = Bucket::start();
    let world = World::new(1);
    for (url, expected) in [
        ("s3://absent/prefix", "create the bucket, or correct offline.url"),
        ("s3://", "write s3://bucket/prefix"),
        ("s3://key:secret@bucket", "write s3://bucket/prefix"),
    ] {
        let output = plaudit(&bucket, &world, &["ingest", "--until-end"], url).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains(expected), "{message}");
        assert!(!message.contains(SECRET), "{message}");
    }
}

#[test]
fn wrong_credentials_are_named_and_not_shown() {
    // The bucket is made without any, and nothing behind it: nobody has a key to this server.
    let bucket = Bucket::start_with(&[("INITIAL_NO_AUTH_ACTION_COUNT", "1")]);
    let output = plaudit(&bucket, &World::new(1), &["ingest", "--until-end"], "s3://bucket/prefix").output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("cannot write s3://bucket/prefix/"), "{message}");
    assert!(message.contains("check the credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)"), "{message}");
    assert!(!message.contains(SECRET), "{message}");
}

#[test]
fn a_bucket_that_nobody_answers_for_ends_the_start_with_its_name() {
    let bucket = Bucket::start();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut ingest = plaudit(&bucket, &World::new(1), &["ingest", "--until-end"], "s3://bucket/prefix");
    for name in ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"] {
        ingest.env(name, format!("http://127.0.0.1:{port}"));
    }
    let output = ingest.output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("cannot write s3://bucket/prefix/"), "{message}");
}
