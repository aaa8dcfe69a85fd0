//! Runs until the end beside other members of their group, and the last batches of a run.

use crate::harness::{PATIENCE, Record, Running, World, assert_exactly_once, report, review, wait_for};
use crate::support::topics::delete;
use crate::{PARTITIONS, produce_reviews};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::BaseRecord;
use rdkafka::{Offset, TopicPartitionList};
use service::kafka::TransactionalProducer;
use std::fs::File;
use std::time::{Duration, Instant};

/// A member of the scorers' group that has every partition and does nothing. It gives none of them up before it is dropped,
/// since nobody polls.
fn idle_member(world: &World, partitions: i32) -> BaseConsumer {
    let member: BaseConsumer = world.kafka.consumer("score").create().unwrap();
    member.subscribe(&[&world.topics.reviews]).unwrap();
    wait_for("all partitions", || {
        member.poll(Duration::from_millis(100));
        member.assignment().unwrap().count() == partitions as usize
    });
    member
}

fn offsets(world: &World, next: &[(i32, i64)]) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for &(partition, next) in next {
        list.add_partition_offset(&world.topics.reviews, partition, Offset::Offset(next)).unwrap();
    }
    list
}

#[test]
fn an_end_behind_the_marker_of_a_transaction_is_not_waited_for_though_another_member_has_the_partition() {
    let world = World::new(2);
    let producer = TransactionalProducer::new(&world.kafka, &world.kafka.group, PATIENCE).unwrap();
    producer.begin().unwrap();
    for i in 0..20 {
        let (id, partition) = (format!("r-{i}"), i % 2);
        let body = review(&id, "a good product");
        producer.send(BaseRecord::to(&world.topics.reviews).key(&id).payload(&body).partition(partition)).unwrap();
    }
    producer.commit_records().unwrap();

    let other = Running::start(&mut world.plaudit("score"));
    world.wait_for_predictions(20);
    let run = Running::start(world.plaudit("score").args(["--until-end", "--json"]));
    assert_eq!(report(&run.end())["records"], 0);
    assert!(other.stop().status.success());
    assert_eq!(world.predictions().len(), 20);
}

#[test]
fn a_run_that_takes_a_partition_over_beyond_its_own_end_takes_its_group_nowhere_back() {
    let world = World::new(2);
    let produce = |partition, range: std::ops::Range<usize>| {
        let body = |i| review(&format!("{partition}-{i}"), "a good product");
        let bodies: Vec<Vec<u8>> = range.map(body).collect();
        world.produce(bodies.iter().map(|body| Record {
            payload: Some(body),
            partition: Some(partition),
            ..Record::default()
        }));
    };
    produce(0, 0..10);
    produce(1, 0..10);
    let other = idle_member(&world, 2);
    let log = world.path("run.log");
    let mut command = world.plaudit("score");
    command.args(["--until-end", "--json"]).stderr(File::create(&log).unwrap());
    let run = Running(command.spawn().unwrap());
    wait_for("a member without a partition", || std::fs::read_to_string(&log).unwrap().contains("owns 0 partitions"));
    // The run ends at offset 10 of each; the other one is through with five more of one, and goes.
    produce(0, 10..15);
    other.commit(&offsets(&world, &[(0, 15)]), rdkafka::consumer::CommitMode::Sync).unwrap();
    drop(other);
    assert_eq!(report(&run.end())["records"], 10, "those of the other partition");
    let look: BaseConsumer = world.kafka.consumer("score").create().unwrap();
    let committed = look.committed_offsets(offsets(&world, &[(0, 0)]), PATIENCE).unwrap();
    assert_eq!(committed.elements()[0].offset(), Offset::Offset(15));
}

#[test]
fn the_last_batches_of_a_run_may_take_longer_than_the_poll_interval() {
    let mut world = World::new(PARTITIONS);
    world.membership.push("max.poll.interval.ms=3000");
    produce_reviews(&world, 30);
    let other = idle_member(&world, PARTITIONS);
    let log = world.path("run.log");
    let mut command = world.plaudit("score");
    command.args(["--until-end", "--json", "--set", "scorer.transaction_timeout_ms=9000"]);
    let run = Running(command.stderr(File::create(&log).unwrap()).spawn().unwrap());
    let told = |text: &str| std::fs::read_to_string(&log).unwrap().matches(text).count();
    wait_for("a member without a partition", || told("owns 0 partitions") == 1);

    delete(&world.kafka, &world.topics.predictions);
    drop(other);
    wait_for("an aborted transaction", || told("transaction aborted") > 0);
    let stalled = Instant::now();
    // All has been read long ago, and nothing is published for two intervals.
    wait_for("more than an interval", || stalled.elapsed() > Duration::from_secs(6));
    world.create(&[&world.topics.predictions], PARTITIONS);
    assert_eq!(report(&run.end())["records"], 30 * PARTITIONS);
    assert_eq!(told("MAXPOLL"), 0, "the group has noticed");
    assert_exactly_once(&world.predictions(), PARTITIONS, 30);
}
