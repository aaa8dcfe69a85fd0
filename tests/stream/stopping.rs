//! A signal before the end: at the start, when what the process needs does not answer, and in the middle of a run.

use crate::harness::{Running, World, report, wait_for};
use crate::http::get;
use crate::liveness::{metric, watched};
use crate::support::topics::delete;
use crate::{PARTITIONS, produce_reviews};
use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// Sooner than any connection is given up.
const PROMPTLY: Duration = Duration::from_secs(4);

/// A server that takes connections and says nothing.
struct Silent(TcpListener);

impl Silent {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn address(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    /// Waits until somebody has connected.
    fn connection(&self) -> TcpStream {
        let mut connection = None;
        wait_for("a connection", || {
            connection = self.0.accept().ok();
            connection.is_some()
        });
        connection.unwrap().0
    }
}

#[test]
fn a_signal_while_the_broker_or_the_store_does_not_answer_ends_the_start_promptly() {
    let mut world = World::new(1);
    let silent = Silent::new();
    world.names.kafka.brokers = silent.address();
    let store = format!("redis.url=redis://{}", silent.address());
    let patient = "kafka.connect_timeout_ms=60000";
    let input = world.path("train.jsonl");
    for (verb, arguments) in [
        ("score", &["--until-end", "--json", "--set", patient][..]),
        ("score", &["--until-end", "--json", "--set", &store]),
        ("replay", &["--input", &input, "--json", "--set", patient]),
        ("serve", &["--set", "gateway.listen=127.0.0.1:0", "--set", &store]),
    ] {
        let mut command = world.plaudit(verb);
        let running = Running::start(command.args(arguments));
        let _connection = silent.connection();
        let signalled = Instant::now();
        let output = running.stop();
        assert!(signalled.elapsed() < PROMPTLY, "{verb} {arguments:?}: {:?}", signalled.elapsed());
        assert!(output.status.success(), "{verb} {arguments:?}: {}", output.status);
        if verb != "serve" {
            let report = report(&output);
            assert_eq!((&report["records"], &report["stopped"]), (&0.into(), &true.into()), "{verb}: {report}");
        }
    }
}

#[test]
fn a_run_that_is_stopped_before_its_end_says_so() {
    let world = World::new(PARTITIONS);
    let per_partition = 4_000;
    produce_reviews(&world, per_partition);
    let mut command = world.plaudit("score");
    // Small transactions: the signal comes long before the end.
    let running = Running::start(command.args(["--until-end", "--json", "--set", "scorer.batch_max_records=5"]));
    world.wait_for_predictions(50);
    let interrupted = report(&running.stop());
    let done = interrupted["records"].as_u64().unwrap();
    assert!((50..per_partition as u64 * 3).contains(&done), "the signal came too late: {interrupted}");
    assert_eq!(interrupted["stopped"], true);

    let rest = world.score_until_end();
    assert_eq!((rest["records"].as_u64().unwrap() + done, &rest["stopped"]), (per_partition as u64 * 3, &false.into()));
}

#[test]
fn transactions_that_fail_for_longer_than_one_may_take_end_the_process_which_says_why() {
    let world = World::new(PARTITIONS);
    let log = world.path("scorer.log");
    let scorer = Running(world.plaudit("score").stderr(File::create(&log).unwrap()).spawn().unwrap());
    let said = || std::fs::read_to_string(&log).unwrap();
    wait_for("an assignment", || said().contains("owns 3 partitions"));
    delete(&world.kafka, &world.topics.predictions);
    let failing = Instant::now();
    produce_reviews(&world, 10);
    let output = scorer.end();
    // An attempt and its abort, three seconds of further ones, and the last one with its abort.
    assert!(failing.elapsed() < Duration::from_secs(15), "{:?}", failing.elapsed());
    assert_eq!(output.status.code(), Some(1));
    let last = said().lines().last().unwrap().to_owned();
    assert!(last.contains("transactional producer") && last.contains("failed to"), "{last}");
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    let world = World::new(PARTITIONS);
    let (mut command, address) = watched(&world);
    // A transaction that is waited for longer than this test would.
    command.args(["--set", "scorer.transaction_timeout_ms=120000", "--set", "scorer.batch_max_records=10"]);
    let log = world.path("scorer.log");
    let scorer = Running(command.stderr(File::create(&log).unwrap()).spawn().unwrap());
    let said = || std::fs::read_to_string(&log).unwrap();
    wait_for("an assignment", || said().contains("owns 3 partitions"));
    delete(&world.kafka, &world.topics.predictions);
    produce_reviews(&world, 100);
    // As many as there are, with one of them in a transaction.
    wait_for("four batches", || {
        metric(&get(&address, "/metrics").1, "plaudit_stream_in_flight_records ") == Some(40.0)
    });
    scorer.signal("TERM");
    wait_for("the first signal", || said().contains("a second signal ends the process at once"));
    let signalled = Instant::now();
    assert_eq!(scorer.stop().status.code(), Some(143));
    assert!(signalled.elapsed() < PROMPTLY, "{:?}", signalled.elapsed());
}
