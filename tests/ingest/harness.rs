//! A world of its own for each test: topics and a group with unique names on the real broker, an offline store in a temporary
//! folder, and the built binary.

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use feature_store::offline::store::{Dataset, OfflineConfig, Store};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use schemas::Topics;
use service::kafka::KafkaConfig;
use service::kafka::admin::{TopicSpec, create_topics};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long anything may take that a test waits for.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct World {
    pub kafka: KafkaConfig,
    pub topics: Topics,
    /// Settings beside those of every world.
    pub settings: Vec<String>,
    pub folder: tempfile::TempDir,
}

impl World {
    /// Fresh topics with this many partitions.
    pub fn new(partitions: i32) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let brokers = std::env::var("PLAUDIT_TEST_KAFKA").unwrap_or_else(|_| {
            panic!(
                "this test needs Apache Kafka: run `dev/test`, or `dev/services up` and `eval \"$(dev/services env)\"`"
            )
        });
        let id = format!("ingest-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let topic = |role: &str| format!("{id}-{role}");
        let topics = Topics {
            reviews: topic("reviews"),
            predictions: topic("predictions"),
            feedback: topic("feedback"),
            models: topic("models"),
            drift: topic("drift"),
        };
        let kafka = KafkaConfig::new(brokers, id);
        let spec =
            |name: &String| TopicSpec { name: name.clone(), partitions, replication: 1, config: BTreeMap::new() };
        create_topics(&kafka, &[&topics.reviews, &topics.predictions, &topics.feedback].map(spec)).unwrap();
        let settings = vec![
            "kafka.properties.session.timeout.ms=3000".to_owned(),
            "kafka.properties.heartbeat.interval.ms=500".to_owned(),
        ];
        Self { kafka, topics, settings, folder: tempfile::tempdir().unwrap() }
    }

    pub fn offline(&self) -> PathBuf {
        self.folder.path().join("offline")
    }

    /// The binary, pointed at this world.
    pub fn plaudit(&self, verb: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plaudit"));
        command.args([verb, "--brokers", &self.kafka.brokers]);
        let mut settings = vec![
            format!("kafka.group={}", self.kafka.group),
            format!("topics.reviews={}", self.topics.reviews),
            format!("topics.predictions={}", self.topics.predictions),
            format!("topics.feedback={}", self.topics.feedback),
            format!("topics.models={}", self.topics.models),
            format!("topics.drift={}", self.topics.drift),
            format!("offline.url={}", self.offline().display()),
        ];
        settings.extend(self.settings.iter().cloned());
        for setting in settings {
            command.args(["--set", &setting]);
        }
        // A developer's shell may point the binary elsewhere.
        for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("PLAUDIT__")) {
            command.env_remove(key);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
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

/// A process that is killed when the test is over, however it ends.
pub struct Running(pub Child);

impl Running {
    pub fn start(command: &mut Command) -> Self {
        Self(command.stderr(Stdio::null()).spawn().unwrap())
    }

    /// SIGKILL, in the middle of whatever it is doing.
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// SIGTERM, and its end.
    pub fn stop(mut self) -> Output {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
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

/// A review as JSON.
pub fn review(id: &str, text: &str) -> Vec<u8> {
    serde_json::to_vec(&serde_json::json!({
        "review_id": id, "product_id": "p1", "user_id": "u1", "text": text, "rating": 5,
        "created_at": "2024-05-01T10:00:00Z",
    }))
    .unwrap()
}
