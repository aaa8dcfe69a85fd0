//! Online updates of a model on Apache Kafka: what a learner publishes is what scorers and gateways answer with, to the last bit.

#![expect(clippy::unwrap_used, reason = "in a test every failure is the test's")]

mod harness;
#[path = "../stream/http.rs"]
mod http;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "others use the rest")]
mod support;
mod verify;

use harness::{Running, World, wait_for};
use support::reviews::review;

const TEXT: &str = "a good product, number 12";

#[test]
fn a_scorer_applies_updates_between_batches_and_each_prediction_names_its_own() {
    let world = World::new();
    let mut learner = world.learner(1);
    let _scorer = Running::start(&mut world.plaudit("score"));
    let score = |count: usize| {
        world.produce(&world.names.topics.reviews, "r", &review(&format!("r{count}"), TEXT));
        wait_for("the prediction", || world.predictions().len() == count);
    };
    score(1);
    learner.publish();
    learner.publish();
    let mut count = 1;
    wait_for("a prediction of update 2", || {
        count += 1;
        score(count);
        world.predictions().last().unwrap().model.update == 2
    });
    let predictions = world.predictions();
    assert_eq!(predictions[0].model.update, 0);
    for prediction in predictions {
        let expected = learner.probability(prediction.model.update, TEXT);
        assert_eq!(prediction.probability.to_bits(), expected.to_bits(), "update {}", prediction.model.update);
        assert_eq!((prediction.model.name, prediction.model.version.0), (harness::name(), 1));
    }
}

#[test]
fn a_gateway_answers_with_what_was_learned_and_with_the_base_where_production_moved() {
    let world = World::new();
    let mut learner = world.learner(1);
    let gateway = world.gateway();
    let answers = |learner: &harness::Learner<'_>, version: &str, update: u64| {
        let probability = learner.probability(update, TEXT);
        assert_eq!(gateway.predict(TEXT), (version.to_owned(), update, probability));
    };
    answers(&learner, "v1", 0);
    learner.publish();
    gateway.wait_for_update(1);
    answers(&learner, "v1", 1);
    assert_eq!(gateway.metric(r#"plaudit_model_update{model="sentiment"}"#), 1.0);
    assert_eq!(gateway.metric("plaudit_model_updates_total"), 1.0);
    assert!(gateway.metric("plaudit_model_update_timestamp_seconds") > 1.7e9);

    // Production moves: what was learned of the version before is not applied to this one.
    world.train();
    wait_for("version 2", || gateway.info()["model_version"] == "v2");
    let mut next = world.learner(2);
    answers(&next, "v2", 0);
    learner.publish();
    next.publish();
    next.publish();
    gateway.wait_for_update(2);
    answers(&next, "v2", 2);

    // And back: all that was learned of version 1 counts again.
    let promoted = world.plaudit("models").args(["promote", "v1", "--json"]).output().unwrap();
    assert!(promoted.status.success(), "{}", String::from_utf8_lossy(&promoted.stderr));
    wait_for("version 1", || gateway.info()["model_version"] == "v1");
    gateway.wait_for_update(2);
    answers(&learner, "v1", 2);
}

#[test]
fn who_starts_late_begins_with_the_snapshot_and_the_updates_behind_it() {
    let world = World::new();
    let mut learner = world.learner(1);
    (0..3).for_each(|_| learner.publish());
    learner.send_snapshot();
    // As compaction and the ring of keys leave it: nothing stands before the snapshot.
    support::topics::delete_before(&world.names.kafka, &world.names.topics.models, 0, 6);
    (0..2).for_each(|_| learner.publish());
    let gateway = world.gateway();
    gateway.wait_for_update(5);
    assert_eq!(gateway.predict(TEXT), ("v1".to_owned(), 5, learner.probability(5, TEXT)));

    // The first batch of a scorer has them too.
    world.produce(&world.names.topics.reviews, "r", &review("r", TEXT));
    support::report(&world.plaudit("score").args(["--until-end", "--json"]).output().unwrap());
    let prediction = world.predictions().remove(0);
    assert_eq!((prediction.model.update, prediction.probability), (5, learner.probability(5, TEXT)));

    // A version that is named by its number is used as trained.
    let mut fixed = world.plaudit("score");
    world.produce(&world.names.topics.reviews, "s", &review("s", TEXT));
    support::report(&fixed.args(["--until-end", "--json", "--model", "v1"]).output().unwrap());
    assert_eq!(world.predictions().remove(1).model.update, 0);
}

#[test]
fn a_gap_heals_from_the_registry_or_with_the_next_snapshot() {
    let world = World::new();
    let mut learner = world.learner(1);
    let gateway = world.gateway();
    // The record of 1 is lost.
    let update = learner.learn();
    learner.store(&update);
    learner.publish();
    gateway.wait_for_update(2);
    assert_eq!(gateway.metric("plaudit_model_update_gaps_total"), 0.0);

    // Of 3 nothing is left at all: what is there goes on answering.
    learner.learn();
    learner.publish();
    wait_for("the gap", || gateway.metric("plaudit_model_update_gaps_total") == 1.0);
    assert_eq!(gateway.predict(TEXT), ("v1".to_owned(), 2, learner.probability(2, TEXT)));
    learner.send_snapshot();
    gateway.wait_for_update(4);
    assert_eq!(gateway.predict(TEXT), ("v1".to_owned(), 4, learner.probability(4, TEXT)));
    learner.publish();
    gateway.wait_for_update(learner.number());
    assert_eq!(gateway.metric("plaudit_model_update_gaps_total"), 1.0);
}

#[test]
fn a_damaged_update_changes_nothing_and_is_counted() {
    let world = World::new();
    let mut learner = world.learner(1);
    let gateway = world.gateway();
    let update = learner.learn();
    let mut damaged = update.to_bytes();
    damaged[200] ^= 1;
    learner.send_bytes(1, &damaged);
    wait_for("the refusal", || gateway.metric("plaudit_model_updates_refused_total") == 1.0);
    wait_for("the gap", || gateway.metric("plaudit_model_update_gaps_total") == 1.0);
    assert_eq!(gateway.predict(TEXT), ("v1".to_owned(), 0, learner.probability(0, TEXT)));
    // What the learner stored heals it, and one that is too large for the topic comes from there alone.
    learner.store(&update);
    let next = learner.learn();
    learner.store(&next);
    learner.send_bytes(2, b"");
    gateway.wait_for_update(2);
    assert_eq!(gateway.predict(TEXT).2.to_bits(), learner.probability(2, TEXT).to_bits());
    assert_eq!(harness::applied(&learner.models[0], &[update, next]), learner.models[2]);
}

#[test]
fn a_topic_that_is_not_there_is_waited_for_while_the_gateway_answers() {
    let world = World::new();
    support::topics::delete(&world.names.kafka, &world.names.topics.models);
    let mut command = world.plaudit("serve");
    command.args(["--listen", "127.0.0.1:0"]);
    let (gateway, said) = Running::start_and_wait_for(&mut command, "scores without online updates: ");
    assert!(said.contains(&world.names.topics.models) && said.contains("does not exist"), "{said}");
    drop(gateway);
    let gateway = world.gateway();
    assert_eq!(gateway.update(), 0);
    world.names.create(&[&world.names.topics.models], 2);
    let mut learner = world.learner(1);
    learner.publish();
    gateway.wait_for_update(1);
    assert_eq!(gateway.predict(TEXT).2.to_bits(), learner.probability(1, TEXT).to_bits());
}
