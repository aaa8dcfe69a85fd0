//! Online features: each rating counts once, whatever happens to the ingest, to Redis or to the files.

use crate::harness::{Running, World, report, review, wait_for};
use feature_store::offline::store::Dataset;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

/// A Redis of this test's own, which may be killed.
struct Redis {
    port: u16,
    /// What it was told is still there when it was killed.
    folder: tempfile::TempDir,
    running: Option<Running>,
}

impl Redis {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut redis = Self { port, folder: tempfile::tempdir().unwrap(), running: None };
        redis.start_again();
        redis
    }

    fn start_again(&mut self) {
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--port", &self.port.to_string(), "--save", ""]);
        command.args(["--appendonly", "yes", "--appendfsync", "always", "--dir"]).arg(self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null());
        self.running = Some(Running::start(&mut command));
        wait_for("Redis", || {
            let mut answer = [0; 5];
            TcpStream::connect(("127.0.0.1", self.port)).is_ok_and(|mut stream| {
                stream.write_all(b"PING\r\n").and_then(|()| stream.read_exact(&mut answer)).is_ok()
                    && &answer == b"+PONG"
            })
        });
    }

    fn kill(&mut self) {
        self.running.take().unwrap().kill();
    }
}

/// A world whose ingest writes to this Redis.
fn world(redis: &Redis, partitions: i32) -> World {
    let mut world = World::new(partitions);
    world.settings.push(format!("redis.url=redis://127.0.0.1:{}", redis.port));
    world.settings.push("redis.deadline_ms=5000".to_owned());
    world
}

/// Reviews of one product, with these ratings one behind the other.
fn rated(count: i64) -> impl Iterator<Item = Vec<u8>> {
    (0..count).map(|i| {
        let mut record: Value = serde_json::from_slice(&review(&format!("r{i}"), "a text")).unwrap();
        record["rating"] = (1 + i % 5).into();
        serde_json::to_vec(&record).unwrap()
    })
}

/// How many ratings the product has, as Redis says.
fn rating_count(world: &World) -> i64 {
    let found = report(&world.plaudit("features").args(["get", "product=p1", "--json"]).output().unwrap());
    let text = found.to_string();
    let rest = text.split_once("rating_count").map(|(_, rest)| rest).unwrap_or_default();
    let number = rest.trim_start_matches(|c: char| !c.is_ascii_digit());
    number.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[test]
fn ratings_count_once_with_files_and_without() {
    let redis = Redis::start();
    let world = world(&redis, 2);
    world.produce(&world.topics.reviews, 0, rated(100));
    let done = world.ingest_until_end();
    assert_eq!((&done["updates"]["applied"], &done["updates"]["replayed"]), (&200.into(), &0.into()));
    assert_eq!(rating_count(&world), 100);
    world.assert_each_once(Dataset::Reviews, 1, 100);

    // The files are gone: they come again, and Redis takes nothing twice.
    std::fs::remove_dir_all(world.offline()).unwrap();
    world.produce(&world.topics.reviews, 0, rated(20));
    let done = world.ingest_until_end();
    assert_eq!((&done["updates"]["applied"], &done["updates"]["replayed"]), (&40.into(), &200.into()));
    world.assert_each_once(Dataset::Reviews, 1, 120);

    // Without files it goes on where the group is.
    world.produce(&world.topics.reviews, 0, rated(5));
    let output = world.plaudit("ingest").args(["--until-end", "--json", "--set", "offline.url="]).output().unwrap();
    assert_eq!(report(&output)["records"], 5);
    assert_eq!(rating_count(&world), 125);
    // And the files catch up.
    assert_eq!(world.ingest_until_end()["records"], 5);
    assert_eq!(rating_count(&world), 125);
    world.assert_each_once(Dataset::Reviews, 1, 125);
}

#[test]
fn a_label_counts_for_the_product_of_its_review() {
    let redis = Redis::start();
    let mut world = world(&redis, 1);
    for key in ["entity=product_id", "source=feedback", "features.rating_count=count"] {
        world.settings.push(format!("features.views.product_labels.{key}"));
    }
    world.produce(&world.topics.reviews, 0, rated(3));
    world.ingest_until_end();
    let label = |id: &str| {
        format!(r#"{{"review_id": "{id}", "label": "positive", "origin": "user", "created_at": "2024-05-02"}}"#)
            .into_bytes()
    };
    world.produce(&world.topics.feedback, 0, ["r0", "r2", "unheard of"].map(label));
    let done = world.ingest_until_end();
    let updates = &done["updates"];
    assert_eq!((&updates["applied"], &updates["labels_without_review"]), (&2.into(), &1.into()));
    assert_eq!(done["records"], 3);
}

#[test]
fn what_the_files_have_and_the_group_has_not_committed_still_reaches_redis() {
    let redis = Redis::start();
    let world = world(&redis, 1);
    world.produce(&world.topics.reviews, 0, rated(50));
    // Files alone, under another group: this one has committed nothing.
    let output = world
        .plaudit("ingest")
        .args(["--until-end", "--json", "--set", "redis.url=", "--set"])
        .arg(format!("kafka.group={}-other", world.kafka.group))
        .output()
        .unwrap();
    assert_eq!(report(&output)["records"], 50);
    assert_eq!(rating_count(&world), 0);
    let done = world.ingest_until_end();
    assert_eq!((&done["records"], &done["updates"]["applied"]), (&0.into(), &100.into()));
    assert_eq!(rating_count(&world), 50);
    world.assert_each_once(Dataset::Reviews, 1, 50);
}

#[test]
fn a_redis_that_is_away_is_waited_for_and_nothing_is_lost() {
    let mut redis = Redis::start();
    let mut world = world(&redis, 1);
    world.settings.push("ingest.file_max_seconds=1".to_owned());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    world.settings.push(format!("health.listen=127.0.0.1:{port}"));
    let running = Running::start(&mut world.plaudit("ingest"));
    wait_for("readiness", || crate::get(port, "/health/ready").starts_with("HTTP/1.1 200"));
    redis.kill();
    world.produce(&world.topics.reviews, 0, rated(30));
    wait_for("word of the store that is away", || {
        let answer = crate::get(port, "/health/ready");
        answer.starts_with("HTTP/1.1 503") && answer.contains("online store")
    });
    assert!(crate::get(port, "/health/live").starts_with("HTTP/1.1 200"));
    redis.start_again();
    wait_for("the file", || !world.files(Dataset::Reviews).is_empty());
    running.stop();
    world.assert_each_once(Dataset::Reviews, 1, 30);
    assert_eq!(rating_count(&world), 30);
}

#[test]
fn ratings_count_once_though_the_ingest_is_killed_again_and_again() {
    let redis = Redis::start();
    let mut world = world(&redis, 1);
    for setting in
        ["ingest.file_max_bytes=20000", "ingest.batch_max_records=100", "kafka.properties.group.instance.id=only"]
    {
        world.settings.push(setting.to_owned());
    }
    world.produce(&world.topics.reviews, 0, rated(20_000));
    for _ in 0..4 {
        let before = world.files(Dataset::Reviews).len();
        let running = Running::start(&mut world.plaudit("ingest"));
        wait_for("a new file", || world.files(Dataset::Reviews).len() > before);
        running.kill();
    }
    world.ingest_until_end();
    world.assert_each_once(Dataset::Reviews, 1, 20_000);
    assert_eq!(rating_count(&world), 20_000);
}

#[test]
fn one_that_was_killed_while_redis_was_away_and_started_again_counts_each_rating_once() {
    let mut redis = Redis::start();
    let mut world = world(&redis, 1);
    world.settings.push("ingest.file_max_seconds=1".to_owned());
    world.settings.push("kafka.properties.group.instance.id=only".to_owned());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    world.settings.push(format!("health.listen=127.0.0.1:{port}"));
    let is_away = || crate::get(port, "/health/ready").contains("online store");
    world.produce(&world.topics.reviews, 0, rated(40));
    let running = Running::start(&mut world.plaudit("ingest"));
    wait_for("the first file", || !world.files(Dataset::Reviews).is_empty());
    redis.kill();
    world.produce(&world.topics.reviews, 0, rated(30));
    wait_for("word of the store that is away", is_away);
    running.kill();
    // The next one finds it away as well, and says so.
    let output = world.plaudit("ingest").output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains(&format!("redis://127.0.0.1:{}", redis.port)), "{message}");
    redis.start_again();
    world.ingest_until_end();
    world.assert_each_once(Dataset::Reviews, 1, 70);
    assert_eq!(rating_count(&world), 70);
}

#[test]
fn a_rating_that_is_dated_into_the_future_counts_for_nobody() {
    let redis = Redis::start();
    let world = world(&redis, 1);
    let dated = |created_at: &str| {
        let mut record: Value = serde_json::from_slice(&review("r", "a text")).unwrap();
        record["created_at"] = created_at.into();
        serde_json::to_vec(&record).unwrap()
    };
    let soon = schemas::Timestamp::from_epoch_millis(schemas::Timestamp::now().epoch_millis() + 3_600_000).unwrap();
    let reviews = [dated("2024-05-01"), dated("2190-01-01"), dated(&soon.to_string())];
    world.produce(&world.topics.reviews, 0, reviews);
    let done = world.ingest_until_end();
    assert_eq!((&done["updates"]["applied"], &done["updates"]["future"]), (&4.into(), &1.into()));
    assert_eq!(rating_count(&world), 2);
    // It is a record like any other, and stands in the files.
    world.assert_each_once(Dataset::Reviews, 1, 3);
}

#[test]
fn a_server_that_refuses_ends_it_with_a_sentence_and_the_next_start_goes_on() {
    let redis = Redis::start();
    let mut world = world(&redis, 1);
    let mut stream = TcpStream::connect(("127.0.0.1", redis.port)).unwrap();
    stream.write_all(b"ACL SETUSER reader on >secret ~* +ping +info +hmget\r\n").unwrap();
    stream.read_exact(&mut [0; 5]).unwrap();
    world.produce(&world.topics.reviews, 0, rated(10));
    let allowed = world.settings.clone();
    world.settings.push(format!("redis.url=redis://reader:secret@127.0.0.1:{}", redis.port));
    let output = world.plaudit("ingest").arg("--until-end").output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("refuses what is asked of it: NOPERM"), "{message}");
    assert!(message.contains("correct redis.url, or let its user do") && !message.contains("secret"), "{message}");

    world.settings = allowed;
    assert_eq!(world.ingest_until_end()["updates"]["applied"], 20);
    assert_eq!(rating_count(&world), 10);
}
