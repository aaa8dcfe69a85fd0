//! What goes wrong while an ingest runs: partitions that bring nothing, a disk that is full, partitions that move.

use crate::harness::{Running, World, review, wait_for};
use crate::{get, reviews};
use feature_store::offline::store::Dataset;
use std::net::TcpListener;
use std::process::{Command, Stdio};

/// The same command with files limited to so many blocks: writing more fails, as it does on a disk that is full.
fn with_small_files(command: &Command, blocks: u32) -> Command {
    let mut limited = Command::new("sh");
    // Without the trap the system would end the process.
    limited.args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\""), "sh"]);
    limited.arg(command.get_program()).args(command.get_args());
    limited.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    limited
}

#[test]
fn a_file_that_the_system_does_not_take_ends_it_with_a_sentence_and_the_next_start_goes_on() {
    let world = World::new(1);
    world.produce(&world.topics.reviews, 0, reviews(0, 20_000));
    let output = with_small_files(world.plaudit("ingest").arg("--until-end"), 16).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    let place = "/reviews/topic=";
    assert!(message.contains("cannot write ") && message.contains(place), "{message}");
    assert!(message.contains("raise the limit on the size of files"), "{message}");
    assert!(world.files(Dataset::Reviews).is_empty());
    assert_eq!(world.ingest_until_end()["records"], 20_000);
    world.assert_each_once(Dataset::Reviews, 1, 20_000);
}

#[test]
fn partitions_that_hold_records_and_bring_none_are_told() {
    let mut world = World::new(1);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for setting in [
        format!("health.listen=127.0.0.1:{port}").as_str(),
        "ingest.stall_timeout_ms=1000",
        // The client hangs up on every answer that is as large as the record below.
        "kafka.properties.message.max.bytes=600000",
        "kafka.properties.fetch.max.bytes=600000",
        "kafka.properties.receive.message.max.bytes=700000",
        "kafka.properties.reconnect.backoff.max.ms=200",
    ] {
        world.settings.push(setting.to_owned());
    }
    world.settings.push("ingest.file_max_seconds=1".to_owned());
    let running = Running::start(&mut world.plaudit("ingest"));
    world.produce(&world.topics.reviews, 0, [review("small", "text")]);
    wait_for("the first file", || world.files(Dataset::Reviews).len() == 1);
    assert!(get(port, "/health/live").starts_with("HTTP/1.1 200"));
    world.produce(&world.topics.reviews, 0, [review("large", &noise(900_000))]);
    wait_for("word of the partition", || {
        let answer = get(port, "/health/live");
        answer.starts_with("HTTP/1.1 503") && answer.contains("reviews/0 hold records and bring none for")
    });
    drop(running);
    world.settings.retain(|setting| !setting.contains(".bytes="));
    assert_eq!(world.ingest_until_end()["records"], 1);
    world.assert_each_once(Dataset::Reviews, 1, 2);
}

/// Letters that no compression makes shorter, and always the same.
fn noise(length: usize) -> String {
    let mut random = 1_u64;
    let mut letter = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'!' + ((random >> 33) % 90) as u8)
    };
    (0..length).map(|_| letter()).collect()
}

#[test]
fn a_partition_that_moves_while_its_file_is_open_is_written_by_its_new_owner() {
    const PARTITIONS: i32 = 4;
    let mut world = World::new(PARTITIONS);
    world.settings.push("ingest.file_max_seconds=3600".to_owned());
    // Whichever partitions move, they have records.
    let produce = |world: &World, range: std::ops::Range<i64>| {
        let topics = &world.topics;
        for topic in [&topics.reviews, &topics.feedback, &topics.predictions] {
            for partition in 0..PARTITIONS {
                world.produce(topic, partition, range.clone().map(|i| review(&i.to_string(), "text")));
            }
        }
    };
    produce(&world, 0..50);
    let start = |port: u16| {
        let listen = format!("health.listen=127.0.0.1:{port}");
        Running::start(world.plaudit("ingest").args(["--json", "--set", &listen]))
    };
    let in_hand = |port| {
        let metrics = get(port, "/metrics");
        let line = metrics.lines().find_map(|line| line.strip_prefix("plaudit_ingest_in_hand_bytes "));
        line.and_then(|bytes| bytes.parse::<f64>().ok()).unwrap_or(0.0)
    };
    let ports: Vec<u16> = [(), ()].map(|()| TcpListener::bind("127.0.0.1:0").unwrap()).iter().map(port_of).collect();
    let first = start(ports[0]);
    wait_for("records in hand", || in_hand(ports[0]) > 0.0);
    // The second one takes half of the partitions, and with them what the first one has in hand of them.
    let second = start(ports[1]);
    wait_for("records in the second one's hand", || in_hand(ports[1]) > 0.0);
    produce(&world, 50..60);
    let report = |output: std::process::Output| crate::harness::report(&output)["records"].as_i64().unwrap();
    let written = [second, first].map(|member| report(member.stop()));
    assert!(written.iter().all(|records| *records > 0), "{written:?}");
    let rest = world.ingest_until_end()["records"].as_i64().unwrap();
    assert_eq!(written.iter().sum::<i64>() + rest, 3 * i64::from(PARTITIONS) * 60);
    for dataset in Dataset::ALL {
        world.assert_each_once(dataset, PARTITIONS, 60);
    }
}

fn port_of(listener: &TcpListener) -> u16 {
    listener.local_addr().unwrap().port()
}
