//! Transactions on Apache Kafka: what a read_committed reader sees. These tests need a broker at PLAUDIT_TEST_KAFKA.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::BaseRecord;
use service::kafka::admin::{self, Created, TopicSpec};
use service::kafka::{ErrorKind, KafkaConfig, NextOffsets, TransactionalProducer, read_to_end};

const DEADLINE: Duration = Duration::from_secs(60);

struct Fixture {
    kafka: KafkaConfig,
    topic: String,
    transactional_id: String,
}

impl Fixture {
    /// A topic and names that no other test or run uses.
    fn new(test: &str) -> Self {
        let brokers = std::env::var("PLAUDIT_TEST_KAFKA")
            .expect("PLAUDIT_TEST_KAFKA names no broker; run the tests with dev/test");
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let name = format!("service-{test}-{}-{}", std::process::id(), now.as_nanos());
        let fixture = Self { kafka: KafkaConfig::new(brokers, &name), topic: name.clone(), transactional_id: name };
        assert_eq!(admin::create_topics(&fixture.kafka, &[fixture.spec()]).unwrap(), [Created::New]);
        fixture
    }

    fn spec(&self) -> TopicSpec {
        TopicSpec { name: self.topic.clone(), partitions: 3, replication: 1, config: Default::default() }
    }

    fn producer(&self) -> TransactionalProducer {
        TransactionalProducer::new(&self.kafka, &self.transactional_id, DEADLINE).unwrap()
    }

    fn send(&self, producer: &TransactionalProducer, payload: &str) {
        producer.send(BaseRecord::to(&self.topic).key(payload).payload(payload)).unwrap();
    }

    fn payloads(&self) -> Vec<String> {
        let records = read_to_end(&self.kafka, &self.topic, DEADLINE).unwrap();
        let mut payloads: Vec<_> =
            records.iter().map(|record| String::from_utf8(record.payload().unwrap().to_vec()).unwrap()).collect();
        payloads.sort();
        payloads
    }

    /// Markers are written after the commit returns, so what it made visible shows a moment later.
    fn wait_for(&self, expected: &[&str]) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let payloads = self.payloads();
            if payloads == expected {
                return;
            }
            assert!(Instant::now() < deadline, "{payloads:?} instead of {expected:?}");
        }
    }
}

#[test]
fn a_reader_sees_committed_records_and_no_aborted_ones() {
    let fixture = Fixture::new("commit");
    let producer = fixture.producer();
    producer.begin().unwrap();
    fixture.send(&producer, "aborted");
    producer.abort().unwrap();
    producer.begin().unwrap();
    fixture.send(&producer, "a");
    fixture.send(&producer, "b");
    producer.commit_records().unwrap();
    fixture.wait_for(&["a", "b"]);
    producer.begin().unwrap();
    fixture.send(&producer, "still open");
    assert_eq!(fixture.payloads(), ["a", "b"]);
    producer.abort().unwrap();
    fixture.wait_for(&["a", "b"]);
}

#[test]
fn offsets_move_with_the_transaction_or_not_at_all() {
    let fixture = Fixture::new("offsets");
    let consumer: BaseConsumer = fixture.kafka.consumer("test").create().unwrap();
    let group = consumer.group_metadata().unwrap();
    let producer = fixture.producer();
    let mut first = NextOffsets::new();
    first.done(&fixture.topic, 1, 41);
    producer.begin().unwrap();
    producer.commit(&first, &group).unwrap();

    let mut second = first.clone();
    second.done(&fixture.topic, 1, 99);
    producer.begin().unwrap();
    fixture.send(&producer, "lost with its offsets");
    producer.abort().unwrap();

    let committed = consumer.committed_offsets(second.to_list().unwrap(), DEADLINE).unwrap();
    assert_eq!(NextOffsets::from_list(&committed), first);
}

#[test]
fn a_second_producer_with_the_same_id_fences_the_first() {
    let fixture = Fixture::new("fenced");
    let first = fixture.producer();
    first.begin().unwrap();
    fixture.send(&first, "from the first");
    let second = fixture.producer();
    let error = first.commit_records().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fenced, "{error}");
    second.begin().unwrap();
    fixture.send(&second, "from the second");
    second.commit_records().unwrap();
    fixture.wait_for(&["from the second"]);
}

#[test]
fn a_record_larger_than_the_topic_accepts_is_named() {
    let fixture = Fixture::new("large");
    let producer = fixture.producer();
    producer.begin().unwrap();
    // Random enough that compression does not make it small.
    let mut state = 1_u32;
    let payload: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(3_000_000)
    .collect();
    producer.send(BaseRecord::to(&fixture.topic).key("k").payload(&payload)).unwrap();
    let error = producer.commit_records().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Abort);
    let expected = format!("a record of 3000001 bytes is larger than topic \"{}\" accepts", fixture.topic);
    assert!(error.to_string().starts_with(&expected), "{error}");
    producer.abort().unwrap();
}

#[test]
fn topics_are_created_once_and_described() {
    let fixture = Fixture::new("topics");
    assert_eq!(admin::create_topics(&fixture.kafka, &[fixture.spec()]).unwrap(), [Created::Existed]);
    let described = admin::describe(&fixture.kafka, &[&fixture.topic, "no-such-topic"]).unwrap();
    assert_eq!(described.len(), 1);
    assert_eq!((described[&fixture.topic].partitions, described[&fixture.topic].replication), (3, 1));
    fixture.kafka.check_topics(&[&fixture.topic], "").unwrap();
}

#[test]
fn a_created_topic_can_be_used_at_once() {
    let fixture = Fixture::new("leaders");
    let names: Vec<String> = (0..8).map(|i| format!("{}-{i}", fixture.topic)).collect();
    let specs: Vec<TopicSpec> =
        names.iter().map(|name| TopicSpec { name: name.clone(), partitions: 12, ..fixture.spec() }).collect();
    admin::create_topics(&fixture.kafka, &specs).unwrap();
    let described = admin::describe(&fixture.kafka, &names.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    let usable: Vec<_> = described.values().map(|topic| topic.partitions - topic.leaderless as i32).collect();
    assert_eq!(usable, [12; 8]);
}

#[test]
fn the_topic_of_an_impossible_spec_is_named() {
    let fixture = Fixture::new("impossible");
    let spec = TopicSpec { name: format!("{}-x", fixture.topic), replication: 100, ..fixture.spec() };
    let message = admin::create_topics(&fixture.kafka, &[spec]).unwrap_err().to_string();
    assert!(message.starts_with(&format!("cannot create topic \"{}-x\": ", fixture.topic)), "{message}");
}
