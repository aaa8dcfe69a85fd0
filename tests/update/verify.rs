//! Stored predictions are made again from what they name.

use crate::TEXT;
use crate::harness::World;
use crate::support::reviews::review;
use crate::support::{report, topics};
use schemas::Prediction;
use serde_json::{Value, json};

/// Scores one review with what is in the topic by now.
fn score(world: &World, id: &str, text: &str) {
    world.produce(&world.names.topics.reviews, id, &review(id, text));
    report(&world.plaudit("score").args(["--until-end", "--json"]).output().unwrap());
}

/// The report and the exit code.
fn verify(world: &World) -> (Value, i32) {
    let output = world.plaudit("replay").args(["--verify", "--json"]).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{stderr}"));
    (report, output.status.code().unwrap())
}

#[test]
fn predictions_of_many_updates_come_out_again_to_the_bit() {
    let world = World::new();
    let mut learner = world.learner(1);
    score(&world, "as trained", TEXT);
    learner.publish();
    score(&world, "update 1", TEXT);
    learner.publish();
    // A learner that began again: a snapshot stands in place of update 3.
    learner.learn();
    learner.send_snapshot();
    score(&world, "update 3", "bad, bad and a new word");
    learner.publish();
    score(&world, "update 4", "a good one");
    let updates: Vec<u64> = world.predictions().iter().map(|prediction| prediction.model.update).collect();
    assert_eq!(updates, [0, 1, 3, 4]);
    let (report, code) = verify(&world);
    assert_eq!((&report["predictions"], &report["verified"], code), (&json!(4), &json!(4), 0), "{report}");
    assert_eq!((&report["different"], &report["not_reproducible"]), (&json!(0), &json!({})));
}

#[test]
fn what_differs_and_what_cannot_be_made_again_is_told_apart() {
    let world = World::new();
    let mut learner = world.learner(1);
    score(&world, "r0", TEXT);
    score(&world, "r1", TEXT);
    // Sent and applied, and not stored: nobody can make it again.
    let update = learner.learn();
    learner.send_update(&update);
    score(&world, "r2", TEXT);
    let mut predictions = world.predictions();
    assert_eq!(predictions[2].model.update, 1);
    let forge = |change: &dyn Fn(&mut Prediction)| {
        let mut forged = predictions[1].clone();
        change(&mut forged);
        let value = serde_json::to_vec(&forged).unwrap();
        world.produce(&world.names.topics.predictions, "forged", &value);
    };
    forge(&|prediction| prediction.probability = prediction.probability.next_down());
    forge(&|prediction| prediction.model.version.0 = 9);
    world.produce(&world.names.topics.predictions, "forged", b"{");
    topics::delete_before(&world.names.kafka, &world.names.topics.reviews, 0, 1);
    let (report, code) = verify(&world);
    assert_eq!((&report["verified"], &report["different"], code), (&json!(1), &json!(1), 1), "{report}");
    let reasons = json!({"review_gone": 1, "no_update": 1, "no_version": 1, "prediction_unreadable": 1});
    assert_eq!(report["not_reproducible"], reasons);
    let stored = predictions.remove(1);
    assert_eq!(report["differences"][0]["found"].as_f64().unwrap().to_bits(), stored.probability.to_bits());
}
