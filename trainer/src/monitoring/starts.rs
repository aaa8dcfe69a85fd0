//! Where a monitor begins to read, and where it ends.

use super::feed::Start;
use super::service::{ROLE, Span};
use super::watch::Role;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Offset, TopicPartitionList};
use schemas::{Timestamp, Topics};
use service::kafka::admin::{describe, end_offsets};
use service::kafka::{Access, Error, KafkaConfig, NextOffset, NextOffsets, committed_offsets};
use std::time::Duration;

/// Of each partition the start, and up to where an earlier process has dealt with it.
pub(super) struct Starts {
    pub(super) starts: Vec<Start>,
    pub(super) committed: NextOffsets,
}

/// How long the broker may take to answer.
const ANSWER: Duration = Duration::from_secs(20);

/// All partitions, from `since` on, or from their beginning; a service begins no later than where its group was.
pub(super) fn starts(
    kafka: &KafkaConfig,
    topics: &Topics,
    since: Option<Timestamp>,
    span: Span,
) -> Result<Starts, Error> {
    let roles =
        [(Role::Review, &topics.reviews), (Role::Prediction, &topics.predictions), (Role::Feedback, &topics.feedback)];
    let names = roles.map(|(_, name)| name.as_str());
    let found = describe(kafka, &names)?;
    let consumer: BaseConsumer =
        kafka.consumer(ROLE).create().map_err(|source| Error::client("create a consumer", source))?;
    let mut needs: Vec<Access> = names.map(Access::read_topic).into();
    needs.push(Access::read_group(kafka.group_of(ROLE)));
    let asked = |action| move |source| Error::refused_or_client(action, source, &needs);
    let (mut partitions, mut all) = (Vec::new(), TopicPartitionList::new());
    for (role, topic) in roles {
        for partition in 0..found.get(topic.as_str()).map_or(0, |found| found.partitions) {
            partitions.push((role, topic.clone(), partition));
            all.add_partition(topic, partition);
        }
    }
    let committed = match span {
        Span::Once(_) => NextOffsets::new(),
        Span::Service | Span::UntilEnd => {
            let list = committed_offsets(&consumer, all.clone(), ANSWER);
            NextOffsets::from_list(&list.map_err(asked.clone()("read the group's offsets"))?)
        }
    };
    let timely = match since {
        None => None,
        Some(since) => {
            let mut list = TopicPartitionList::new();
            for (_, topic, partition) in &partitions {
                list.add_partition_offset(topic, *partition, Offset::Offset(since.epoch_millis().max(0)))
                    .map_err(|source| Error::client("list times", source))?;
            }
            let found = consumer.offsets_for_times(list, ANSWER).map_err(asked("look up a time in the topics"))?;
            Some(found)
        }
    };
    let mut starts = Vec::new();
    let ends = match span {
        Span::Service => None,
        Span::UntilEnd | Span::Once(_) => {
            let mut ends = NextOffsets::new();
            for topic in names {
                end_offsets(kafka, topic)?.iter().for_each(|(topic, partition, end)| ends.set(topic, partition, end));
            }
            Some(ends)
        }
    };
    for (role, topic, partition) in partitions {
        let of_time = timely.as_ref().and_then(|list| list.find_partition(&topic, partition));
        let of_time = of_time.map_or(Offset::Beginning, |found| found.offset());
        let from = match (committed.get(&topic, partition), of_time) {
            (Some(NextOffset(committed)), Offset::Offset(of_time)) => Offset::Offset(committed.min(of_time)),
            (Some(_), Offset::Beginning) => Offset::Beginning,
            (Some(NextOffset(committed)), _) => Offset::Offset(committed),
            // Nothing is as young.
            (None, Offset::End | Offset::Invalid) => Offset::End,
            (None, of_time) => of_time,
        };
        let to = ends.as_ref().map(|ends| ends.get(&topic, partition).unwrap_or(NextOffset(0)));
        starts.push(Start { role, topic, partition, from, to });
    }
    Ok(Starts { starts, committed })
}
