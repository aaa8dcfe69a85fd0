//! What transactions leave in their topics beside records: markers, and records that were aborted. They take offsets, are never
//! delivered, and once Kafka has deleted them nobody can tell them from records that were lost.

use crate::harness::{PATIENCE, Running, World, wait_for};
use crate::{PARTITIONS, get, prediction};
use feature_store::offline::store::Dataset;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};
use std::net::TcpListener;

/// Sends predictions to partition 0 in one transaction.
fn transaction(producer: &BaseProducer, topic: &str, numbers: std::ops::Range<i64>, commits: bool) {
    producer.begin_transaction().unwrap();
    for i in numbers {
        let record = BaseRecord::<str, str>::to(topic).partition(0);
        producer.send(record.payload(&prediction(i))).map_err(|(error, _)| error).unwrap();
    }
    // What is not sent yet would be taken back by an abort, and leave nothing.
    producer.flush(PATIENCE).unwrap();
    if commits { producer.commit_transaction(PATIENCE) } else { producer.abort_transaction(PATIENCE) }.unwrap();
}

/// As retention does in the end: nothing is left of partition 0.
fn delete_all(world: &World, topic: &str) {
    let admin: AdminClient<DefaultClientContext> = world.kafka.producer().create().unwrap();
    let mut partitions = TopicPartitionList::new();
    partitions.add_partition_offset(topic, 0, Offset::End).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let deleted = runtime.block_on(admin.delete_records(&partitions, &AdminOptions::new())).unwrap();
    deleted.elements().iter().for_each(|partition| partition.error().unwrap());
}

/// The lag of predictions, as the metrics tell it.
fn lag(port: u16) -> Option<f64> {
    let page = get(port, "/metrics");
    let line = page.lines().find(|line| line.starts_with("plaudit_ingest_lag_records{dataset=\"predictions\"}"))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[test]
fn markers_behind_the_last_record_are_no_lag_and_no_lost_records() {
    let mut world = World::new(PARTITIONS);
    let topic = world.topics.predictions.clone();
    let producer: BaseProducer = world.kafka.transactional_producer(&world.kafka.group).create().unwrap();
    producer.init_transactions(PATIENCE).unwrap();
    transaction(&producer, &topic, 0..10, true);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for setting in [
        format!("health.listen=127.0.0.1:{port}").as_str(),
        "ingest.file_max_seconds=1",
        "kafka.properties.statistics.interval.ms=100",
    ] {
        world.settings.push(setting.to_owned());
    }
    let running = Running::start(&mut world.plaudit("ingest"));
    wait_for("the file", || world.files(Dataset::Predictions).len() == 1);
    wait_for("no lag", || lag(port) == Some(0.0));
    // Nothing but an aborted transaction comes behind it: a file without rows says that nothing was left out.
    transaction(&producer, &topic, 10..15, false);
    wait_for("the file of no rows", || world.files(Dataset::Predictions).len() == 2);
    wait_for("no lag", || lag(port) == Some(0.0));
    running.stop();

    delete_all(&world, &topic);
    assert_eq!(world.ingest_until_end()["records"], 0);
    transaction(&producer, &topic, 15..20, true);
    assert_eq!(world.ingest_until_end()["records"], 5);
    let rows: usize = world.rows(Dataset::Predictions).iter().map(arrow_array::RecordBatch::num_rows).sum();
    assert_eq!(rows, 15);
}
