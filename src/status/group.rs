//! The consumer groups of the services: who works, and how far each is behind.

use super::answer::Answer;
use schemas::Timestamp;
use serde::Serialize;
use service::kafka::KafkaConfig;
use service::kafka::survey::{self, Position, Unread};
use std::collections::BTreeMap;

/// Those that exist or that Kafka did not tell of, by name.
#[derive(Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Groups(pub Vec<Row>);

#[derive(Debug, PartialEq, Serialize)]
pub struct Row {
    pub group: String,
    #[serde(flatten)]
    pub answer: Answer<Group>,
}

#[derive(Debug, PartialEq, Serialize)]
pub struct Group {
    /// None where Kafka does not tell.
    pub state: Option<String>,
    pub members: Vec<Member>,
    pub topics: Vec<Lag>,
}

#[derive(Debug, PartialEq, Serialize)]
pub struct Member {
    pub id: String,
    pub host: String,
    /// What it was assigned, by topic.
    pub partitions: BTreeMap<String, Vec<i32>>,
}

/// How far a group is behind in a topic.
#[derive(Debug, PartialEq, Serialize)]
pub struct Lag {
    pub topic: String,
    pub partitions: usize,
    /// Partitions with an unread record.
    pub partitions_behind: usize,
    /// Offsets that are not worked off. Records are at most so many: markers of transactions take offsets too.
    pub records: u64,
    /// How long the first unread record of all waits; none where it could not be read.
    pub seconds: Option<f64>,
}

impl Groups {
    pub fn new(
        kafka: &KafkaConfig,
        groups: Vec<(&'static str, Answer<Option<survey::Group>>)>,
        now: Timestamp,
    ) -> Self {
        let row = |(role, answer): (&str, Answer<Option<survey::Group>>)| {
            let answer = match answer {
                Answer::Told(group) => Answer::Told(Group::of(group?, now)),
                Answer::Untold { unreached } => Answer::Untold { unreached },
            };
            Some(Row { group: kafka.group_of(role), answer })
        };
        Self(groups.into_iter().filter_map(row).collect())
    }
}

impl Group {
    fn of(group: survey::Group, now: Timestamp) -> Self {
        let mut topics: BTreeMap<&str, Vec<&Position>> = BTreeMap::new();
        group.positions.iter().for_each(|position| topics.entry(&position.topic).or_default().push(position));
        let topics = topics.into_iter().map(|(topic, positions)| Lag::of(topic, &positions, now)).collect();
        Self { state: group.state, members: group.members.into_iter().map(Member::of).collect(), topics }
    }
}

impl Member {
    fn of(member: survey::Member) -> Self {
        let mut partitions: BTreeMap<String, Vec<i32>> = BTreeMap::new();
        for (topic, partition) in member.partitions {
            partitions.entry(topic).or_default().push(partition);
        }
        Self { id: member.id, host: member.host, partitions }
    }
}

impl Lag {
    fn of(topic: &str, positions: &[&Position], now: Timestamp) -> Self {
        let behind = positions.iter().filter(|position| position.behind > 0);
        let since = |position: &&Position| match position.unread {
            Unread::Since(millis) => Some(millis),
            Unread::None | Unread::Unknown => None,
        };
        let partitions_behind = behind.clone().count();
        // Clocks differ: what comes from the future waits no time.
        let seconds = |since: i64| now.epoch_millis().saturating_sub(since).max(0) as f64 / 1000.0;
        Self {
            topic: topic.to_owned(),
            partitions: positions.len(),
            partitions_behind,
            records: behind.clone().map(|position| position.behind).sum(),
            seconds: match partitions_behind {
                0 => Some(0.0),
                _ => behind.filter_map(since).min().map(seconds),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(partition: i32, behind: u64, unread: Unread) -> Position {
        Position { topic: "reviews".to_owned(), partition, is_committed: true, behind, unread }
    }

    fn lag(positions: &[Position]) -> (usize, u64, Option<f64>) {
        let now = Timestamp::from_epoch_millis(10_000).unwrap();
        let lag = Lag::of("reviews", &positions.iter().collect::<Vec<_>>(), now);
        (lag.partitions_behind, lag.records, lag.seconds)
    }

    #[test]
    fn a_group_is_as_late_as_its_latest_partition() {
        let done = position(0, 0, Unread::None);
        assert_eq!(lag(std::slice::from_ref(&done)), (0, 0, Some(0.0)));
        let late = [done, position(1, 3, Unread::Since(9_500)), position(2, 4, Unread::Since(7_000))];
        assert_eq!(lag(&late), (2, 7, Some(3.0)));
    }

    #[test]
    fn a_time_that_could_not_be_read_is_none_and_one_of_the_future_is_no_delay() {
        assert_eq!(lag(&[position(0, 5, Unread::Unknown)]), (1, 5, None));
        assert_eq!(lag(&[position(0, 5, Unread::Since(20_000))]), (1, 5, Some(0.0)));
        assert_eq!(lag(&[position(0, 5, Unread::Since(i64::MIN))]).1, 5);
    }
}
