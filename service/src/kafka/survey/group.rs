//! A consumer group: who is in it, and how far it is behind, in records and in time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::consumer::Consumer;
use rdkafka::groups::GroupInfo;
use rdkafka::message::Message;

use super::assignment;
use super::looker::{Extents, Looker, Reading};
use crate::kafka::access::Access;
use crate::kafka::config::KafkaConfig;
use crate::kafka::error::Error;
use crate::kafka::offset::{NextOffset, NextOffsets, committed_offsets};

/// A group as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// In Kafka's words: Stable, Empty, PreparingRebalance, ..; none where Kafka does not tell, as of groups of the protocol
    /// `consumer`.
    pub state: Option<String>,
    /// Who is in it.
    pub members: Vec<Member>,
    /// Partitions that were assigned or have a committed offset.
    pub positions: Vec<Position>,
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Kafka's name for it.
    pub id: String,
    /// Where it connects from.
    pub host: String,
    /// What it was assigned: topic and partition.
    pub partitions: Vec<(String, i32)>,
}

/// How far a group is in a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// Whether the group has committed there.
    pub is_committed: bool,
    /// Offsets between it and the end. Records are at most so many: markers of transactions take offsets too.
    pub behind: u64,
    /// Since when the first record waits that it has not worked off.
    pub unread: Unread,
}

/// The first record that a group has not worked off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// There is none.
    None,
    /// Its time, in epoch milliseconds, as the record says.
    Since(i64),
    /// There may be one, and it could not be read in time, or tells no time.
    Unknown,
}

/// Looks at the group `<group>.<role>`, as far as it is about these topics; none where there is no such group.
pub fn group(kafka: &KafkaConfig, role: &str, topics: &[&str], within: Duration) -> Result<Option<Group>, Error> {
    let name = kafka.group_of(role);
    let reads = topics.iter().map(|topic| Access::read_topic(*topic));
    let looker = Looker::new(kafka.consumer(role), reads.chain([Access::describe_group(&name)]).collect(), within)?;
    let partitions = looker.partitions(topics)?;
    let listed = looker
        .consumer
        .fetch_group_list(Some(&name), looker.left())
        .map_err(looker.failed("ask for a consumer group"))?;
    let listed = listed.groups().iter().find(|group| group.name() == name);
    let committed = if partitions.count() == 0 {
        NextOffsets::new()
    } else {
        let committed = committed_offsets(&looker.consumer, partitions.clone(), looker.left());
        NextOffsets::from_list(&committed.map_err(looker.failed("ask for committed offsets"))?)
    };
    // Kafka calls a group dead that it does not know.
    let state = listed.map(GroupInfo::state).filter(|state| !state.is_empty() && *state != "Dead");
    if state.is_none() && committed.is_empty() {
        return Ok(None);
    }
    let members: Vec<Member> = listed.map_or(&[][..], GroupInfo::members).iter().map(Member::of).collect();
    let assigned: BTreeSet<&(String, i32)> = members.iter().flat_map(|member| &member.partitions).collect();
    let mut worked = TopicPartitionList::new();
    for element in partitions.elements() {
        let (topic, partition) = (element.topic(), element.partition());
        if committed.get(topic, partition).is_some() || assigned.contains(&(topic.to_owned(), partition)) {
            worked.add_partition(topic, partition);
        }
    }
    let positions = positions(&looker, &committed, &looker.extents(&worked)?)?;
    Ok(Some(Group { name, state: state.map(str::to_owned), members, positions }))
}

impl Member {
    fn of(member: &rdkafka::groups::GroupMemberInfo) -> Self {
        Self {
            id: member.id().to_owned(),
            // Kafka writes /127.0.0.1.
            host: member.client_host().trim_start_matches('/').to_owned(),
            partitions: member.assignment().and_then(assignment::partitions).unwrap_or_default(),
        }
    }
}

fn positions(looker: &Looker, committed: &NextOffsets, extents: &Extents) -> Result<Vec<Position>, Error> {
    let mut behind: BTreeMap<&str, BTreeMap<i32, NextOffset>> = BTreeMap::new();
    let mut positions = Vec::new();
    for (topic, partition, end) in extents.end.iter() {
        let start = extents.start.get(topic, partition).unwrap_or(end);
        let next = committed.get(topic, partition);
        // What was deleted before it was read waits no longer.
        let from = next.unwrap_or(start).max(start);
        if from < end {
            behind.entry(topic).or_default().insert(partition, from);
        }
        positions.push(Position {
            topic: topic.to_owned(),
            partition,
            is_committed: next.is_some(),
            behind: u64::try_from(end.0 - from.0).unwrap_or(0),
            unread: Unread::None,
        });
    }
    for (topic, from) in behind {
        let mut first = BTreeMap::new();
        let late = looker.read(topic, &from, |record| {
            first.entry(record.partition()).or_insert(record.timestamp().to_millis());
            Reading::Enough
        })?;
        for position in positions.iter_mut().filter(|position| position.topic == topic) {
            match first.get(&position.partition) {
                Some(Some(millis)) => position.unread = Unread::Since(*millis),
                Some(None) => position.unread = Unread::Unknown,
                None if late.contains(&position.partition) => position.unread = Unread::Unknown,
                // Behind it were markers alone.
                None => position.behind = 0,
            }
        }
    }
    Ok(positions)
}
