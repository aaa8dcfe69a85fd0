//! Topics and a group with names that no other test has.

use schemas::Topics;
use service::kafka::KafkaConfig;
use service::kafka::admin::{TopicSpec, create_topics};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::UNIX_EPOCH;

/// Where the broker of the tests is.
pub fn brokers() -> String {
    std::env::var("PLAUDIT_TEST_KAFKA").unwrap_or_else(|_| {
        panic!("this test needs Apache Kafka: run `dev/test`, or `dev/services up` and `eval \"$(dev/services env)\"`")
    })
}

/// The built binary.
pub fn plaudit() -> Command {
    program(env!("CARGO_BIN_EXE_plaudit"))
}

/// The same at another place. A developer's shell may point it elsewhere than the test does.
pub fn program(path: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(path);
    for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("PLAUDIT__")) {
        command.env_remove(key);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What a test's topics and group are called.
pub struct Names {
    pub kafka: KafkaConfig,
    pub topics: Topics,
}

impl Names {
    /// New ones on these brokers. They keep some things for as long as they run: names of an earlier run must not come again.
    pub fn new(brokers: impl Into<String>) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let now = UNIX_EPOCH.elapsed().expect("the clock is set").as_millis();
        let id = format!("test-{}-{now}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let topic = |role: &str| format!("{id}-{role}");
        let topics = Topics {
            reviews: topic("reviews"),
            predictions: topic("predictions"),
            feedback: topic("feedback"),
            models: topic("models"),
            drift: topic("drift"),
        };
        Self { kafka: KafkaConfig::new(brokers, id), topics }
    }

    /// Creates topics with this many partitions, which keep records of any time.
    pub fn create(&self, topics: &[&str], partitions: i32) {
        let config = BTreeMap::from([("retention.ms".to_owned(), "-1".to_owned())]);
        let spec =
            |name: &&str| TopicSpec { name: (*name).to_owned(), partitions, replication: 1, config: config.clone() };
        create_topics(&self.kafka, &topics.iter().map(spec).collect::<Vec<_>>()).unwrap();
    }

    /// The settings that point the binary at them.
    pub fn settings(&self) -> Vec<String> {
        let Topics { reviews, predictions, feedback, models, drift } = &self.topics;
        vec![
            format!("kafka.brokers={}", self.kafka.brokers),
            format!("kafka.group={}", self.kafka.group),
            format!("topics.reviews={reviews}"),
            format!("topics.predictions={predictions}"),
            format!("topics.feedback={feedback}"),
            format!("topics.models={models}"),
            format!("topics.drift={drift}"),
        ]
    }
}
