//! How far partitions are from their ends: the lag, and the offsets at which a run ends that stops at the end.

use super::lane::{Lane, Lanes, TopicNames};
use crate::metrics;
use rdkafka::Statistics;
use service::kafka::{Error, KafkaConfig};
use std::collections::HashMap;

/// The offsets at which a run ends.
pub(super) struct Ends(HashMap<Lane, i64>);

impl Ends {
    /// The end of each partition as it is now.
    pub(super) fn now(kafka: &KafkaConfig, names: &TopicNames) -> Result<Self, Error> {
        let mut offsets = HashMap::new();
        for topic in names.all() {
            let ends = service::kafka::admin::end_offsets(kafka, topic)?;
            offsets
                .extend(ends.iter().filter_map(|(topic, partition, end)| Some((names.lane(topic, partition)?, end.0))));
        }
        Ok(Self(offsets))
    }

    /// The end of a partition; 0 where there was nothing.
    pub(super) fn of(&self, lane: Lane) -> i64 {
        self.0.get(&lane).copied().unwrap_or(0)
    }

    /// What somebody else has to finish.
    pub(super) fn of_others(&self, lanes: &Lanes) -> Vec<(Lane, i64)> {
        let others = self.0.iter().filter(|(lane, end)| **end > 0 && lanes.owned(**lane).is_none());
        others.map(|(lane, end)| (*lane, *end)).collect()
    }
}

/// Tells the records between what is written and the ends of the partitions that are read.
pub(super) fn tell_lag(statistics: &Statistics, names: &TopicNames, lanes: &Lanes) {
    let mut lags = [0_u64; 3];
    for (topic, partitions) in &statistics.topics {
        for found in partitions.partitions.values() {
            let Some((lane, owned)) =
                names.lane(topic, found.partition).and_then(|lane| Some((lane, lanes.owned(lane)?)))
            else {
                continue;
            };
            // Below zero while the client has not asked.
            lags[lane.dataset as usize] += u64::try_from(found.ls_offset - owned.done).unwrap_or(0);
        }
    }
    metrics::set_lag(lags);
}
