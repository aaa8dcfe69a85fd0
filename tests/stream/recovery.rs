//! What a scorer finds when it takes partitions over: transactions that the dead left open, records that are gone.

use crate::harness::{Record, Running, World, assert_exactly_once, report, review};
use crate::support::topics::delete_before;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

fn produce(world: &World, range: std::ops::Range<usize>) {
    let reviews: Vec<(String, Vec<u8>)> =
        range.map(|i| (format!("r-{i}"), review(&format!("r-{i}"), "a good product"))).collect();
    world.produce(reviews.iter().map(|(id, body)| Record {
        key: Some(id),
        payload: Some(body),
        partition: Some(0),
        ..Record::default()
    }));
}

#[test]
fn what_a_killed_scorer_left_open_is_ended_by_the_next_one_and_not_by_its_time_out() {
    let world = World::new(1);
    let records = 15_000;
    produce(&world, 0..records);
    let mut command = world.plaudit("score");
    // Far longer than anything here waits.
    command.args(["--set", "scorer.transaction_timeout_ms=120000", "--set", "scorer.batch_max_records=20"]);
    for round in 1..=3 {
        let scorer = Running::start(&mut command);
        world.wait_for_predictions(round * 1_000);
        scorer.kill();
    }
    assert!(world.predictions().len() < records, "the kills came too late to show anything");
    let last = Running::start(&mut command);
    world.wait_for_predictions(records);
    assert!(last.stop().status.success());
    assert_exactly_once(&world.predictions(), 1, records as i64);
}

#[test]
fn records_that_retention_deleted_stop_the_scorer_or_are_reported_once() {
    let world = World::new(1);
    produce(&world, 0..100);
    assert_eq!(world.score_until_end()["predictions"], 100);
    produce(&world, 100..200);
    delete_before(&world.kafka, &world.topics.reviews, 0, 150);

    let output = world.plaudit("score").arg("--until-end").output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    let sentence = format!("50 records of \"{}\" partition 0, offsets 100 to 149, were deleted", world.topics.reviews);
    assert!(message.contains(&sentence) && message.contains("kafka.on_lost_range"), "{message}");
    assert_eq!(world.predictions().len(), 100);

    for (predictions, lost) in [(50, 50), (0, 0)] {
        let mut command = world.plaudit("score");
        command.args(["--until-end", "--json", "--set", "kafka.on_lost_range=continue"]);
        let report = report(&command.output().unwrap());
        assert_eq!(report["predictions"], predictions, "{report}");
        assert_eq!(report["lost_records"], lost, "{report}");
    }
    let mut offsets: Vec<i64> = world.predictions().iter().map(|prediction| prediction.source.offset).collect();
    offsets.sort_unstable();
    assert_eq!(offsets, (0..100).chain(150..200).collect::<Vec<i64>>());

    let alerts = world.committed(&world.topics.drift);
    assert_eq!(alerts.len(), 1);
    let alert = schemas::Alert::decode(alerts[0].payload().unwrap()).unwrap();
    assert_eq!((alert.monitor.as_str(), alert.value), ("lost-range", 50.0));
    assert_eq!((alert.window.from_offset, alert.window.to_offset), (Some(100), Some(150)));
}

#[test]
fn a_group_that_is_beyond_the_end_of_its_topic_is_an_error_that_says_so() {
    let world = World::new(1);
    produce(&world, 0..10);
    let consumer: BaseConsumer = world.kafka.consumer("score").create().unwrap();
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset(&world.topics.reviews, 0, Offset::Offset(100)).unwrap();
    consumer.commit(&offsets, CommitMode::Sync).unwrap();

    let output = world.plaudit("score").args(["--set", "kafka.on_lost_range=continue"]).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("up to offset 100, and the topic ends at 10"), "{message}");
}
