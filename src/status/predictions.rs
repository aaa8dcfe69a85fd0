//! The last predictions: which model made them for which partition of reviews, and how their features came to be.

use schemas::{FeaturesStatus, ModelVersion, Prediction, Timestamp};
use serde::Serialize;
use service::kafka::survey::tail;
use service::kafka::{Error, KafkaConfig};
use std::collections::BTreeMap;
use std::time::Duration;

/// How many offsets at the end of each partition are looked at. Transactions of one record take two.
const LAST_OFFSETS: i64 = 50;

/// A topic may hold what others wrote: no more source partitions than these are told apart.
const MOST_PARTITIONS: usize = 100_000;

/// What the ends of all partitions of the topic say.
#[derive(Debug, Default, PartialEq)]
pub struct Predictions {
    /// The last one for each partition of a topic of reviews.
    pub last: BTreeMap<(String, i32), Last>,
    summary: Summary,
}

/// The last prediction of a source partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Last {
    pub version: ModelVersion,
    pub update: u64,
    pub scored_at: Timestamp,
}

/// What was looked at.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Summary {
    pub looked_at: u64,
    /// Records that are no predictions.
    pub undecodable: u64,
    /// How the features of each came to be.
    pub features: BTreeMap<FeaturesStatus, u64>,
    pub newest: Option<Timestamp>,
    /// Partitions that were not read to their end in time.
    pub late_partitions: usize,
}

impl Predictions {
    pub fn read(kafka: &KafkaConfig, topic: &str, within: Duration) -> Result<Self, Error> {
        let mut predictions = Self::default();
        let tail = tail(kafka, topic, LAST_OFFSETS, within, |record| {
            predictions.take(record.payload().and_then(|payload| Prediction::decode(payload).ok()));
        })?;
        predictions.summary.late_partitions = tail.late.len();
        Ok(predictions)
    }

    pub fn summary(self) -> Summary {
        self.summary
    }

    fn take(&mut self, prediction: Option<Prediction>) {
        self.summary.looked_at += 1;
        let Some(prediction) = prediction else {
            self.summary.undecodable += 1;
            return;
        };
        let Prediction { model, scored_at, source, features_status, .. } = prediction;
        *self.summary.features.entry(features_status).or_default() += 1;
        self.summary.newest = self.summary.newest.max(Some(scored_at));
        let is_full = self.last.len() >= MOST_PARTITIONS;
        let last = Last { version: model.version, update: model.update, scored_at };
        match self.last.get_mut(&(source.topic.clone(), source.partition)) {
            Some(known) if known.scored_at <= scored_at => *known = last,
            None if !is_full => {
                self.last.insert((source.topic, source.partition), last);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prediction(partition: i32, version: u64, scored_at: &str) -> Option<Prediction> {
        let json = serde_json::json!({
            "review_id": "r", "sentiment": "positive", "confidence": 0.9, "probability": 0.9,
            "model": {"name": "sentiment", "version": format!("v{version}"), "update": 3},
            "features_status": "stale", "source": {"topic": "reviews", "partition": partition, "offset": 1},
            "created_at": "2024-05-01T10:00:00Z", "scored_at": scored_at,
        });
        Prediction::decode(json.to_string().as_bytes()).ok()
    }

    #[test]
    fn the_last_prediction_of_a_source_partition_counts_wherever_it_stands() {
        let mut predictions = Predictions::default();
        predictions.take(prediction(0, 2, "2024-05-01T10:00:02Z"));
        predictions.take(prediction(0, 1, "2024-05-01T10:00:01Z"));
        predictions.take(prediction(1, 1, "2024-05-01T10:00:00Z"));
        predictions.take(None);
        let versions: Vec<u64> = predictions.last.values().map(|last| last.version.0).collect();
        assert_eq!(versions, [2, 1]);
        let Summary { looked_at, undecodable, features, newest, .. } = predictions.summary();
        assert_eq!((looked_at, undecodable), (4, 1));
        assert_eq!(features, BTreeMap::from([(FeaturesStatus::Stale, 3)]));
        assert_eq!(newest, Timestamp::parse("2024-05-01T10:00:02Z"));
    }
}
