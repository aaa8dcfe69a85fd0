//! A world of its own for each test: topics and a group with unique names on the real broker, a registry in a temporary folder,
//! and the built binary.

pub use crate::support::reviews::{noise, review};
pub use crate::support::{PATIENCE, Running, report, wait_for};

use crate::support::{Names, brokers, plaudit, reviews};
use rdkafka::Message;
use rdkafka::message::{Header, OwnedHeaders, OwnedMessage};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use schemas::{Prediction, Topics};
use std::collections::HashMap;
use std::ops::Deref;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

pub struct World {
    /// What its topics and group are called.
    pub names: Names,
    /// How its processes are members of their group. Short time-outs let a successor take over within seconds.
    pub membership: Vec<&'static str>,
    folder: tempfile::TempDir,
}

impl Deref for World {
    type Target = Names;

    fn deref(&self) -> &Names {
        &self.names
    }
}

impl World {
    /// Fresh topics with this many partitions, and a model in production.
    pub fn new(partitions: i32) -> Self {
        let names = Names::new(brokers());
        let Topics { reviews, predictions, drift, .. } = &names.topics;
        names.create(&[reviews, &Topics::dead_letters_of(reviews), predictions, drift], partitions);
        let world = Self {
            names,
            membership: vec!["session.timeout.ms=3000", "heartbeat.interval.ms=500"],
            folder: tempfile::tempdir().unwrap(),
        };
        world.train("good", "bad");
        world
    }

    /// Trains a model for which one word is good and one is bad, and promotes it.
    pub fn train(&self, good: &str, bad: &str) {
        let path = self.path("train.jsonl");
        reviews::write_labelled(Path::new(&path), 200, good, bad);
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
        let mut command = plaudit();
        command.args([verb, "--registry", &self.path("registry")]);
        let short = ["scorer.transaction_timeout_ms=3000", "registry.poll_interval_ms=50"].map(str::to_owned);
        let membership = self.membership.iter().map(|property| format!("kafka.properties.{property}"));
        for setting in self.names.settings().into_iter().chain(short).chain(membership) {
            command.args(["--set", &setting]);
        }
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

#[derive(Default, Clone, Copy)]
pub struct Record<'r> {
    pub key: Option<&'r str>,
    pub payload: Option<&'r [u8]>,
    pub partition: Option<i32>,
    pub header: Option<(&'r str, &'r str)>,
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
