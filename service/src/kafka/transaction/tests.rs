//! Transactions on the in-process broker: what they leave behind, and what they say when something is refused.

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::mocking::{MockCluster, MockCoordinator};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use super::*;
use crate::kafka::{EmbeddedBroker, admin, read_to_end};

const TIMEOUT: Duration = Duration::from_secs(20);

fn producer(broker: &EmbeddedBroker) -> TransactionalProducer {
    TransactionalProducer::new(&broker.config("app"), "app.test", TIMEOUT).unwrap()
}

fn payloads(broker: &EmbeddedBroker) -> Vec<String> {
    let records = read_to_end(&broker.config("app"), "out", TIMEOUT).unwrap();
    records.iter().map(|record| String::from_utf8(record.payload().unwrap().to_vec()).unwrap()).collect()
}

#[test]
fn transactions_follow_each_other() {
    let broker = EmbeddedBroker::start(&[("in", 1), ("out", 1)]).unwrap();
    let producer = producer(&broker);
    let consumer: BaseConsumer = broker.config("app").consumer("test").create().unwrap();
    let mut offsets = NextOffsets::new();
    for i in 0..3 {
        producer.begin().unwrap();
        producer.send(BaseRecord::to("out").key("k").payload(&format!("{i}"))).unwrap();
        offsets.done("in", 0, i * 10);
        producer.commit(&offsets, &consumer.group_metadata().unwrap()).unwrap();
    }
    assert_eq!(payloads(&broker), ["0", "1", "2"]);
}

#[test]
fn an_aborted_transaction_leaves_the_producer_usable() {
    let broker = EmbeddedBroker::start(&[("out", 1)]).unwrap();
    let producer = producer(&broker);
    producer.begin().unwrap();
    for _ in 0..1000 {
        producer.send(BaseRecord::to("out").key("k").payload("thrown away")).unwrap();
    }
    let start = Instant::now();
    producer.abort().unwrap();
    assert!(start.elapsed() < TIMEOUT / 2, "the abort waited for its own delivery reports: {:?}", start.elapsed());
    producer.begin().unwrap();
    producer.send(BaseRecord::to("out").key("k").payload("kept")).unwrap();
    producer.commit_records().unwrap();
    assert_eq!(payloads(&broker).last().map(String::as_str), Some("kept"));
    assert!(!admin::end_offsets(&broker.config("app"), "out").unwrap().is_empty());
}

#[test]
fn offsets_are_committed_though_the_group_s_coordinator_was_replaced() {
    let cluster = MockCluster::new(3).unwrap();
    for topic in ["in", "out"] {
        cluster.create_topic(topic, 1, 1).unwrap();
        cluster.partition_leader(topic, 0, Some(1)).unwrap();
    }
    cluster.coordinator(MockCoordinator::Transaction("app.test".into()), 1).unwrap();
    cluster.coordinator(MockCoordinator::Group("app.test".into()), 2).unwrap();
    let kafka = KafkaConfig::new(cluster.bootstrap_servers(), "app");
    let producer = TransactionalProducer::new(&kafka, "app.test", TIMEOUT).unwrap();
    let consumer: BaseConsumer = kafka.consumer("test").create().unwrap();
    let commit = |offset| {
        let mut offsets = NextOffsets::new();
        offsets.done("in", 0, offset);
        producer.begin().unwrap();
        producer.send(BaseRecord::to("out").key("k").payload("v")).unwrap();
        producer.commit(&offsets, &consumer.group_metadata().unwrap())
    };
    commit(0).unwrap();
    cluster.coordinator(MockCoordinator::Group("app.test".into()), 3).unwrap();
    cluster.broker_down(2).unwrap();
    // From then on the client knows that the broker is gone, and yet waits for it.
    let brokers = || producer.producer.client().fetch_metadata(None, TIMEOUT).unwrap().brokers().len();
    while brokers() > 2 {
        std::thread::park_timeout(RETRY_PAUSE);
    }
    commit(1).unwrap();
}

#[test]
fn a_refused_transactional_id_is_named() {
    let cluster = MockCluster::new(1).unwrap();
    let kafka = KafkaConfig::new(cluster.bootstrap_servers(), "app");
    let refused = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    cluster.request_errors(RDKafkaApiKey::InitProducerId, &[refused; 5]);
    let error = TransactionalProducer::new(&kafka, "app.test", TIMEOUT).err().unwrap();
    assert!(error.to_string().starts_with("not allowed to Write to transactional id \"app.test\""), "{error}");
    assert_eq!(error.kind(), ErrorKind::Fatal);
}

#[test]
fn a_topic_that_is_refused_within_a_transaction_is_named_and_forgotten_with_it() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("out", 1, 1).unwrap();
    let kafka = KafkaConfig::new(cluster.bootstrap_servers(), "app");
    let producer = TransactionalProducer::new(&kafka, "app.test", TIMEOUT).unwrap();
    producer.begin().unwrap();
    let refused = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    cluster.request_errors(RDKafkaApiKey::AddPartitionsToTxn, &[refused]);
    let sent = producer.send(BaseRecord::to("out").key("k").payload("v"));
    let error = sent.and_then(|()| producer.commit_records()).unwrap_err();
    assert!(error.to_string().starts_with("not allowed to Write to topic \"out\""), "{error}");
    producer.abort().unwrap();
    assert_eq!(producer.producer.context().take_refused_topic(), None);
}

#[test]
fn a_record_that_is_too_large_is_named_and_spoils_only_its_transaction() {
    let broker = EmbeddedBroker::start(&[("out", 1)]).unwrap();
    let mut kafka = broker.config("app");
    kafka.properties.insert("message.max.bytes".into(), "2000".into());
    let producer = TransactionalProducer::new(&kafka, "app.test", TIMEOUT).unwrap();
    producer.begin().unwrap();
    let error = producer.send(BaseRecord::to("out").key("k").payload(&vec![b'x'; 5000])).unwrap_err();
    assert!(matches!(&error, Error::RecordTooLarge { topic, size_bytes: 5001 } if topic == "out"), "{error}");
    assert_eq!(error.kind(), ErrorKind::Abort);
    producer.abort().unwrap();
    producer.begin().unwrap();
    producer.send(BaseRecord::to("out").key("k").payload("small")).unwrap();
    producer.commit_records().unwrap();
    assert_eq!(payloads(&broker), ["small"]);
}

#[test]
fn a_lost_record_fails_the_commit() {
    let broker = EmbeddedBroker::start(&[("out", 1)]).unwrap();
    let mut kafka = broker.config("app");
    // A partition that does not exist is known only once the topic's metadata is there.
    kafka.properties.insert("topic.metadata.propagation.max.ms".into(), "100".into());
    let producer = TransactionalProducer::new(&kafka, "app.test", TIMEOUT).unwrap();
    producer.begin().unwrap();
    let sent = producer.send(BaseRecord::to("out").key("k").payload("nowhere").partition(7));
    let error = sent.and_then(|()| producer.commit_records()).unwrap_err();
    assert!(matches!(&error, Error::Delivery { topic, .. } if topic == "out"), "{error}");
    assert_eq!(error.kind(), ErrorKind::Abort);
    producer.abort().unwrap();
}
