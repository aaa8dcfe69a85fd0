//! A world of its own for each test: topics and a group with unique names on the real broker, an offline store in a temporary
//! folder, and the built binary.

pub use crate::support::{PATIENCE, Running, report, wait_for};

use crate::support::{Names, brokers, plaudit};
use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use feature_store::offline::store::{Dataset, OfflineConfig, Store};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use schemas::Topics;
use service::kafka::KafkaConfig;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

pub struct World {
    pub kafka: KafkaConfig,
    pub topics: Topics,
    /// Settings of the binary in this world.
    pub settings: Vec<String>,
    pub folder: tempfile::TempDir,
}

impl World {
    /// Fresh topics with this many partitions.
    pub fn new(partitions: i32) -> Self {
        let names = Names::new(brokers());
        let Topics { reviews, predictions, feedback, .. } = &names.topics;
        names.create(&[reviews, predictions, feedback], partitions);
        let folder = tempfile::tempdir().unwrap();
        let mut settings = names.settings();
        settings.extend([
            format!("offline.url={}", folder.path().join("offline").display()),
            "kafka.properties.session.timeout.ms=3000".to_owned(),
            "kafka.properties.heartbeat.interval.ms=500".to_owned(),
        ]);
        let Names { kafka, topics } = names;
        Self { kafka, topics, settings, folder }
    }

    pub fn offline(&self) -> PathBuf {
        self.folder.path().join("offline")
    }

    /// The binary, pointed at this world.
    pub fn plaudit(&self, verb: &str) -> Command {
        let mut command = plaudit();
        command.arg(verb);
        for setting in &self.settings {
            command.args(["--set", setting]);
        }
        command
    }

    /// Runs `plaudit ingest --until-end` and answers its report.
    pub fn ingest_until_end(&self) -> serde_json::Value {
        report(&self.plaudit("ingest").args(["--until-end", "--json"]).output().unwrap())
    }

    /// Sends records to a partition.
    pub fn produce(&self, topic: &str, partition: i32, values: impl IntoIterator<Item = Vec<u8>>) {
        let producer: BaseProducer = self.kafka.producer().create().unwrap();
        for value in values {
            let mut record = BaseRecord::to(topic).partition(partition).key("key").payload(&value);
            while let Err((_, again)) = producer.send(record) {
                record = again;
                producer.poll(Duration::from_millis(1));
            }
        }
        producer.flush(PATIENCE).unwrap();
    }

    /// What reads the store's files without knowing it sees: every file, whole.
    pub fn files(&self, dataset: Dataset) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.offline().join(dataset.name())];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                match path.extension() {
                    _ if path.is_dir() => folders.push(path),
                    Some(extension) if extension == "parquet" => found.push(path),
                    _ => {}
                }
            }
        }
        found.sort();
        found
    }

    /// All rows of a dataset, of all files.
    pub fn rows(&self, dataset: Dataset) -> Vec<RecordBatch> {
        let read = |path| ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().build().unwrap();
        self.files(dataset).into_iter().flat_map(read).map(Result::unwrap).collect()
    }

    /// The offsets of a dataset by partition, in the order of files.
    pub fn offsets(&self, dataset: Dataset) -> BTreeMap<i32, Vec<i64>> {
        by_partition(&self.rows(dataset))
    }

    /// The same as a reader sees it who knows the store.
    pub fn offsets_read(&self, dataset: Dataset) -> BTreeMap<i32, Vec<i64>> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = Store::open(&OfflineConfig { url: self.offline().to_str().unwrap().to_owned() }).unwrap();
            let mut batches = Vec::new();
            for part in store.list(dataset).await.unwrap().parts {
                let mut reader = store.open_part(&part).await.unwrap();
                while let Some(batch) = reader.next_batch().unwrap() {
                    batches.push(batch);
                }
            }
            by_partition(&batches)
        })
    }

    /// Asserts that each offset of each partition, all of `per_partition`, has exactly one row.
    pub fn assert_each_once(&self, dataset: Dataset, partitions: i32, per_partition: i64) {
        for offsets in [self.offsets(dataset), self.offsets_read(dataset)] {
            for partition in 0..partitions {
                let found = offsets.get(&partition).map_or(&[][..], Vec::as_slice);
                let expected: Vec<i64> = (0..per_partition).collect();
                assert!(
                    found == expected,
                    "{dataset} {partition}: {} rows, {} expected, first difference at {:?}",
                    found.len(),
                    expected.len(),
                    found.iter().zip(&expected).find(|(found, expected)| found != expected)
                );
            }
            assert!(offsets.keys().all(|partition| (0..partitions).contains(partition)));
        }
    }
}

fn by_partition(batches: &[RecordBatch]) -> BTreeMap<i32, Vec<i64>> {
    let mut offsets: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
    for batch in batches {
        let partition = batch.column_by_name("source_partition").unwrap().as_primitive::<Int32Type>();
        let offset = batch.column_by_name("source_offset").unwrap().as_primitive::<Int64Type>();
        for (partition, offset) in partition.values().iter().zip(offset.values()) {
            offsets.entry(*partition).or_default().push(*offset);
        }
    }
    offsets
}

/// A column of texts, of all batches.
pub fn texts(batches: &[RecordBatch], column: &str) -> Vec<Option<String>> {
    let values = batches.iter().flat_map(|batch| batch.column_by_name(column).unwrap().as_string::<i32>().iter());
    values.map(|value| value.map(str::to_owned)).collect()
}

/// A review as JSON.
pub fn review(id: &str, text: &str) -> Vec<u8> {
    serde_json::to_vec(&serde_json::json!({
        "review_id": id, "product_id": "p1", "user_id": "u1", "text": text, "rating": 5,
        "created_at": "2024-05-01T10:00:00Z",
    }))
    .unwrap()
}
