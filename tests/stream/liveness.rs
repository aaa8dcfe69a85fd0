//! Liveness that is true: a process that does no work although there is some says so.

use crate::harness::{Running, World, assert_exactly_once, wait_for};
use crate::http::get;
use crate::support::topics::delete;
use crate::{PARTITIONS, produce_reviews};
use std::collections::HashMap;
use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A scorer that tells its health at an address, and the address.
pub fn watched(world: &World) -> (Command, String) {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut command = world.plaudit("score");
    command.args(["--set", &format!("health.listen={address}")]);
    (command, address)
}

/// Waits for a status of `/health/ready`, and answers what comes with it.
fn wait_for_readiness(address: &str, status: u16) -> String {
    let mut told = String::new();
    wait_for(&format!("a readiness of {status}"), || {
        if TcpStream::connect(address).is_err() {
            return false;
        }
        let (found, body) = get(address, "/health/ready");
        told = body;
        found == status
    });
    told
}

/// The value of a metric without labels.
pub fn metric(page: &str, name: &str) -> Option<f64> {
    page.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

#[test]
fn a_scorer_that_has_work_and_commits_nothing_is_not_live_until_it_does() {
    let world = World::new(PARTITIONS);
    let (mut command, address) = watched(&world);
    // It goes on trying for as long as a transaction may take.
    let settings = ["--set", "scorer.stall_timeout_ms=2000", "--set", "scorer.transaction_timeout_ms=9000"];
    let scorer = Running::start(command.args(settings));
    wait_for_readiness(&address, 200);

    let (_, page) = get(&address, "/metrics");
    assert_eq!(metric(&page, "plaudit_stream_lost_records_total "), Some(0.0), "an alert needs a zero");
    delete(&world.kafka, &world.topics.predictions);
    produce_reviews(&world, 100);
    wait_for("a scorer that is not live", || get(&address, "/health/live").0 == 503);
    let (_, reasons) = get(&address, "/health/live");
    assert!(reasons.contains("records were taken and none committed for"), "{reasons}");
    assert_eq!(get(&address, "/health/ready").0, 503);
    let (_, page) = get(&address, "/metrics");
    assert!(metric(&page, "plaudit_stream_in_flight_records ").unwrap() > 0.0);

    world.create(&[&world.topics.predictions], PARTITIONS);
    world.wait_for_predictions(100 * PARTITIONS as usize);
    wait_for("a live scorer", || get(&address, "/health/live").0 == 200 && get(&address, "/health/ready").0 == 200);
    let (_, page) = get(&address, "/metrics");
    assert_eq!(metric(&page, "plaudit_stream_in_flight_records "), Some(0.0));
    assert!(scorer.stop().status.success());
}

/// Where the model's own bytes are.
fn artifact(folder: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let found = |path: PathBuf| match path.is_dir() {
        true => artifact(&path),
        false => path.extension().is_some_and(|extension| extension == "safetensors").then_some(path),
    };
    entries.filter_map(found).next()
}

#[test]
fn a_scorer_whose_model_is_being_loaded_lives_and_is_not_ready() {
    let world = World::new(1);
    let artifact = artifact(Path::new(&world.path("registry"))).unwrap();
    // Whoever reads this waits until somebody writes to it.
    std::fs::remove_file(&artifact).unwrap();
    assert!(Command::new("mkfifo").arg(&artifact).status().unwrap().success());
    let (mut command, address) = watched(&world);
    let scorer = Running::start(&mut command);
    let told = wait_for_readiness(&address, 503);
    assert!(told.contains(r#""model":"no model"#), "{told}");
    assert_eq!(get(&address, "/health/live").0, 200);
    assert!(scorer.stop().status.success(), "there is nothing to finish");
}

#[test]
fn reviews_that_are_deleted_and_made_anew_are_waited_for() {
    let mut world = World::new(PARTITIONS);
    world.membership.push("topic.metadata.refresh.interval.ms=500");
    let (mut command, address) = watched(&world);
    let scorer = Running::start(&mut command);
    produce_reviews(&world, 50);
    world.wait_for_predictions(50 * PARTITIONS as usize);
    wait_for_readiness(&address, 200);

    delete(&world.kafka, &world.topics.reviews);
    let told = wait_for_readiness(&address, 503);
    assert!(told.contains(&world.topics.reviews) && told.contains("does not exist any more"), "{told}");
    assert_eq!(get(&address, "/health/live").0, 200, "a new start would not help");

    world.create(&[&world.topics.reviews], PARTITIONS);
    produce_reviews(&world, 70);
    world.wait_for_predictions(120 * PARTITIONS as usize);
    wait_for_readiness(&address, 200);
    assert!(scorer.stop().status.success());
    let mut times: HashMap<(i32, i64), usize> = HashMap::new();
    for prediction in world.predictions() {
        *times.entry((prediction.source.partition, prediction.source.offset)).or_default() += 1;
    }
    // Offsets begin anew with the topic.
    let expected = |offset: i64| if offset < 50 { 2 } else { 1 };
    assert!(times.iter().all(|(&(_, offset), &times)| times == expected(offset)), "{times:?}");
    assert_eq!(times.len(), 70 * PARTITIONS as usize);
}

#[test]
fn work_that_stands_still_for_longer_than_the_poll_interval_costs_no_membership() {
    let interval = Duration::from_secs(3);
    let mut world = World::new(PARTITIONS);
    world.membership.push("max.poll.interval.ms=3000");
    let log = world.path("scorer.log");
    let mut command = world.plaudit("score");
    command.args(["--set", "scorer.batch_max_records=10", "--set", "scorer.transaction_timeout_ms=9000"]);
    command.stderr(File::create(&log).unwrap());
    let scorer = Running(command.spawn().unwrap());
    let told = |text: &str| std::fs::read_to_string(&log).unwrap().matches(text).count();
    wait_for("an assignment", || told("owns 3 partitions") == 1);

    delete(&world.kafka, &world.topics.predictions);
    // Every stage is full: nothing more is taken in.
    produce_reviews(&world, 100);
    wait_for("an aborted transaction", || told("transaction aborted") > 0);
    let stalled = Instant::now();
    wait_for("more than an interval", || stalled.elapsed() > 2 * interval);
    world.create(&[&world.topics.predictions], PARTITIONS);
    world.wait_for_predictions(100 * PARTITIONS as usize);
    assert_eq!((told("owns "), told("MAXPOLL")), (1, 0), "the group has noticed");
    assert!(scorer.stop().status.success());
    assert_exactly_once(&world.predictions(), PARTITIONS, 100);
}
