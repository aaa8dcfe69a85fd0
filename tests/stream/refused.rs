//! Predictions that Kafka refuses, by a setting of their topic that came after the scorer's start.

use crate::harness::{Record, Running, World, noise, review, wait_for};
use crate::support::topics::alter;
use rdkafka::message::{Headers, Message};
use schemas::Topics;

/// The offsets of a partition's predictions, in the order in which they stand in their topic.
fn predicted(world: &World) -> Vec<i64> {
    world.predictions().iter().map(|prediction| prediction.source.offset).collect()
}

#[test]
fn a_record_whose_prediction_kafka_refuses_is_found_by_halves_and_the_others_go_on() {
    let world = World::new(1);
    let long = noise(5_000);
    let produce = |ids: &[String]| {
        let bodies: Vec<Vec<u8>> = ids.iter().map(|id| review(id, "a good product")).collect();
        let record =
            |(id, body)| Record { key: Some(id), payload: Some(body), partition: Some(0), ..Record::default() };
        world.produce(ids.iter().map(String::as_str).zip(bodies.iter().map(Vec::as_slice)).map(record));
    };
    let scorer = Running::start(&mut world.plaudit("score"));
    produce(&["first".to_owned()]);
    world.wait_for_predictions(1);

    // A hundred predictions no longer fit into one batch of the topic, and one of them fits into none.
    alter(&world.kafka, &world.topics.predictions, "max.message.bytes", "4000");
    alter(&world.kafka, &Topics::dead_letters_of(&world.topics.reviews), "max.message.bytes", "4000");
    let mut ids: Vec<String> = (0..100).map(|i| format!("r-{i}")).collect();
    ids.insert(37, long);
    produce(&ids);
    wait_for("all predictions", || world.predictions().len() == 101);
    wait_for("the dead letter", || world.dead_letters().len() == 1);

    // The first, then those before and behind the long one, each once and in their order.
    assert_eq!(predicted(&world), (0..38).chain(39..102).collect::<Vec<i64>>());
    let letter = &world.dead_letters()[0];
    let headers = letter.headers().unwrap();
    let cause = headers.iter().find(|header| header.key == "plaudit.cause").and_then(|header| header.value);
    assert_eq!(cause, Some(&b"refused"[..]));
    assert_eq!(letter.payload(), None, "it would not fit either: its source is named by the headers");
    assert!(scorer.stop().status.success());
}
