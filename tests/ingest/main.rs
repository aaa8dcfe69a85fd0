//! The ingest as a process, on Apache Kafka: what it promises about records, files and ends.

#![expect(clippy::unwrap_used, reason = "in a test every failure is the test's")]

mod backfill;
mod crash;
mod harness;
mod markers;
mod online;
mod refusals;
mod s3;
mod skew;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "others use the rest")]
mod support;
#[path = "../support/s3.rs"]
mod support_s3;
mod trouble;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMillisecondType};
use feature_store::offline::store::Dataset;
use harness::{Running, World, report, review, texts, wait_for};
use rdkafka::producer::BaseRecord;
use service::kafka::TransactionalProducer;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

const PARTITIONS: i32 = 3;

fn reviews(partition: i32, count: i64) -> impl Iterator<Item = Vec<u8>> {
    (0..count).map(move |i| review(&format!("{partition}-{i}"), "a good product"))
}

fn prediction(i: i64) -> String {
    serde_json::json!({
        "review_id": format!("r{i}"), "sentiment": "positive", "confidence": 0.9, "probability": 0.9,
        "model": {"name": "sentiment", "version": "v3", "update": 7},
        "features": {"product_stats.rating_mean": 4.5, "user_stats.rating_count": 2.0}, "features_status": "present",
        "source": {"topic": "reviews", "partition": 2, "offset": i},
        "created_at": "2024-05-01T10:00:00Z", "scored_at": "2024-05-01T10:00:01Z",
    })
    .to_string()
}

#[test]
fn every_record_of_the_three_topics_is_a_row_and_the_next_run_adds_none() {
    let world = World::new(PARTITIONS);
    for partition in 0..PARTITIONS {
        world.produce(&world.topics.reviews, partition, reviews(partition, 500));
    }
    let label = r#"{"review_id": "a", "label": "negative", "origin": "user", "created_at": 1714557600000}"#;
    world.produce(&world.topics.feedback, 1, vec![label.as_bytes().to_vec(); 3]);
    // Two transactions and one that is aborted: markers and aborted records take offsets, and are no rows.
    let producer = TransactionalProducer::new(&world.kafka, &world.kafka.group, Duration::from_secs(10)).unwrap();
    for (round, commits) in [(0, true), (1, false), (2, true)] {
        producer.begin().unwrap();
        for i in 0..10 {
            let value = prediction(10 * round + i);
            let record = BaseRecord::<str, str>::to(&world.topics.predictions).partition(0).payload(&value);
            producer.send(record).unwrap();
        }
        if commits { producer.commit_records().unwrap() } else { producer.abort().unwrap() }
    }

    let done = world.ingest_until_end();
    assert_eq!((&done["records"], &done["malformed"]), (&(1500 + 3 + 20).into(), &0.into()));
    world.assert_each_once(Dataset::Reviews, PARTITIONS, 500);
    let predictions = world.rows(Dataset::Predictions);
    let source = |batch: &arrow_array::RecordBatch| {
        let source = batch.column_by_name("source").unwrap().as_struct().clone();
        source.column_by_name("offset").unwrap().as_primitive::<Int64Type>().values().to_vec()
    };
    let sources: Vec<i64> = predictions.iter().flat_map(source).collect();
    assert_eq!(sources, (0..10).chain(20..30).collect::<Vec<_>>());
    let features = predictions[0].column_by_name("features").unwrap().as_map().value(0);
    assert_eq!(features.column(0).as_string::<i32>().value(0), "product_stats.rating_mean");
    assert_eq!(features.column(1).as_primitive::<Float64Type>().values(), &[4.5, 2.0]);
    let feedback = world.rows(Dataset::Feedback);
    assert_eq!(texts(&feedback, "label"), vec![Some("negative".to_owned()); 3]);
    let created_at = feedback[0].column_by_name("created_at").unwrap().as_primitive::<TimestampMillisecondType>();
    assert_eq!(created_at.value(0), 1_714_557_600_000);

    let again = world.ingest_until_end();
    assert_eq!((&again["records"], &again["files"]), (&0.into(), &0.into()));
}

#[test]
fn what_cannot_be_decoded_is_a_row_with_its_bytes() {
    let world = World::new(1);
    let values: [&[u8]; 5] = [&review("a", "good"), b"{", b"\xff\xfe", br#"{"review_id": "b"}"#, &review("c", "bad")];
    world.produce(&world.topics.reviews, 0, values.map(<[u8]>::to_vec));
    let done = world.ingest_until_end();
    assert_eq!((&done["records"], &done["malformed"]), (&5.into(), &3.into()));
    world.assert_each_once(Dataset::Reviews, 1, 5);
    let rows = world.rows(Dataset::Reviews);
    let ids = texts(&rows, "review_id");
    assert_eq!(ids, [Some("a".to_owned()), None, None, None, Some("c".to_owned())]);
    let malformed = texts(&rows, "malformed");
    assert_eq!((malformed[0].as_deref(), malformed[4].as_deref()), (None, None));
    assert_eq!(malformed[3].as_deref(), Some("field `text` is missing"));
    let bytes = rows[0].column_by_name("malformed_value").unwrap().as_binary::<i32>();
    assert_eq!((bytes.value(1), bytes.value(2), bytes.is_null(0)), (values[1], values[2], true));
}

#[test]
fn files_are_bounded_and_each_begins_where_the_one_before_ends() {
    let mut world = World::new(1);
    world.settings.push("ingest.file_max_bytes=20000".to_owned());
    world.settings.push("ingest.batch_max_records=100".to_owned());
    world.produce(&world.topics.reviews, 0, (0..3000).map(|i| review(&format!("{i}"), &format!("text {i}").repeat(9))));
    let done = world.ingest_until_end();
    let files = world.files(Dataset::Reviews);
    assert!(files.len() > 3, "{files:?}");
    assert_eq!(done["files"], files.len());
    world.assert_each_once(Dataset::Reviews, 1, 3000);
    let largest = files.iter().map(|file| file.metadata().unwrap().len()).max().unwrap();
    assert!(largest < 60_000, "{largest}");
}

#[test]
fn a_file_is_there_after_its_time_and_a_signal_writes_what_is_in_hand() {
    let mut world = World::new(PARTITIONS);
    world.settings.push("ingest.file_max_seconds=1".to_owned());
    world.produce(&world.topics.reviews, 0, reviews(0, 10));
    let running = Running::start(world.plaudit("ingest").arg("--json"));
    wait_for("the first file", || !world.files(Dataset::Reviews).is_empty());
    world.assert_each_once(Dataset::Reviews, 1, 10);
    running.stop();

    world.settings.push("ingest.file_max_seconds=3600".to_owned());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    world.settings.push(format!("health.listen=127.0.0.1:{port}"));
    let running = Running::start(world.plaudit("ingest").arg("--json"));
    world.produce(&world.topics.reviews, 0, reviews(1, 10));
    wait_for("records in hand", || {
        let metrics = get(port, "/metrics");
        metrics.lines().any(|line| line.starts_with("plaudit_ingest_in_hand_bytes ") && !line.ends_with(" 0"))
    });
    world.assert_each_once(Dataset::Reviews, 1, 10);
    assert!(get(port, "/health/ready").starts_with("HTTP/1.1 200"));
    let done = report(&running.stop());
    assert_eq!(done["files"], 1);
    let rows = done["records"].as_i64().unwrap();
    world.assert_each_once(Dataset::Reviews, 1, 10 + rows);
    assert!(rows > 0);
}

/// What a path answers, if anything does.
fn get(port: u16, path: &str) -> String {
    let mut answer = String::new();
    if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) {
        let asked = stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").as_bytes());
        asked.and_then(|()| stream.read_to_string(&mut answer)).unwrap();
    }
    answer
}

#[test]
fn two_that_run_to_the_end_share_the_work_and_both_end() {
    let world = World::new(PARTITIONS);
    for partition in 0..PARTITIONS {
        world.produce(&world.topics.reviews, partition, reviews(partition, 3000));
        world.produce(&world.topics.feedback, partition, vec![b"{}".to_vec(); 100]);
    }
    let start = || Running::start(world.plaudit("ingest").args(["--until-end", "--json"]));
    let both = [start(), start()];
    let records: u64 = both.into_iter().map(|running| report(&running.end())["records"].as_u64().unwrap()).sum();
    assert_eq!(records, 3 * (3000 + 100));
    world.assert_each_once(Dataset::Reviews, PARTITIONS, 3000);
    world.assert_each_once(Dataset::Feedback, PARTITIONS, 100);
}
