//! Reads a topic from beginning to end without joining a group: for tools and tests that look at what is there.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Message, OwnedMessage};

use super::access::Access;
use super::admin::bounds;
use super::config::{KafkaConfig, READER};
use super::error::Error;
use super::events::Events;
use super::offset::NextOffset;

const POLL: Duration = Duration::from_millis(100);

/// Every committed record between the start of a topic and the end that it has now, in order within each partition.
/// All of them are held in memory.
pub fn read_to_end(kafka: &KafkaConfig, topic: &str, within: Duration) -> Result<Vec<OwnedMessage>, Error> {
    let deadline = Instant::now() + within;
    let bounds = bounds(kafka, topic)?;
    let mut open: BTreeSet<i32> = bounds
        .end
        .iter()
        .filter(|(_, partition, end)| bounds.start.get(topic, *partition).is_none_or(|start| start < *end))
        .map(|(_, partition, _)| partition)
        .collect();
    let mut config = kafka.reader();
    // The end of a partition that ends with a transaction's marker shows in no record.
    config.set("enable.partition.eof", "true");
    let consumer: BaseConsumer<Events> =
        config.create_with_context(Events).map_err(|source| Error::client("create a consumer", source))?;
    consumer.assign(&bounds.start.to_list()?).map_err(|source| Error::client("assign partitions", source))?;

    let mut records = Vec::new();
    while !open.is_empty() {
        if Instant::now() >= deadline {
            let reason = format!("{} partitions did not end within {} s", open.len(), within.as_secs_f64());
            return Err(Error::Topic { action: "read", topic: topic.to_owned(), reason });
        }
        match consumer.poll(POLL) {
            None => {}
            Some(Ok(record)) => {
                let next = NextOffset::after(record.offset());
                let end = bounds.end.get(topic, record.partition());
                if end.is_some_and(|end| next <= end) {
                    records.push(record.detach());
                }
                if end.is_some_and(|end| next >= end) {
                    open.remove(&record.partition());
                }
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                open.remove(&partition);
            }
            Some(Err(source)) => {
                let needs = [Access::read_topic(topic), Access::describe_group(kafka.group_of(READER))];
                let error = Error::refused_or_client("read a topic", source, &needs);
                if error.kind() != super::ErrorKind::Retry {
                    return Err(error);
                }
            }
        }
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

    use super::*;
    use crate::kafka::EmbeddedBroker;

    #[test]
    fn a_topic_is_read_from_start_to_end() {
        let broker = EmbeddedBroker::start(&[("topic", 3)]).unwrap();
        let kafka = broker.config("app");
        assert!(read_to_end(&kafka, "topic", Duration::from_secs(10)).unwrap().is_empty());
        let producer: BaseProducer = kafka.producer().create().unwrap();
        for i in 0..50 {
            let (key, payload) = (format!("key {i}"), format!("payload {i}"));
            producer.send(BaseRecord::to("topic").key(&key).payload(&payload)).map_err(|(error, _)| error).unwrap();
        }
        producer.flush(Duration::from_secs(10)).unwrap();
        let mut records: Vec<_> = read_to_end(&kafka, "topic", Duration::from_secs(10))
            .unwrap()
            .iter()
            .map(|record| String::from_utf8(record.payload().unwrap().to_vec()).unwrap())
            .collect();
        records.sort();
        let mut expected: Vec<_> = (0..50).map(|i| format!("payload {i}")).collect();
        expected.sort();
        assert_eq!(records, expected);
    }
}
