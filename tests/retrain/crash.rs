//! What becomes of a run whose process dies, freezes, or is not alone.

use crate::support::wait_for;
use crate::world::{World, said};
use registry::RetrainState;
use schemas::Timestamp;
use std::path::Path;

/// A search that takes longer than any test.
const ENDLESS: [&str; 4] = ["retrain", "--full", "--trials", "10000"];

fn world() -> World {
    let mut world = World::with_reviews(3000);
    world.settings.push("retrain.lease_seconds=3".to_owned());
    world
}

fn wait_for_the_end_of_the_lease(world: &World) {
    world.wait_for_runs(|runs| runs.last().unwrap().state(Timestamp::now()) == RetrainState::Died);
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

/// Kills a run as soon as this is so, and runs another.
fn kill_when(arguments: &[&str], what: &str, is_so: impl Fn(&World) -> bool) {
    let world = world();
    let running = world.start(arguments);
    wait_for(what, || is_so(&world));
    running.kill();
    // A version is there whole or not at all.
    for version in 1..=world.versions().1 {
        world.json(&["predict", "--model", &format!("v{version}"), "lovely"]);
    }
    if world.states() == ["running"] {
        let message = world.fails(1, &["retrain"]);
        assert!(message.contains("run 1 of") && message.contains("is going on"), "{message}");
        wait_for_the_end_of_the_lease(&world);
    }
    let report = world.json(&["retrain"]);
    assert_eq!(report["run"], 2, "{report:#}");
    assert_eq!(world.states()[1], report["outcome"].as_str().unwrap());
    assert_eq!(names_in(&world.path("rows")), [""; 0], "rows that the dead have left are gone, and so are ours");
}

#[test]
fn a_run_that_is_killed_at_its_beginning_leaves_nothing() {
    kill_when(&ENDLESS, "the run", |world| world.runs().len() == 1);
}

#[test]
fn a_run_that_is_killed_while_it_searches_leaves_no_version_and_its_rows_are_removed() {
    let has_begun = |folder: &String, world: &World| world.path("rows").join(folder).join("tuning").is_dir();
    kill_when(&ENDLESS, "the search", |world| {
        names_in(&world.path("rows")).iter().any(|folder| has_begun(folder, world))
    });
}

#[test]
fn a_run_that_is_killed_while_it_registers_leaves_a_whole_version_or_none() {
    kill_when(&["retrain"], "the artifact", |world| !names_in(&world.path("registry/sentiment/artifacts")).is_empty());
}

#[test]
fn one_that_was_frozen_past_its_lease_finds_itself_succeeded_and_registers_nothing() {
    let world = world();
    let frozen = world.start(&ENDLESS);
    world.wait_for_runs(|runs| runs.len() == 1);
    frozen.signal("STOP");
    wait_for_the_end_of_the_lease(&world);
    assert_eq!(world.json(&["retrain"])["run"], 2);
    frozen.signal("CONT");
    let output = frozen.end();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("another process has begun a retraining since"), "{}", said(&output));
    assert_eq!((world.states(), world.versions()), (vec!["stopped", "promoted"], (Some(1), 1)));
}

#[test]
fn of_many_processes_at_once_one_runs_at_a_time() {
    let world = world();
    let processes: Vec<_> = (0..4).map(|_| world.start(&["retrain"])).collect();
    let outputs: Vec<_> = processes.into_iter().map(|process| process.end()).collect();
    let (done, refused): (Vec<_>, Vec<_>) = outputs.iter().partition(|output| output.status.success());
    assert!(!done.is_empty());
    for output in refused {
        assert!(said(output).contains("is going on"), "{}", said(output));
    }
    let runs = world.runs();
    assert_eq!((runs.len(), world.versions().1), (done.len(), done.len()), "{runs:#?}");
    assert!(runs.windows(2).all(|pair| pair[0].ended_at.unwrap() <= pair[1].started_at), "{runs:#?}");
}
