//! Topics of a test's own, and records in them at times of its own.

use crate::support::{Names, PATIENCE, Running, brokers, plaudit, report};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use schemas::{Alert, Timestamp};
use serde_json::{Value, json};
use service::kafka::read_to_end;
use std::process::Command;
use tempfile::TempDir;

pub struct World {
    pub names: Names,
    pub folder: TempDir,
    pub settings: Vec<String>,
    producer: BaseProducer,
    /// When the first record was written.
    begun: i64,
}

impl World {
    pub fn new() -> Self {
        let names = Names::new(brokers());
        let topics = &names.topics;
        names.create(&[&topics.reviews, &topics.predictions, &topics.feedback, &topics.drift], 3);
        let folder = tempfile::tempdir().unwrap();
        let mut settings = names.settings();
        settings.push(format!("registry.url={}", folder.path().join("registry").display()));
        let producer = names.kafka.producer().create().unwrap();
        Self { names, folder, settings, producer, begun: Timestamp::now().epoch_millis() - 7_200_000 }
    }

    pub fn with(mut self, setting: &str) -> Self {
        self.settings.push(setting.to_owned());
        self
    }

    /// The moment so many milliseconds after the first.
    pub fn at(&self, millis: i64) -> i64 {
        self.begun + millis
    }

    pub fn write(&self, topic: &str, key: &str, value: &str, millis: i64) {
        let mut record = BaseRecord::to(topic).key(key).payload(value).timestamp(self.at(millis));
        while let Err((error, unsent)) = self.producer.send(record) {
            assert_eq!(error.rdkafka_error_code(), Some(rdkafka::types::RDKafkaErrorCode::QueueFull));
            self.producer.poll(PATIENCE);
            record = unsent;
        }
    }

    /// All that was written is there.
    pub fn flush(&self) {
        self.producer.flush(PATIENCE).unwrap();
    }

    pub fn predict(&self, id: &str, version: u64, probability: f64, millis: i64) {
        self.predict_with(&json!({}), id, version, probability, millis);
    }

    pub fn predict_with(&self, features: &Value, id: &str, version: u64, probability: f64, millis: i64) {
        let prediction = json!({
            "review_id": id,
            "sentiment": if probability >= 0.5 { "positive" } else { "negative" },
            "confidence": probability.max(1.0 - probability),
            "probability": probability,
            "model": {"name": "sentiment", "version": format!("v{version}"), "update": 0},
            "features": features,
            "features_status": "present",
            "source": {"topic": "reviews", "partition": 0, "offset": millis.max(0)},
            "created_at": self.at(millis),
            "scored_at": self.at(millis + 5),
        });
        self.write(&self.names.topics.predictions, id, &prediction.to_string(), millis + 5);
    }

    pub fn label(&self, id: &str, label: &str, origin: &str, millis: i64) {
        let feedback = json!({"review_id": id, "label": label, "origin": origin, "created_at": self.at(millis)});
        self.write(&self.names.topics.feedback, id, &feedback.to_string(), millis);
    }

    /// So many predictions, each with a label a second later that is right but for each twentieth; turned around, wrong but for
    /// each twentieth.
    pub fn labelled(&self, numbers: std::ops::Range<i64>, version: u64, is_turned: bool) {
        for i in numbers {
            let is_right = (i % 20 == 7) == is_turned;
            let is_positive = i * 7919 % 3 == 0;
            self.predict(&format!("r{i}"), version, if is_positive { 0.9 } else { 0.2 }, 10 * i);
            let label = if is_positive == is_right { "positive" } else { "negative" };
            self.label(&format!("r{i}"), label, "user", 10 * i + 1000);
        }
        self.flush();
    }

    pub fn plaudit(&self, arguments: &[&str]) -> Command {
        let mut command = plaudit();
        for setting in &self.settings {
            command.args(["--set", setting]);
        }
        command.args(arguments);
        command
    }

    pub fn start(&self, arguments: &[&str]) -> Running {
        Running(self.plaudit(arguments).spawn().unwrap())
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        report(&self.plaudit(&[arguments, &["--json"]].concat()).output().unwrap())
    }

    /// The alerts that stand on the topic, as whoever listens reads them.
    pub fn alerts(&self) -> Vec<Alert> {
        let records = read_to_end(&self.names.kafka, &self.names.topics.drift, PATIENCE).unwrap();
        records.iter().map(|record| Alert::decode(rdkafka::Message::payload(record).unwrap()).unwrap()).collect()
    }
}
