//! What operators do to topics that are in use.

use super::PATIENCE;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::{Offset, TopicPartitionList};
use service::kafka::KafkaConfig;
use tokio::runtime::{Builder, Runtime};

/// Changes one of its settings.
pub fn alter(kafka: &KafkaConfig, topic: &str, setting: &str, value: &str) {
    let change = AlterConfig::new(ResourceSpecifier::Topic(topic)).set(setting, value);
    for answer in runtime().block_on(admin(kafka).alter_configs(&[change], &options())).unwrap() {
        answer.unwrap();
    }
}

/// Deletes it with all that it holds.
pub fn delete(kafka: &KafkaConfig, topic: &str) {
    for answer in runtime().block_on(admin(kafka).delete_topics(&[topic], &options())).unwrap() {
        answer.unwrap();
    }
}

/// Deletes what stands before an offset, as retention does.
pub fn delete_before(kafka: &KafkaConfig, topic: &str, partition: i32, offset: i64) {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition, Offset::Offset(offset)).unwrap();
    runtime().block_on(admin(kafka).delete_records(&list, &options())).unwrap();
}

fn admin(kafka: &KafkaConfig) -> AdminClient<DefaultClientContext> {
    kafka.producer().create().unwrap()
}

fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(PATIENCE))
}

fn runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}
