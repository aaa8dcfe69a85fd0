//! The topics of a run, its model, and how to read what has come of it.

use crate::count::{Came, Expected, Place};
use crate::support::names::program;
use crate::support::reviews::write_labelled;
use crate::support::{Names, brokers};
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Message, OwnedMessage};
use schemas::{Prediction, Review, Topics};
use service::kafka::admin::{TopicSpec, create_topics};
use service::kafka::{KafkaConfig, NextOffsets, headers, read_to_end};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

pub const PARTITIONS: i32 = 6;

/// How long a scorer may be silent.
pub const SESSION: Duration = Duration::from_secs(3);

/// How long a transaction may be open.
pub const TRANSACTION: Duration = Duration::from_secs(3);

const ANSWER: Duration = Duration::from_secs(5);
const READING: Duration = Duration::from_secs(300);

/// A prediction that repeats an id as long as this is larger than its topic accepts.
const LONG_ID: usize = 100_000;

pub struct World {
    pub names: Names,
    folder: PathBuf,
    /// Sees the group's offsets though a transaction is open; reads nothing.
    watcher: BaseConsumer,
}

fn came(record: &OwnedMessage, source: Place) -> Came {
    Came { key: record.key().map(<[u8]>::to_vec), source, at: (record.partition(), record.offset()) }
}

impl World {
    pub fn new() -> Self {
        let Names { mut kafka, topics } = Names::new(brokers());
        // Three brokers that all start again answer late.
        kafka.connect_timeout_ms = 60_000;
        let specs = [&topics.reviews, &topics.predictions, &Topics::dead_letters_of(&topics.reviews), &topics.drift]
            .map(|name| TopicSpec {
                name: name.clone(),
                partitions: PARTITIONS,
                replication: 3,
                config: BTreeMap::from([("min.insync.replicas".to_owned(), "2".to_owned())]),
            });
        create_topics(&kafka, &specs).unwrap();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("chaos");
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("logs")).unwrap();
        // Of its own, so that a build meanwhile changes nothing.
        std::fs::copy(env!("CARGO_BIN_EXE_plaudit"), folder.join("plaudit")).unwrap();
        let watcher = watcher(&kafka);
        let world = Self { names: Names { kafka, topics }, folder, watcher };
        world.train();
        world
    }

    pub fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    fn train(&self) {
        let path = self.folder.join("train.jsonl");
        write_labelled(&path, 200, "good", "bad");
        let output = self.plaudit("train").arg("--input").arg(&path).arg("--promote").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// The binary, pointed at this world.
    pub fn plaudit(&self, verb: &str) -> Command {
        let mut command = program(self.folder.join("plaudit"));
        command.arg(verb).arg("--registry").arg(self.folder.join("registry"));
        let own = [
            format!("kafka.properties.session.timeout.ms={}", SESSION.as_millis()),
            "kafka.properties.heartbeat.interval.ms=500".to_owned(),
            // How long a group waits for members that a restarted coordinator remembers and that are gone.
            "kafka.properties.max.poll.interval.ms=30000".to_owned(),
            format!("scorer.transaction_timeout_ms={}", TRANSACTION.as_millis()),
            // Small transactions: whenever a fault comes, one is open.
            "scorer.batch_max_records=200".to_owned(),
        ];
        for setting in self.names.settings().iter().chain(&own) {
            command.args(["--set", setting]);
        }
        command
    }

    /// Where `reviews` ends now; none while a partition has no leader.
    pub fn ends(&self) -> Option<Vec<i64>> {
        self.ends_of(&self.watcher, &self.names.topics.reviews)
    }

    fn ends_of(&self, consumer: &BaseConsumer, topic: &str) -> Option<Vec<i64>> {
        let ends: Result<Vec<i64>, _> = (0..PARTITIONS)
            .map(|partition| consumer.fetch_watermarks(topic, partition, ANSWER).map(|(_, end)| end))
            .collect();
        // The client remembers that there was no leader; this makes it look again.
        ends.inspect_err(|_| drop(consumer.fetch_metadata(Some(topic), ANSWER))).ok()
    }

    /// Whether the group has committed as far as this.
    pub fn is_committed(&self, ends: &[i64]) -> bool {
        let mut partitions = TopicPartitionList::new();
        partitions.add_partition_range(&self.names.topics.reviews, 0, PARTITIONS - 1);
        let Ok(committed) = self.watcher.committed_offsets(partitions, ANSWER) else { return false };
        let committed = NextOffsets::from_list(&committed);
        (0..).zip(ends).all(|(partition, &end)| {
            end == 0 || committed.get(&self.names.topics.reviews, partition).is_some_and(|next| next.0 >= end)
        })
    }

    /// Whether no transaction is open in what the scorers write.
    pub fn is_settled(&self) -> bool {
        let committed: BaseConsumer = self.names.kafka.consumer("settled").create().unwrap();
        [&self.names.topics.predictions, &Topics::dead_letters_of(&self.names.topics.reviews)].into_iter().all(
            |topic| {
                let all = self.ends_of(&self.watcher, topic);
                all.is_some() && all == self.ends_of(&committed, topic)
            },
        )
    }

    /// Whether the broker leads nothing that the stream reads or writes.
    pub fn is_replaced(&self, node: i32) -> bool {
        let Ok(metadata) = self.watcher.fetch_metadata(None, ANSWER) else { return false };
        let partitions = || metadata.topics().iter().flat_map(|topic| topic.partitions());
        partitions().all(|partition| partition.leader() >= 0 && partition.leader() != node)
    }

    /// Whether every partition has all its copies in sync.
    pub fn is_in_sync(&self) -> bool {
        let Ok(metadata) = self.watcher.fetch_metadata(None, ANSWER) else { return false };
        let partitions = || metadata.topics().iter().flat_map(|topic| topic.partitions());
        partitions().all(|partition| partition.leader() >= 0 && partition.isr().len() == partition.replicas().len())
    }

    /// The truth: every record, and what has to come of it.
    pub fn reviews(&self) -> BTreeMap<Place, Expected> {
        let records = read_to_end(&self.names.kafka, &self.names.topics.reviews, READING).unwrap();
        let expected = |payload: &[u8]| match Review::decode(payload) {
            Ok(review) if review.review_id.0.len() < LONG_ID => Expected::Prediction,
            _ => Expected::DeadLetter,
        };
        records
            .iter()
            .map(|record| ((record.partition(), record.offset()), expected(record.payload().unwrap_or_default())))
            .collect()
    }

    pub fn predictions(&self) -> Vec<Came> {
        let records = read_to_end(&self.names.kafka, &self.names.topics.predictions, READING).unwrap();
        let came = records.iter().map(|record| {
            let source = Prediction::decode(record.payload().unwrap()).unwrap().source;
            came(record, (source.partition, source.offset))
        });
        came.collect()
    }

    pub fn dead_letters(&self) -> Vec<Came> {
        let records =
            read_to_end(&self.names.kafka, &Topics::dead_letters_of(&self.names.topics.reviews), READING).unwrap();
        let came = records.iter().map(|record| {
            let header = |name| headers::text(record.headers().unwrap(), name).unwrap();
            let partition = header("__connect.errors.partition").parse().unwrap();
            let offset = header("__connect.errors.offset").parse().unwrap();
            came(record, (partition, offset))
        });
        came.collect()
    }
}

fn watcher(kafka: &KafkaConfig) -> BaseConsumer {
    let mut config = kafka.consumer("score");
    config.set("isolation.level", "read_uncommitted").create().unwrap()
}
