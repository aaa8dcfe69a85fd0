//! What a group has left, in records and in time.

use crate::harness::{PATIENCE, Running, World, wait_for};
use crate::look;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};
use std::time::{Duration, UNIX_EPOCH};

/// Sends records to a partition, each a second older than the next, the last one as old as this.
fn send(world: &World, topic: &str, partition: i32, count: i64, age: Duration) {
    let producer: BaseProducer = world.kafka.producer().create().unwrap();
    let last = i64::try_from((UNIX_EPOCH.elapsed().unwrap() - age).as_millis()).unwrap();
    for i in 1..=count {
        let at = last - (count - i) * 1000;
        let record: BaseRecord<'_, [u8], str> = BaseRecord::to(topic).payload("x").partition(partition).timestamp(at);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
}

/// The same in one transaction, whose marker takes an offset behind them.
fn send_in_a_transaction(world: &World, topic: &str, partition: i32, count: i64) {
    let producer: BaseProducer =
        world.kafka.transactional_producer(&format!("{}-test", world.kafka.group)).create().unwrap();
    producer.init_transactions(PATIENCE).unwrap();
    producer.begin_transaction().unwrap();
    for _ in 0..count {
        let record: BaseRecord<'_, [u8], str> = BaseRecord::to(topic).payload("x").partition(partition);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.commit_transaction(PATIENCE).unwrap();
}

fn commit(world: &World, role: &str, offsets: &[(&str, i32, i64)]) {
    let consumer: BaseConsumer = world.kafka.consumer(role).create().unwrap();
    let mut list = TopicPartitionList::new();
    for (topic, partition, next) in offsets {
        list.add_partition_offset(topic, *partition, Offset::Offset(*next)).unwrap();
    }
    consumer.commit(&list, CommitMode::Sync).unwrap();
}

#[test]
fn a_group_lags_by_what_it_has_not_committed_since_the_first_record_of_that() {
    let world = World::new(4);
    let (reviews, predictions) = (world.topics.reviews.as_str(), world.topics.predictions.as_str());
    let (hour, day) = (Duration::from_secs(3600), Duration::from_secs(86_400));
    send(&world, reviews, 0, 10, hour);
    send(&world, reviews, 1, 5, day);
    send(&world, reviews, 2, 7, day);
    send_in_a_transaction(&world, reviews, 3, 2);
    // 6 are left of partition 0, the first of them an hour and 5 s old; partition 2 is none of the group's.
    commit(&world, "score", &[(reviews, 0, 4), (reviews, 1, 5), (reviews, 3, 2)]);
    send(&world, predictions, 0, 3, hour);
    commit(&world, "ingest", &[(reviews, 2, 6), (predictions, 0, 0)]);

    let report = look(&world);
    let groups = report["groups"].as_array().unwrap();
    let names: Vec<&str> = groups.iter().map(|group| group["group"].as_str().unwrap()).collect();
    assert_eq!(names, [world.kafka.group_of("score"), world.kafka.group_of("ingest")], "others never read");
    let (scorers, ingest) = (&groups[0], &groups[1]);
    assert_eq!((&scorers["state"], scorers["members"].as_array().unwrap().len()), (&"Empty".into(), 0));
    let [lag] = scorers["topics"].as_array().unwrap().as_slice() else { panic!("{scorers}") };
    assert_eq!((&lag["topic"], &lag["partitions"]), (&reviews.into(), &3.into()));
    // The marker alone is behind what was committed of partition 3.
    assert_eq!((&lag["records"], &lag["partitions_behind"]), (&6.into(), &1.into()), "{lag}");
    let waits = lag["seconds"].as_f64().unwrap();
    assert!((3605.0..3605.0 + 600.0).contains(&waits), "{waits}");

    let of_ingest = |topic: &str| {
        let lag = ingest["topics"].as_array().unwrap().iter().find(|lag| lag["topic"] == topic).unwrap().clone();
        (lag["records"].as_u64().unwrap(), lag["seconds"].as_f64().unwrap())
    };
    assert_eq!(of_ingest(reviews).0, 1);
    assert_eq!(of_ingest(predictions).0, 3);
    assert!(of_ingest(reviews).1 > of_ingest(predictions).1, "a day, and an hour");
}

#[test]
fn a_group_of_the_newer_protocol_tells_its_lag_and_not_its_members() {
    let mut world = World::new(1);
    world.membership = vec!["group.protocol=consumer"];
    let reviews = world.topics.reviews.clone();
    send(&world, &reviews, 0, 1, Duration::ZERO);
    let scorer = Running::start(&mut world.plaudit("score"));
    let group = || look(&world)["groups"][0].clone();
    wait_for("its lag of none", || group()["topics"][0]["records"] == 0);
    assert_eq!((&group()["state"], &group()["members"]), (&().into(), &serde_json::json!([])));
    let told = look(&world)["model"]["scorers"]["unreached"].to_string();
    assert!(told.contains("does not tell who is in a group"), "{told}");
    scorer.stop();
}

#[test]
fn what_was_deleted_before_it_was_read_is_no_lag() {
    let world = World::new(1);
    let reviews = world.topics.reviews.as_str();
    send(&world, reviews, 0, 9, Duration::ZERO);
    commit(&world, "score", &[(reviews, 0, 1)]);
    crate::support::topics::delete_before(&world.kafka, reviews, 0, 5);
    assert_eq!(look(&world)["groups"][0]["topics"][0]["records"], 4);
}
