//! The service on a broker in this process, whose partitions lose their leaders at will.

use super::*;
use feature_store::offline::store::OfflineConfig;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use service::health::Health;
use std::path::Path;

const DEADLINE: Duration = Duration::from_secs(30);

fn config() -> IngestConfig {
    IngestConfig {
        file_max_bytes: 1_000_000,
        file_max_seconds: 1,
        memory_max_bytes: 10_000_000,
        batch_max_records: 100,
        batch_max_bytes: 1_000_000,
        stall_timeout_ms: 60_000,
    }
}

fn topics() -> Topics {
    let [reviews, predictions, feedback, models, drift] =
        ["reviews", "predictions", "feedback", "models", "drift"].map(str::to_owned);
    Topics { reviews, predictions, feedback, models, drift }
}

fn produce(kafka: &KafkaConfig, partition: i32) {
    let producer: BaseProducer = kafka.producer().create().unwrap();
    let value = r#"{"review_id": "a", "text": "good", "created_at": 1700000000000}"#;
    producer.send(BaseRecord::<str, str>::to("reviews").partition(partition).payload(value)).unwrap();
    producer.flush(DEADLINE).unwrap();
}

fn wait_for_a_file(store: &Path, partition: i32) {
    let folder = store.join(format!("reviews/topic=reviews/partition={partition}"));
    let deadline = Instant::now() + DEADLINE;
    let is_file =
        |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().path().extension().is_some_and(|e| e == "parquet");
    while !std::fs::read_dir(&folder).is_ok_and(|mut entries| entries.any(is_file)) {
        assert!(Instant::now() < deadline, "no file of partition {partition}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

#[test]
fn a_partition_without_a_leader_holds_up_no_other() {
    let cluster = MockCluster::new(1).unwrap();
    for topic in ["reviews", "feedback", "predictions"] {
        cluster.create_topic(topic, 2, 1).unwrap();
    }
    let kafka = KafkaConfig::new(cluster.bootstrap_servers(), "app");
    produce(&kafka, 0);
    produce(&kafka, 1);
    cluster.partition_leader("reviews", 1, None).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let url = folder.path().to_str().unwrap().to_owned();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let health = Health::new();
    let ingest = Ingest {
        kafka,
        topics: topics(),
        config: config(),
        offline: Some(Store::open_or_create(&OfflineConfig { url }).unwrap()),
        online: None,
        runtime: runtime.handle().clone(),
        until_end: false,
        health: health.component("ingest"),
    };
    let token = CancellationToken::new();
    let stop = token.clone();
    let running = std::thread::spawn(move || ingest.run(&stop));
    wait_for_a_file(folder.path(), 0);
    assert!(!health.is_ready(), "it says that one is missing");
    cluster.partition_leader("reviews", 1, Some(1)).unwrap();
    wait_for_a_file(folder.path(), 1);
    token.cancel();
    assert_eq!(running.join().unwrap().unwrap().records, 2);
}

#[test]
fn what_does_not_answer_is_not_waited_for_beyond_the_grace() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let waiting = Waiting::new(Health::new().component("store"), runtime.handle(), Duration::from_millis(50));
    let stop = CancellationToken::new();
    let began = Instant::now();
    let done = waiting.until_done(&stop, async || {
        stop.cancel();
        std::future::pending::<Result<(), ServiceError>>().await
    });
    assert!(done.unwrap().is_none());
    // The time is one for all that is left.
    let done = waiting.until_done(&stop, async || std::future::pending::<Result<(), ServiceError>>().await);
    assert!(done.unwrap().is_none());
    assert!(began.elapsed() < Duration::from_secs(5));
    let done = waiting.until_done(&stop, async || Ok(7));
    assert_eq!(done.unwrap(), Some(7), "it is tried once");
}
