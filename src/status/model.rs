//! Which version of the model is in production, and which each scorer works with: Kafka says who has which partitions, and the
//! last prediction of each partition says what made it.

use super::answer::Answer;
use super::predictions::{Last, Predictions};
use crate::config::Config;
use registry::{Error, Reference, Registry};
use schemas::{ModelName, ModelVersion, Timestamp};
use serde::Serialize;
use service::kafka::survey::{Group, Member};
use std::collections::BTreeMap;

#[derive(Debug, PartialEq, Serialize)]
pub struct Model {
    pub name: ModelName,
    /// What services load: model.alias.
    pub alias: String,
    /// What that is by the registry.
    pub registered: Answer<Registered>,
    pub scorers: Answer<Vec<Scorer>>,
}

#[derive(Debug, PartialEq, Serialize)]
pub struct Registered {
    pub version: ModelVersion,
    /// When the alias came to stand for it; none where a version is named.
    pub since: Option<Timestamp>,
}

/// A member of the scorers' group.
#[derive(Debug, PartialEq, Serialize)]
pub struct Scorer {
    pub id: String,
    pub host: String,
    /// Of the topic of reviews.
    pub partitions: usize,
    /// What made the last prediction of each of them, the one of most partitions first.
    pub in_use: Vec<InUse>,
    /// Partitions of which no prediction stands at the end of the topic.
    pub unknown_partitions: usize,
}

#[derive(Debug, PartialEq, Serialize)]
pub struct InUse {
    pub version: ModelVersion,
    pub update: u64,
    pub partitions: usize,
    pub last_prediction: Timestamp,
}

/// What is said of a group whose protocol this client has no words for.
const NOT_TOLD: &str = "Kafka does not tell who is in a group of the protocol `consumer`";

/// Asks the registry.
pub async fn registered(config: &Config) -> Result<Registered, Error> {
    let registry = Registry::open(&config.registry.url)?;
    let version = registry.resolve(&config.model.name, &config.model.alias).await?;
    let since = match &config.model.alias {
        Reference::Version(_) => None,
        Reference::Alias(alias) => {
            let log = registry.log(&config.model.name).await?;
            log.iter().rfind(|line| line.alias() == Some(alias)).map(|line| line.at)
        }
    };
    Ok(Registered { version, since })
}

impl Model {
    pub fn new(
        config: &Config,
        registered: Answer<Registered>,
        scorers: Option<&Answer<Option<Group>>>,
        predictions: &Answer<Predictions>,
    ) -> Self {
        let reviews = &config.topics.reviews;
        let scorers = match (scorers, predictions) {
            (Some(Answer::Told(Some(Group { state: None, .. }))), _) => {
                Answer::Untold { unreached: NOT_TOLD.to_owned() }
            }
            (Some(Answer::Told(Some(group))), Answer::Told(predictions)) => {
                Answer::Told(group.members.iter().map(|member| Scorer::of(member, reviews, predictions)).collect())
            }
            (Some(Answer::Untold { unreached }), _) | (_, Answer::Untold { unreached }) => {
                Answer::Untold { unreached: unreached.clone() }
            }
            (Some(Answer::Told(None)) | None, _) => Answer::Told(Vec::new()),
        };
        Self { name: config.model.name.clone(), alias: config.model.alias.to_string(), registered, scorers }
    }
}

impl Scorer {
    fn of(member: &Member, reviews: &str, predictions: &Predictions) -> Self {
        let partitions = member.partitions.iter().filter(|(topic, _)| topic == reviews);
        let mut in_use: BTreeMap<(ModelVersion, u64), InUse> = BTreeMap::new();
        let (mut count, mut unknown_partitions) = (0, 0);
        for partition in partitions {
            count += 1;
            let Some(Last { version, update, scored_at }) = predictions.last.get(partition).copied() else {
                unknown_partitions += 1;
                continue;
            };
            let fresh = || InUse { version, update, partitions: 0, last_prediction: scored_at };
            let used = in_use.entry((version, update)).or_insert_with(fresh);
            used.partitions += 1;
            used.last_prediction = used.last_prediction.max(scored_at);
        }
        let mut in_use: Vec<InUse> = in_use.into_values().rev().collect();
        in_use.sort_by_key(|used| std::cmp::Reverse(used.partitions));
        Self { id: member.id.clone(), host: member.host.clone(), partitions: count, in_use, unknown_partitions }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scorer_uses_what_made_the_last_predictions_of_its_partitions() {
        let last = |version, seconds: i64| Last {
            version: ModelVersion(version),
            update: 0,
            scored_at: Timestamp::from_epoch_millis(seconds * 1000).unwrap(),
        };
        let mut predictions = Predictions::default();
        for (partition, last) in [(0, last(1, 1)), (1, last(2, 5)), (2, last(2, 9)), (7, last(3, 99))] {
            predictions.last.insert(("reviews".to_owned(), partition), last);
        }
        let of = |topic: &str, partition| (topic.to_owned(), partition);
        let member = Member {
            id: "m".to_owned(),
            host: "h".to_owned(),
            partitions: vec![of("reviews", 0), of("reviews", 1), of("reviews", 2), of("reviews", 3), of("other", 7)],
        };
        let scorer = Scorer::of(&member, "reviews", &predictions);
        assert_eq!((scorer.partitions, scorer.unknown_partitions), (4, 1));
        let used: Vec<_> = scorer.in_use.iter().map(|used| (used.version.0, used.partitions)).collect();
        assert_eq!(used, [(2, 2), (1, 1)]);
        assert_eq!(scorer.in_use[0].last_prediction.epoch_millis(), 9_000);
    }
}
