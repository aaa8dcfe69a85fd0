//! How many records became dead letters, and why.

use super::answer::Answer;
use super::text::shown;
use schemas::Timestamp;
use serde::Serialize;
use service::kafka::dead_letter::CAUSE;
use service::kafka::survey::{Seen, tail};
use service::kafka::{Error, KafkaConfig};
use std::collections::BTreeMap;
use std::time::Duration;

/// How many offsets at the end of each partition are looked at.
const LAST_OFFSETS: i64 = 1000;

/// Causes come from a closed set, but a topic may hold what others wrote.
const MOST_CAUSES: usize = 20;
const OTHER: &str = "other";

/// A dead letter topic.
#[derive(Debug, PartialEq, Serialize)]
pub struct OfTopic {
    pub topic: String,
    #[serde(flatten)]
    pub answer: Answer<Letters>,
}

/// What it holds, replayed letters among it.
#[derive(Debug, PartialEq, Serialize)]
pub struct Letters {
    /// Letters, where all could be looked at; else there are at most so many.
    pub count: u64,
    pub is_exact: bool,
    /// Of those that were looked at.
    pub causes: BTreeMap<String, u64>,
    pub newest: Option<Timestamp>,
}

impl Letters {
    pub fn read(kafka: &KafkaConfig, topic: &str, within: Duration) -> Result<Self, Error> {
        let (mut causes, mut newest) = (BTreeMap::new(), None);
        let tail = tail(kafka, topic, LAST_OFFSETS, within, |record| {
            let Some(cause) = cause(&record) else { return };
            let is_full = causes.len() >= MOST_CAUSES && !causes.contains_key(cause.as_str());
            *causes.entry(if is_full { OTHER.to_owned() } else { cause }).or_insert(0) += 1;
            newest = newest.max(record.epoch_millis().and_then(Timestamp::from_epoch_millis));
        })?;
        let is_exact = !tail.is_cut && tail.late.is_empty();
        let count = if is_exact { causes.values().sum() } else { tail.offsets };
        Ok(Self { count, is_exact, causes, newest })
    }
}

/// Why a letter died; a record without key, payload and cause marks what was replayed, and is none.
fn cause(record: &Seen<'_>) -> Option<String> {
    match record.header(CAUSE) {
        Some(cause) => Some(shown(cause, 40)),
        None if record.is_bare() => None,
        None => Some("unknown".to_owned()),
    }
}
