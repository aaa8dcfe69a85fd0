//! `plaudit dlq` as a process, on Apache Kafka: what it shows of dead letters, and that it sends each back once, unchanged,
//! whatever happens to it meanwhile.

#![expect(clippy::unwrap_used, reason = "in a test every failure is the test's")]

#[path = "../stream/harness.rs"]
#[expect(dead_code, reason = "the tests of the stream use the rest")]
mod harness;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "others use the rest")]
mod support;

use harness::{PATIENCE, Record, Running, World, noise, report, review, wait_for};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders, OwnedMessage};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use schemas::Topics;
use serde_json::Value;
use service::kafka::TransactionalProducer;
use service::kafka::admin::end_offsets;
use std::collections::HashMap;
use std::process::Command;
use std::time::{Duration, Instant};
use support::plaudit;
use support::topics::{alter, delete};

const PARTITIONS: i32 = 3;

/// Settings come before the verb: behind it they would take the place of those that point the binary at this world.
fn dlq(world: &World, arguments: &[&str]) -> Command {
    let mut command = world.plaudit("dlq");
    command.args(arguments);
    command
}

fn replay(world: &World, arguments: &[&str]) -> Value {
    report(&dlq(world, &[&["replay", "--json"], arguments].concat()).output().unwrap())
}

/// What `dlq list --json` prints: a document a line.
fn list(world: &World, arguments: &[&str]) -> Vec<Value> {
    let output = dlq(world, &[&["list", "--json"], arguments].concat()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn dead_letters_of(world: &World) -> String {
    Topics::dead_letters_of(&world.topics.reviews)
}

/// Sends these payloads to one partition under one key, and lets the scorer refuse them.
fn kill_records(world: &World, payloads: &[Option<&[u8]>]) {
    world.produce(payloads.iter().map(|payload| Record {
        key: Some("the key"),
        payload: *payload,
        partition: Some(0),
        ..Record::default()
    }));
    assert_eq!(world.score_until_end()["dead_letters"], payloads.len());
}

/// As many dead letters per partition, each with a payload of its own.
fn kill_many_records(world: &World, per_partition: usize) {
    for partition in 0..PARTITIONS {
        let payloads: Vec<String> = (0..per_partition).map(|i| format!("{partition}-{i}")).collect();
        world.produce(payloads.iter().map(|payload| Record {
            key: Some(payload),
            payload: Some(payload.as_bytes()),
            partition: Some(partition),
            ..Record::default()
        }));
    }
    assert_eq!(world.score_until_end()["dead_letters"], per_partition * PARTITIONS as usize);
}

/// How many records were sent back: those behind the first ones.
fn sent_back(world: &World, first: usize) -> usize {
    world.committed(&world.topics.reviews).len() - first
}

/// Asserts that each of the records of [`kill_many_records`] is in its partition twice.
fn assert_each_came_back_once(world: &World, per_partition: usize) {
    let mut counts: HashMap<(i32, Vec<u8>), usize> = HashMap::new();
    for record in world.committed(&world.topics.reviews) {
        *counts.entry((record.partition(), record.payload().unwrap().to_vec())).or_default() += 1;
    }
    for partition in 0..PARTITIONS {
        for i in 0..per_partition {
            let payload = format!("{partition}-{i}");
            assert_eq!(counts.remove(&(partition, payload.into_bytes())), Some(2), "{partition}-{i}");
        }
    }
    assert!(counts.is_empty());
}

#[test]
fn a_list_shows_why_records_died_and_filters_pick_among_them() {
    let world = World::new(1);
    let header = Some(("shop", "north"));
    let cut = b"{\"review_id\": \"r";
    world.produce([Record { key: Some("r-1"), payload: Some(cut), header, ..Record::default() }]);
    world.score_until_end();
    let before = schemas::Timestamp::now().epoch_millis();
    wait_for("the next millisecond", || schemas::Timestamp::now().epoch_millis() > before);
    let between = schemas::Timestamp::now().to_string();
    kill_records(&world, &[Some(b"\xff\xfe"), None, Some(b"")]);

    let letters = list(&world, &[]);
    assert_eq!(letters.len(), 4);
    let first = &letters[0];
    let origin = serde_json::json!({"topic": world.topics.reviews, "partition": 0, "offset": 0});
    assert_eq!((&first["cause"], &first["origin"]), (&"not_json".into(), &origin));
    assert_eq!((&first["attempts"], &first["status"]), (&1.into(), &"waiting".into()));
    assert_eq!((&first["key"], &first["payload"]), (&"r-1".into(), &"{\"review_id\": \"r".into()));
    assert_eq!(first["size_bytes"], cut.len());
    assert_eq!(first["headers"], serde_json::json!([{"key": "shop", "value": "north"}]));
    assert!(!first["message"].as_str().unwrap().is_empty());
    assert_eq!((&letters[1]["payload"], &letters[1]["payload_base64"]), (&Value::Null, &"//4=".into()));
    assert_eq!((&letters[2]["payload"], &letters[2].get("payload_base64")), (&Value::Null, &None), "a tombstone");

    let causes = |arguments: &[&str]| -> Vec<String> {
        list(&world, arguments).iter().map(|letter| letter["cause"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(causes(&["--cause", "not_utf8", "--cause", "not_json"]), ["not_json", "not_utf8"]);
    assert_eq!(causes(&["--since", &between]), ["not_utf8", "empty", "empty"]);
    assert_eq!(causes(&["--until", &between]), ["not_json"]);
    assert_eq!(causes(&["--since", "2100-01-01"]), Vec::<String>::new());
    assert_eq!(causes(&["--limit", "2"]), ["not_json", "not_utf8"]);

    let page = String::from_utf8(dlq(&world, &["list"]).output().unwrap().stdout).unwrap();
    assert!(page.starts_with("TIME "), "{page}");
    let summary: Vec<Vec<&str>> =
        page.lines().skip_while(|line| !line.is_empty()).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        summary[2..],
        [["empty", "2", "2", "0", "0"], ["not_json", "1", "1", "0", "0"], ["not_utf8", "1", "1", "0", "0"]]
    );
    let page = String::from_utf8(dlq(&world, &["list", "--cause", "panic"]).output().unwrap().stdout).unwrap();
    assert!(page.contains("matches; there are 2 empty, 1 not_json, 1 not_utf8"), "{page}");
}

#[test]
fn a_replayed_record_is_what_it_was_byte_for_byte() {
    let world = World::new(PARTITIONS);
    let mut headers = OwnedHeaders::new();
    // Names that dead letters and markers use themselves, one name twice, no text, nothing and no value.
    for (key, value) in [
        ("twice", Some(&b"1"[..])),
        ("twice", Some(b"2")),
        ("plaudit.replayed", Some(b"0-1000")),
        ("plaudit.cause", Some(b"not_json")),
        ("__connect.errors.topic", Some(b"elsewhere")),
        ("bytes", Some(b"\xff\x00")),
        ("nothing", Some(b"")),
        ("null", None),
    ] {
        headers = headers.insert(Header { key, value });
    }
    let records: [[Option<&[u8]>; 2]; 6] = [
        [Some(b"k"), Some(b"first")],
        [Some(b"k"), None],
        [Some(b"k"), Some(b"")],
        [Some(b"\xff\xfe"), Some(b"\x00\xff")],
        [None, Some(b"no key")],
        [Some(b"k"), Some(b"last")],
    ];
    let producer: BaseProducer = world.kafka.producer().create().unwrap();
    for [key, payload] in records {
        // Not where the key would go.
        let mut record = BaseRecord::<[u8], [u8]>::to(&world.topics.reviews).partition(2).headers(headers.clone());
        (record.key, record.payload) = (key, payload);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    assert_eq!(world.score_until_end()["dead_letters"], 6);
    assert_eq!(replay(&world, &[])["replayed"], 6);

    let all = world.committed(&world.topics.reviews);
    let (before, after) = all.split_at(6);
    let content = |records: &[OwnedMessage], added: usize| {
        let mut content: Vec<_> = records
            .iter()
            .map(|record| {
                let headers = record.headers().unwrap();
                let own = headers.iter().take(headers.count() - added);
                let own: Vec<_> = own.map(|it| (it.key.to_owned(), it.value.map(<[u8]>::to_vec))).collect();
                (record.partition(), record.key().map(<[u8]>::to_vec), record.payload().map(<[u8]>::to_vec), own)
            })
            .collect();
        // Order is kept per key.
        content.sort_by(|one, other| one.1.cmp(&other.1));
        content
    };
    assert_eq!(content(after, 1), content(before, 0));
    for record in after {
        let last = record.headers().unwrap().iter().last().unwrap();
        assert_eq!((last.key, last.value), ("plaudit.attempts", Some(&b"1"[..])));
    }
}

#[test]
fn a_killed_replay_that_is_run_again_sends_each_letter_once() {
    let world = World::new(PARTITIONS);
    let per_partition = 5_000;
    kill_many_records(&world, per_partition);
    let first = per_partition * PARTITIONS as usize;
    // Small transactions: whenever the kill comes, one is open.
    let small = ["--set", "scorer.batch_max_records=10", "replay"];
    for round in 1..=3 {
        let running = Running::start(&mut dlq(&world, &small));
        wait_for("letters that are replayed", || sent_back(&world, first) >= round * 1_000);
        running.kill();
    }
    let before = sent_back(&world, first);
    assert!(before < first, "the kills came too late to show anything");
    let last = replay(&world, &[]);
    assert_each_came_back_once(&world, per_partition);
    let (replayed, earlier) = (last["replayed"].as_u64().unwrap(), last["replayed_earlier"].as_u64().unwrap());
    assert_eq!(replayed + earlier, first as u64);
    assert!(earlier >= before as u64);

    assert!(list(&world, &[]).iter().all(|letter| letter["status"] == "replayed"));
    assert_eq!(replay(&world, &[])["replayed"], 0);
}

#[test]
fn of_two_replays_the_later_takes_over_and_nothing_is_sent_twice() {
    let world = World::new(PARTITIONS);
    let per_partition = 4_000;
    kill_many_records(&world, per_partition);
    let first = per_partition * PARTITIONS as usize;
    let earlier = dlq(&world, &["--set", "scorer.batch_max_records=5", "replay"]).spawn().unwrap();
    wait_for("letters that are replayed", || sent_back(&world, first) >= 500);
    let later = replay(&world, &[]);
    let earlier = earlier.wait_with_output().unwrap();
    assert_each_came_back_once(&world, per_partition);
    assert!(later["replayed"].as_u64().unwrap() > 0);
    let message = String::from_utf8(earlier.stderr).unwrap();
    assert_eq!(earlier.status.code(), Some(1), "{message}");
    assert!(message.contains("another replay of") && message.contains("run again"), "{message}");
}

#[test]
fn a_replay_that_is_told_to_stop_ends_clean_and_the_next_goes_on() {
    let world = World::new(PARTITIONS);
    let per_partition = 5_000;
    kill_many_records(&world, per_partition);
    let first = per_partition * PARTITIONS as usize;
    let running = Running::start(&mut dlq(&world, &["--set", "scorer.batch_max_records=5", "replay", "--json"]));
    wait_for("letters that are replayed", || sent_back(&world, first) >= 300);
    let stopped = report(&running.stop());
    assert_eq!(stopped["stopped"], true);
    let replayed = stopped["replayed"].as_u64().unwrap();
    assert!((300..per_partition as u64).contains(&replayed), "it did not stop at once: {stopped}");
    assert_eq!(sent_back(&world, first) as u64, replayed, "what it says is what it did");
    assert_eq!(replay(&world, &[])["replayed_earlier"], replayed);
    assert_each_came_back_once(&world, per_partition);
}

#[test]
fn what_another_filter_or_limit_has_sent_is_not_sent_again() {
    let world = World::new(1);
    // Larger than a topic accepts together with the headers: the payload stays in the source.
    let large = noise(1_048_000);
    kill_records(&world, &[Some(b"x"), None, Some(large.as_bytes()), Some(b"\xff"), None, Some(b"y")]);

    assert_eq!(replay(&world, &["--cause", "empty", "--limit", "1"])["replayed"], 1);
    let second = replay(&world, &["--cause", "empty", "--cause", "not_utf8"]);
    assert_eq!(second["by_cause"], serde_json::json!({"empty": 1, "not_utf8": 1}));
    assert_eq!((&second["replayed_earlier"], &second["left_out"]), (&1.into(), &3.into()));
    let statuses: Vec<Value> = list(&world, &[]).iter().map(|letter| letter["status"].clone()).collect();
    assert_eq!(statuses, ["waiting", "replayed", "payload_omitted", "replayed", "replayed", "waiting"]);

    let rest = replay(&world, &[]);
    assert_eq!((&rest["replayed"], &rest["replayed_earlier"]), (&2.into(), &3.into()));
    assert_eq!(rest["not_replayable"], serde_json::json!({"payload_omitted": 1}));
    assert_eq!(rest["examples"][0]["origin"]["offset"], 2);
    let back = &world.committed(&world.topics.reviews)[6..];
    let payloads: Vec<_> = back.iter().map(|record| record.payload().map(<[u8]>::to_vec)).collect();
    let expected = [None, Some(&b"\xff"[..]), None, Some(b"x"), Some(b"y")].map(|it| it.map(<[u8]>::to_vec));
    assert_eq!(payloads, expected);
}

#[test]
fn a_record_that_fails_again_is_counted_on() {
    let world = World::new(1);
    let header = Some(("shop", "north"));
    world.produce([Record { key: Some("k"), payload: Some(b"x"), header, ..Record::default() }]);
    for attempts in 1..=3 {
        assert_eq!(world.score_until_end()["dead_letters"], 1);
        let letters = list(&world, &[]);
        let counts: Vec<Value> = letters.iter().map(|letter| letter["attempts"].clone()).collect();
        assert_eq!(counts, (1..=attempts).collect::<Vec<i32>>());
        let last = world.dead_letters().into_iter().rfind(|letter| letter.key().is_some()).unwrap();
        assert_eq!(header_of(&last, "plaudit.attempts"), Some(attempts.to_string()));
        assert_eq!(letters.last().unwrap()["headers"], serde_json::json!([{"key": "shop", "value": "north"}]));
        assert_eq!(replay(&world, &[])["replayed"], 1);
        let back = world.committed(&world.topics.reviews).pop().unwrap();
        assert_eq!(header_of(&back, "plaudit.attempts"), Some(attempts.to_string()));
        assert_eq!(back.headers().unwrap().count(), 2, "headers of earlier attempts do not pile up");
    }
}

#[test]
fn a_dry_run_tells_what_would_be_sent_and_changes_nothing() {
    let world = World::new(1);
    kill_records(&world, &[Some(b"x"), None, Some(b"y")]);
    let ends = || [&world.topics.reviews, &dead_letters_of(&world)].map(|it| end_offsets(&world.kafka, it).unwrap());
    let before = ends();
    let dry = replay(&world, &["--dry-run", "--cause", "not_json"]);
    assert_eq!((&dry["replayed"], &dry["dry_run"]), (&2.into(), &true.into()));
    assert_eq!(ends(), before);
    assert!(list(&world, &[]).iter().all(|letter| letter["status"] == "waiting"));
    assert_eq!(replay(&world, &[])["replayed"], 3);
}

#[test]
fn a_marker_behind_an_open_transaction_is_waited_for() {
    let world = World::new(1);
    kill_records(&world, &[Some(b"x")]);
    let topic = dead_letters_of(&world);
    let producer = |id: &str| TransactionalProducer::new(&world.kafka, id, Duration::from_secs(60)).unwrap();
    // Such as a scorer that was killed leaves behind.
    let open = producer("open");
    open.begin().unwrap();
    open.send(BaseRecord::to(&topic).key("k").payload("a dead letter to be").partition(0)).unwrap();
    let uncommitted = || {
        let config = &mut world.kafka.consumer("uncommitted");
        let consumer: rdkafka::consumer::BaseConsumer =
            config.set("isolation.level", "read_uncommitted").create().unwrap();
        rdkafka::consumer::Consumer::fetch_watermarks(&consumer, &topic, 0, PATIENCE).unwrap().1
    };
    // A letter and the end of its transaction, and now this record.
    wait_for("the record of the open transaction", || uncommitted() == 3);
    // The letter at offset 0 was replayed behind it.
    let marked = producer("marked");
    marked.begin().unwrap();
    let headers = OwnedHeaders::new().insert(Header { key: "plaudit.replayed", value: Some("0") });
    marked.send(BaseRecord::<str, str>::to(&topic).partition(0).headers(headers)).unwrap();
    marked.commit_records().unwrap();

    let mut running = dlq(&world, &["replay", "--json"]).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(2);
    while Instant::now() < deadline {
        assert_eq!(running.try_wait().unwrap(), None, "it did not wait");
        std::thread::park_timeout(Duration::from_millis(20));
    }
    open.abort().unwrap();
    let report = report(&running.wait_with_output().unwrap());
    assert_eq!((&report["replayed"], &report["replayed_earlier"]), (&0.into(), &1.into()));
    assert_eq!(sent_back(&world, 1), 0);
}

#[test]
fn a_record_that_came_from_nowhere_is_named_and_left() {
    let world = World::new(1);
    let producer: BaseProducer = world.kafka.producer().create().unwrap();
    let topic = dead_letters_of(&world);
    let connect = [("topic", "no-such-topic"), ("partition", "0"), ("offset", "7"), ("exception.class.name", "Boom")];
    let headers = connect.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
        headers.insert(Header { key: &format!("__connect.errors.{key}"), value: Some(*value) })
    });
    producer.send(BaseRecord::to(&topic).key("k").payload("x").headers(headers)).map_err(|(error, _)| error).unwrap();
    producer.send(BaseRecord::to(&topic).key("k").payload("y")).map_err(|(error, _)| error).unwrap();
    producer.flush(PATIENCE).unwrap();
    let causes: Vec<Value> = list(&world, &[]).iter().map(|letter| letter["cause"].clone()).collect();
    assert_eq!(causes, ["Boom", "unknown"]);
    let report = replay(&world, &[]);
    assert_eq!(report["replayed"], 0);
    assert_eq!(report["not_replayable"], serde_json::json!({"no_origin": 1, "origin_missing": 1}));
}

#[test]
fn what_its_topic_refuses_stays_and_the_others_go_on() {
    let world = World::new(1);
    let keys = [Some("a"), None, Some("b"), Some("c"), None];
    world.produce(keys.map(|key| Record { key, payload: Some(b"no review"), ..Record::default() }));
    assert_eq!(world.score_until_end()["dead_letters"], keys.len());
    // From here on it takes none without a key.
    alter(&world.kafka, &world.topics.reviews, "cleanup.policy", "compact");

    let first = replay(&world, &[]);
    assert_eq!((&first["replayed"], &first["not_replayable"]), (&3.into(), &serde_json::json!({"refused": 2})));
    let examples = first["examples"].as_array().unwrap();
    let offsets: Vec<&Value> = examples.iter().map(|example| &example["origin"]["offset"]).collect();
    assert_eq!(offsets, [1, 4], "{first}");
    assert!(examples[0]["message"].as_str().unwrap().contains("refuses a record"), "{first}");
    let sent: Vec<_> =
        world.committed(&world.topics.reviews)[5..].iter().map(|it| it.key().unwrap().to_vec()).collect();
    assert_eq!(sent, [b"a", b"b", b"c"]);

    let page = String::from_utf8(dlq(&world, &["replay"]).output().unwrap().stdout).unwrap();
    assert!(page.contains("sent by an earlier replay: 3") && page.contains("cannot be sent, refused: 2"), "{page}");
    // Nothing but that stands in their way.
    alter(&world.kafka, &world.topics.reviews, "cleanup.policy", "delete");
    let last = replay(&world, &[]);
    assert_eq!((&last["replayed"], &last["replayed_earlier"]), (&2.into(), &3.into()), "{last}");
}

#[test]
fn a_letter_whose_topic_goes_in_the_middle_of_the_replay_lacks_its_topic() {
    let world = World::new(PARTITIONS);
    let topic = dead_letters_of(&world);
    world.create(&[&world.topics.feedback], 1);
    let producer: BaseProducer = world.kafka.producer().create().unwrap();
    let letter = |origin: &str, partition: i32, offset: usize| {
        let offset = offset.to_string();
        let headers = [("topic", origin), ("partition", "0"), ("offset", &offset)];
        let headers = headers.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
            headers.insert(Header { key: &format!("__connect.errors.{key}"), value: Some(*value) })
        });
        let record = BaseRecord::to(&topic).key("k").payload("x").partition(partition).headers(headers);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    };
    // One letter shows the topic, many take their time, and one finds it gone.
    let many = 3_000;
    letter(&world.topics.feedback, 0, 0);
    (0..many).for_each(|i| letter(&world.topics.reviews, 1, i));
    letter(&world.topics.feedback, 2, 1);
    producer.flush(PATIENCE).unwrap();
    let running = Running::start(&mut dlq(&world, &["--set", "scorer.batch_max_records=5", "replay", "--json"]));
    wait_for("letters that are replayed", || sent_back(&world, 0) >= 100);
    delete(&world.kafka, &world.topics.feedback);
    assert!(sent_back(&world, 0) < many, "it went too late to show anything");
    let report = report(&running.end());
    assert_eq!(report["replayed"], many + 1, "{report}");
    assert_eq!(report["not_replayable"], serde_json::json!({"origin_missing": 1}), "{report}");
}

#[test]
fn a_letter_whose_review_is_fine_by_now_becomes_a_prediction() {
    let world = World::new(1);
    let body = review("r-1", "a good product");
    kill_records(&world, &[Some(b"x")]);
    // Somebody repaired the letter itself: only its headers say that it is one.
    let letter = world.dead_letters().pop().unwrap();
    let producer: BaseProducer = world.kafka.producer().create().unwrap();
    let repaired =
        BaseRecord::<[u8], [u8]>::to(letter.topic()).payload(&body).headers(letter.headers().unwrap().clone());
    producer.send(repaired).map_err(|(error, _)| error).unwrap();
    producer.flush(PATIENCE).unwrap();
    assert_eq!(replay(&world, &[])["replayed"], 2);
    let report = world.score_until_end();
    assert_eq!((&report["predictions"], &report["dead_letters"]), (&1.into(), &1.into()));
}

#[test]
fn what_cannot_be_read_fails_with_one_line_that_says_what_to_do() {
    let world = World::new(1);
    for verb in ["list", "replay"] {
        let fails = |arguments: &[&str], code: i32| {
            let output = dlq(&world, &[&[verb], arguments].concat()).output().unwrap();
            let message = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(code), "{message}");
            message
        };
        let message = fails(&["--topic", "no-such.dlq"], 1);
        assert!(message.contains("\"no-such.dlq\" does not exist") && message.contains("--topic"), "{message}");
        let output = plaudit()
            .args(["dlq", verb, "--brokers", "localhost:1", "--set", "kafka.connect_timeout_ms=500"])
            .output()
            .unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains("no Kafka broker answers at localhost:1"), "{message}");
        let message = fails(&["--since", "yesterday"], 2);
        assert!(message.contains("yesterday") && message.contains("2026-11-21T08:00:00Z"), "{message}");
    }
}

fn header_of(record: &OwnedMessage, name: &str) -> Option<String> {
    service::kafka::headers::text(record.headers()?, name).map(str::to_owned)
}
