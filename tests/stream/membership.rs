//! The ways of being a member of a consumer group: the classic protocol, the consumer protocol of KIP-848, static members.

use crate::harness::{Running, World, assert_exactly_once, report};
use crate::{PARTITIONS, produce_reviews};

/// Two scorers, the second of which comes and goes in the middle of the work.
fn shared(world: &World) {
    let per_partition = 3_000;
    let mut command = world.plaudit("score");
    command.args(["--set", "scorer.batch_max_records=50", "--json"]);
    let first = Running::start(&mut command);
    produce_reviews(world, per_partition);
    let second = Running::start(&mut command);
    world.wait_for_predictions(per_partition * 3);
    let done: u64 =
        [first.stop(), second.stop()].iter().map(|output| report(output)["predictions"].as_u64().unwrap()).sum();
    assert_exactly_once(&world.predictions(), PARTITIONS, per_partition as i64);
    assert_eq!(done, per_partition as u64 * 3);
}

#[test]
fn two_scorers_share_the_work_and_repeat_nothing() {
    shared(&World::new(PARTITIONS));
}

#[test]
fn two_scorers_share_the_work_under_the_consumer_protocol_too() {
    let mut world = World::new(PARTITIONS);
    world.membership = vec!["group.protocol=consumer"];
    shared(&world);
}

#[test]
fn a_killed_scorer_repeats_nothing_under_the_consumer_protocol() {
    let mut world = World::new(PARTITIONS);
    world.membership = vec!["group.protocol=consumer"];
    killed(&world);
}

#[test]
fn a_static_member_that_is_killed_and_comes_back_repeats_nothing() {
    let mut world = World::new(PARTITIONS);
    // Its successor has its name: nobody waits for the session's end.
    world.membership = vec!["group.instance.id=one", "session.timeout.ms=45000"];
    killed(&world);
}

fn killed(world: &World) {
    let per_partition = 2_000;
    produce_reviews(world, per_partition);
    let mut command = world.plaudit("score");
    command.args(["--set", "scorer.batch_max_records=20"]);
    for round in 1..=2 {
        let scorer = Running::start(&mut command);
        world.wait_for_predictions(round * 500);
        scorer.kill();
    }
    assert!(world.predictions().len() < per_partition * 3, "the kills came too late to show anything");
    let last = Running::start(&mut command);
    world.wait_for_predictions(per_partition * 3);
    assert!(last.stop().status.success());
    assert_exactly_once(&world.predictions(), PARTITIONS, per_partition as i64);
}
