//! The binary itself as a service on Apache Kafka: its memory over millions of records and with a broker that stands still
//! most of the time, two scorers beside one, and how long partitions wait for a successor. Needs `PLAUDIT_TEST_KAFKA`; the slow
//! broker also needs `PLAUDIT_BENCH_KAFKA_PID`, the process that is stopped and continued.
#![expect(clippy::print_stdout, reason = "a measurement's output")]

#[path = "support/figures.rs"]
mod figures;
#[path = "support/product_reviews.rs"]
mod product_reviews;

use figures::{median, row, say};
use product_reviews::{ProductReview, product_reviews};
use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};
use schemas::{Prediction, Review, ReviewId, Timestamp, Topics};
use service::kafka::KafkaConfig;
use service::kafka::admin::{TopicSpec, create_topics, end_offsets};
use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use trainer::grouped;

/// What the program allocates with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PARTITIONS: i32 = 4;
const MANY: i64 = 5_000_000;
/// As many more are there for the slow broker.
const WHILE_SLOW: i64 = 1_000_000;
const SHARED: i64 = 1_500_000;
const LOOK: Duration = Duration::from_millis(200);
/// Reviews a second while a successor is awaited.
const STEADY_RATE: u64 = 200;
const ROUNDS: usize = 3;
/// Until both have partitions, and until the group has noticed that one is gone.
const BEFORE: Duration = Duration::from_secs(8);
const AFTER: Duration = Duration::from_secs(16);

fn main() {
    let Ok(brokers) = std::env::var("PLAUDIT_TEST_KAFKA") else {
        say("left out: PLAUDIT_TEST_KAFKA is not set (dev/bench sets it, after dev/services up)");
        return;
    };
    let reviews = values(&product_reviews());
    memory(&brokers, &reviews);
    two_beside_one(&brokers, &reviews);
    for (what, signal, limit) in [("kill -9", "KILL", "session.timeout.ms: 10 s"), ("SIGTERM", "TERM", "")] {
        let seconds: Vec<f64> =
            (1..=ROUNDS).map(|round| succession(&brokers, &reviews, signal, round).as_secs_f64()).collect();
        let most = seconds.iter().copied().fold(0.0, f64::max);
        let ours = format!("{:.1} s, {most:.1} s at most of {ROUNDS}", median(&seconds));
        fact(&format!("partitions wait for a successor, {what}"), &ours, limit);
    }
}

/// A row of the table that has no peer.
fn fact(what: &str, ours: &str, beside: &str) {
    say(&format!("| {what} | {ours} | {beside} | |"));
}

/// Resident memory of a scorer after so many records, and while its broker is slow.
fn memory(brokers: &str, reviews: &[Vec<u8>]) {
    let world = World::new(brokers, "memory");
    world.produce(reviews, MANY);
    let scorer = world.scorer();
    let mut marks = [MANY / 5, 2 * MANY / 5, 3 * MANY / 5, 4 * MANY / 5, MANY].into_iter().peekable();
    let (mut peak, mut at_marks) = (0, Vec::new());
    while let Some(&mark) = marks.peek() {
        let resident = scorer.resident_megabytes();
        peak = peak.max(resident);
        if world.predictions() >= mark {
            at_marks.push(format!("{resident}"));
            marks.next();
        }
        std::thread::park_timeout(LOOK);
    }
    fact(
        &format!("resident memory of `score` after each fifth of {} records, MB", grouped(MANY as u64)),
        &at_marks.join(", "),
        &format!("at most {peak}"),
    );
    let Some(pid) = std::env::var("PLAUDIT_BENCH_KAFKA_PID").ok() else {
        say("the slow broker is left out: PLAUDIT_BENCH_KAFKA_PID does not name its process");
        return;
    };
    scorer.signal("STOP");
    world.produce(reviews, WHILE_SLOW);
    scorer.signal("CONT");
    let mut slow_peak = 0;
    let slow = Slowed(pid);
    for _ in 0..60 {
        slow.stand_still(Duration::from_millis(400));
        slow_peak = slow_peak.max(scorer.resident_megabytes());
        std::thread::park_timeout(Duration::from_millis(100));
    }
    let left = (MANY + WHILE_SLOW - world.predictions()).max(0);
    row(
        &format!(
            "resident memory of `score`, a broker that stands still four fifths of 30 s, {} of {} records left, MB",
            grouped(left as u64),
            grouped(WHILE_SLOW as u64)
        ),
        &format!("at most {slow_peak}"),
        &format!("before: {peak}"),
        slow_peak as f64 / peak as f64,
    );
}

/// Records a second of one scorer, and of two that share the machine.
fn two_beside_one(brokers: &str, reviews: &[Vec<u8>]) {
    let rates = [1, 2].map(|scorers| {
        let world = World::new(brokers, &format!("shared-{scorers}"));
        let at_work: Vec<Scorer> = (0..scorers).map(|_| world.scorer()).collect();
        // Time for all to become members and to share the partitions.
        std::thread::park_timeout(BEFORE);
        at_work.iter().for_each(|scorer| scorer.signal("STOP"));
        world.produce(reviews, SHARED);
        at_work.iter().for_each(|scorer| scorer.signal("CONT"));
        let began = Instant::now();
        while world.predictions() < SHARED {
            assert!(began.elapsed() < Duration::from_secs(120), "the scorers stand still");
            std::thread::park_timeout(LOOK);
        }
        SHARED as f64 / began.elapsed().as_secs_f64()
    });
    row(
        "two scorers that share the machine with the broker",
        &format!("{} records/s", grouped(rates[1] as u64)),
        &format!("one: {} records/s", grouped(rates[0] as u64)),
        rates[1] / rates[0],
    );
}

/// How long the partition that waits longest has no prediction after one of two scorers gets the signal.
fn succession(brokers: &str, reviews: &[Vec<u8>], name: &str, round: usize) -> Duration {
    let world = World::new(brokers, &format!("succession-{name}-{round}"));
    let stays = world.scorer();
    let goes = world.scorer();
    let consumer = world.read_predictions();
    let producer: BaseProducer = world.kafka.producer().create().expect("a producer");
    let began = Instant::now();
    let mut sent = 0;
    let mut last: BTreeMap<i32, Instant> = BTreeMap::new();
    let mut gone: Option<Instant> = None;
    let mut longest = Duration::ZERO;
    while gone.is_none_or(|gone| gone.elapsed() < AFTER) {
        while sent < (began.elapsed().as_secs_f64() * STEADY_RATE as f64) as u64 {
            world.send(&producer, sent as i64, &reviews[sent as usize % reviews.len()]);
            sent += 1;
        }
        producer.poll(Duration::ZERO);
        if let Some(message) = consumer.poll(Duration::from_millis(2)) {
            let message = message.expect("predictions can be read");
            let prediction = Prediction::decode(message.payload().unwrap_or_default()).expect("a prediction");
            let before = last.insert(prediction.source.partition, Instant::now());
            if let (Some(gone), Some(before)) = (gone, before) {
                longest = longest.max(before.max(gone).elapsed());
            }
        }
        if gone.is_none() && began.elapsed() > BEFORE {
            assert_eq!(last.len(), PARTITIONS as usize, "every partition has predictions");
            goes.signal(name);
            gone = Some(Instant::now());
        }
    }
    drop(stays);
    let resumed = last.values().all(|last| gone.is_some_and(|gone| *last > gone));
    assert!(resumed, "a partition had no successor within {} s", AFTER.as_secs());
    longest
}

fn signal(pid: &str, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), pid]).status().expect("kill can be run");
    assert!(status.success(), "no signal {name} for {pid}");
}

/// The reviews as they stand in the topic, without their ids.
fn values(reviews: &[ProductReview]) -> Vec<Vec<u8>> {
    let value = |review: &ProductReview| {
        let review = Review {
            review_id: ReviewId("0".to_owned()),
            product_id: None,
            user_id: None,
            title: review.title.clone(),
            text: review.text.clone(),
            rating: None,
            created_at: Timestamp::now(),
        };
        let json = serde_json::to_string(&review).expect("a review is JSON");
        json.strip_prefix(r#"{"review_id":"0""#).expect("the id comes first").as_bytes().to_vec()
    };
    reviews.iter().map(value).collect()
}

/// Topics, a group and a model of their own.
struct World {
    kafka: KafkaConfig,
    topics: Topics,
    folder: tempfile::TempDir,
}

impl World {
    fn new(brokers: &str, name: &str) -> Self {
        let id = format!("operation-{}-{name}", std::process::id()).to_lowercase();
        let topic = |role: &str| format!("{id}-{role}");
        let topics = Topics {
            reviews: topic("reviews"),
            predictions: topic("predictions"),
            feedback: topic("feedback"),
            models: topic("models"),
            drift: topic("drift"),
        };
        let kafka = KafkaConfig::new(brokers, &id);
        let dead_letters = Topics::dead_letters_of(&topics.reviews);
        let specs = [&topics.reviews, &topics.predictions, &topics.drift, &dead_letters].map(|name| TopicSpec {
            name: name.clone(),
            partitions: PARTITIONS,
            replication: 1,
            config: BTreeMap::new(),
        });
        create_topics(&kafka, &specs).expect("topics can be created");
        let world = Self { kafka, topics, folder: tempfile::tempdir().expect("a folder") };
        world.train();
        world
    }

    fn train(&self) {
        let path = self.folder.path().join("train.jsonl");
        let mut file = std::fs::File::create(&path).expect("a file");
        for (i, review) in demo::GeneratedReviews::new(3, 0).take(20_000).enumerate() {
            let label = review.rating.and_then(|rating| rating.label()).map(|label| label.is_positive());
            let Some(label) = label else { continue };
            let line = serde_json::json!({"review_id": i.to_string(), "text": review.text, "label": label});
            writeln!(file, "{line}").expect("the file takes it");
        }
        let output = self.plaudit("train").arg("--input").arg(&path).arg("--promote").output().expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn plaudit(&self, verb: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plaudit"));
        command.args([verb, "--brokers", &self.kafka.brokers, "--registry"]).arg(self.folder.path().join("registry"));
        let Topics { reviews, predictions, drift, .. } = &self.topics;
        for setting in [
            format!("kafka.group={}", self.kafka.group),
            format!("topics.reviews={reviews}"),
            format!("topics.predictions={predictions}"),
            format!("topics.drift={drift}"),
        ] {
            command.args(["--set", &setting]);
        }
        command
    }

    fn scorer(&self) -> Scorer {
        Scorer(self.plaudit("score").stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary runs"))
    }

    fn produce(&self, reviews: &[Vec<u8>], records: i64) {
        let producer: BaseProducer = self.kafka.producer().create().expect("a producer");
        for i in 0..records {
            self.send(&producer, i, &reviews[i as usize % reviews.len()]);
        }
        producer.flush(Duration::from_secs(60)).expect("the broker takes the reviews");
    }

    fn send(&self, producer: &BaseProducer, i: i64, review: &[u8]) {
        let key = i.to_string();
        let value = [br#"{"review_id":""#, key.as_bytes(), b"\"", review].concat();
        let mut unsent = BaseRecord::to(&self.topics.reviews).key(&key).payload(&value);
        while let Err((_, record)) = producer.send(unsent) {
            producer.poll(Duration::from_millis(10));
            unsent = record;
        }
    }

    /// How many there are, the few markers of transactions included.
    fn predictions(&self) -> i64 {
        let ends = end_offsets(&self.kafka, &self.topics.predictions).expect("the broker answers");
        ends.iter().map(|(_, _, next)| next.0).sum()
    }

    fn read_predictions(&self) -> BaseConsumer {
        let consumer: BaseConsumer = self.kafka.consumer("operation").create().expect("a consumer");
        let mut partitions = TopicPartitionList::new();
        for partition in 0..PARTITIONS {
            let topic = &self.topics.predictions;
            partitions.add_partition_offset(topic, partition, Offset::Beginning).expect("an offset");
        }
        consumer.assign(&partitions).expect("partitions can be assigned");
        consumer
    }
}

struct Scorer(Child);

/// A broker that stands still now and then; it goes on when this is dropped, whatever happened.
struct Slowed(String);

impl Slowed {
    fn stand_still(&self, time: Duration) {
        signal(&self.0, "STOP");
        std::thread::park_timeout(time);
        signal(&self.0, "CONT");
    }
}

impl Drop for Slowed {
    fn drop(&mut self) {
        signal(&self.0, "CONT");
    }
}

impl Scorer {
    fn signal(&self, name: &str) {
        signal(&self.0.id().to_string(), name);
    }

    fn resident_megabytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).expect("the scorer lives");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("the kernel tells it");
        let kilobytes = line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok());
        kilobytes.expect("a number") / 1024
    }
}

impl Drop for Scorer {
    fn drop(&mut self) {
        // It may have got its signal already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
