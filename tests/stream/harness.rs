//! A world of its own for each test: topics and a group with unique names on the real broker, a registry in a temporary folder,
//! and the built binary.

use rdkafka::Message;
use rdkafka::message::{Header, OwnedHeaders, OwnedMessage};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use schemas::{Prediction, Topics};
use service::kafka::KafkaConfig;
use service::kafka::admin::{TopicSpec, create_topics};
use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long anything may take that a test waits for.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct World {
    pub kafka: KafkaConfig,
    pub topics: Topics,
    /// How its processes are members of their group. Short time-outs let a successor take over within seconds.
    pub membership: Vec<&'static str>,
    folder: tempfile::TempDir,
}

impl World {
    /// Fresh topics with this many partitions, and a model in production.
    pub fn new(partitions: i32) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let brokers = std::env::var("PLAUDIT_TEST_KAFKA").unwrap_or_else(|_| {
            panic!(
                "this test needs Apache Kafka: run `dev/test`, or `dev/services up` and `eval \"$(dev/services env)\"`"
            )
        });
        let id = format!("test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let topic = |role: &str| format!("{id}-{role}");
        let topics = Topics {
            reviews: topic("reviews"),
            predictions: topic("predictions"),
            feedback: topic("feedback"),
            models: topic("models"),
            drift: topic("drift"),
        };
        let kafka = KafkaConfig::new(brokers, id);
        let names = [&topics.reviews, &topics.predictions, &Topics::dead_letters_of(&topics.reviews), &topics.drift];
        create_topics(&kafka, &names.map(|name| spec(name, partitions))).unwrap();
        let world = Self {
            kafka,
            topics,
            membership: vec!["session.timeout.ms=3000", "heartbeat.interval.ms=500"],
            folder: tempfile::tempdir().unwrap(),
        };
        world.train("good", "bad");
        world
    }

    /// Trains a model for which one word is good and one is bad, and promotes it.
    pub fn train(&self, good: &str, bad: &str) {
        let path = self.path("train.jsonl");
        let mut file = std::fs::File::create(&path).unwrap();
        for i in 0..200 {
            let (word, label) = if i % 2 == 0 { (good, 1) } else { (bad, 0) };
            writeln!(file, r#"{{"text": "a {word} product, number {i}", "label": {label}}}"#).unwrap();
        }
        // Whatever the gates say: these models are right about nothing but their own words.
        let promote = ["--promote", "--force", "--reason", "other words"];
        let output = self.plaudit("train").args(["--input", &path, "--json"]).args(promote).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// The binary, pointed at this world.
    pub fn plaudit(&self, verb: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plaudit"));
        command.args([verb, "--brokers", &self.kafka.brokers, "--registry", &self.path("registry")]);
        for setting in [
            format!("kafka.group={}", self.kafka.group),
            "scorer.transaction_timeout_ms=3000".to_owned(),
            "registry.poll_interval_ms=50".to_owned(),
            format!("topics.reviews={}", self.topics.reviews),
            format!("topics.predictions={}", self.topics.predictions),
            format!("topics.feedback={}", self.topics.feedback),
            format!("topics.models={}", self.topics.models),
            format!("topics.drift={}", self.topics.drift),
        ] {
            command.args(["--set", &setting]);
        }
        for property in &self.membership {
            command.args(["--set", &format!("kafka.properties.{property}")]);
        }
        // A developer's shell may point the binary elsewhere.
        for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("PLAUDIT__")) {
            command.env_remove(key);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs `plaudit score --until-end` and answers its report.
    pub fn score_until_end(&self) -> serde_json::Value {
        let output = self.plaudit("score").args(["--until-end", "--json"]).output().unwrap();
        report(&output)
    }

    pub fn produce<'r>(&self, records: impl IntoIterator<Item = Record<'r>>) {
        let producer: BaseProducer = self.kafka.producer().create().unwrap();
        for record in records {
            let mut unsent = BaseRecord::<str, [u8]>::to(&self.topics.reviews);
            unsent.key = record.key;
            unsent.payload = record.payload;
            unsent.partition = record.partition;
            if let Some((key, value)) = record.header {
                unsent = unsent.headers(OwnedHeaders::new().insert(Header { key, value: Some(value) }));
            }
            while let Err((_, again)) = producer.send(unsent) {
                unsent = again;
                producer.poll(Duration::from_millis(1));
            }
        }
        producer.flush(PATIENCE).unwrap();
    }

    /// All that a read_committed reader sees of a topic.
    pub fn committed(&self, topic: &str) -> Vec<OwnedMessage> {
        service::kafka::read_to_end(&self.kafka, topic, PATIENCE).unwrap()
    }

    pub fn predictions(&self) -> Vec<Prediction> {
        self.committed(&self.topics.predictions)
            .iter()
            .map(|message| Prediction::decode(message.payload().unwrap()).unwrap())
            .collect()
    }

    pub fn dead_letters(&self) -> Vec<OwnedMessage> {
        self.committed(&Topics::dead_letters_of(&self.topics.reviews))
    }

    /// Waits until so many predictions are committed.
    pub fn wait_for_predictions(&self, at_least: usize) {
        wait_for(&format!("{at_least} predictions"), || self.predictions().len() >= at_least);
    }
}

pub fn spec(name: &str, partitions: i32) -> TopicSpec {
    TopicSpec { name: name.to_owned(), partitions, replication: 1, config: BTreeMap::new() }
}

#[derive(Default, Clone, Copy)]
pub struct Record<'r> {
    pub key: Option<&'r str>,
    pub payload: Option<&'r [u8]>,
    pub partition: Option<i32>,
    pub header: Option<(&'r str, &'r str)>,
}

/// A process that is killed when the test is over, however it ends.
pub struct Running(pub Child);

impl Running {
    pub fn start(command: &mut Command) -> Self {
        Self(command.stderr(Stdio::null()).spawn().unwrap())
    }

    /// Starts a process and waits for a line on its stderr that holds `text`; answers what follows the text there.
    pub fn start_and_wait_for(command: &mut Command, text: &str) -> (Self, String) {
        let mut running = Self(command.spawn().unwrap());
        let mut lines = BufReader::new(running.0.stderr.take().unwrap()).lines();
        let rest = lines.find_map(|line| Some(line.unwrap().split_once(text)?.1.to_owned())).unwrap();
        // The pipe must stay open and be read, or the process would end with its next line.
        std::thread::spawn(move || lines.for_each(drop));
        (running, rest)
    }

    /// SIGKILL, in the middle of whatever it is doing.
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    /// SIGTERM, and its end.
    pub fn stop(mut self) -> Output {
        self.signal("TERM");
        wait_for("the end of the process", || self.0.try_wait().unwrap().is_some());
        let status = self.0.wait().unwrap();
        let mut stdout = Vec::new();
        if let Some(mut pipe) = self.0.stdout.take() {
            std::io::Read::read_to_end(&mut pipe, &mut stdout).unwrap();
        }
        Output { status, stdout, stderr: Vec::new() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already in the good case.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The JSON document that a verb printed.
pub fn report(output: &Output) -> serde_json::Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Waits until the condition holds.
pub fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "{what} did not come within {PATIENCE:?}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// Letters that no compression makes shorter, and always the same.
pub fn noise(length: usize) -> String {
    let mut random = 1_u64;
    let mut letter = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + ((random >> 33) % 26) as u8)
    };
    (0..length).map(|_| letter()).collect()
}

/// A review as JSON.
pub fn review(id: &str, text: &str) -> Vec<u8> {
    serde_json::to_vec(&serde_json::json!({"review_id": id, "text": text, "created_at": "2024-05-01T10:00:00Z"}))
        .unwrap()
}

/// Asserts that each record of the partitions, all of `records_per_partition` offsets, has exactly one prediction.
pub fn assert_exactly_once(predictions: &[Prediction], partitions: i32, records_per_partition: i64) {
    let mut offsets: HashMap<i32, Vec<i64>> = HashMap::new();
    for prediction in predictions {
        offsets.entry(prediction.source.partition).or_default().push(prediction.source.offset);
    }
    for partition in 0..partitions {
        let mut found = offsets.remove(&partition).unwrap_or_default();
        // Predictions of one key lie in one partition; over several, their order says nothing.
        found.sort_unstable();
        let expected: Vec<i64> = (0..records_per_partition).collect();
        assert!(found == expected, "partition {partition}: {} predictions, {} expected", found.len(), expected.len());
    }
    assert!(offsets.is_empty());
}
