//! The last alerts of the topic `drift`: one for each thing that is watched, with what was measured.

use schemas::{Alert, Timestamp};
use serde::Serialize;
use service::kafka::survey::tail;
use service::kafka::{Error, KafkaConfig};
use std::collections::BTreeMap;
use std::time::Duration;

/// How many offsets at the end of each partition are looked at.
const LAST_OFFSETS: i64 = 1000;

/// More at once are no news.
const MOST: usize = 100;

/// What went beyond its threshold, the latest first. A topic tells when an episode begins, and not whether it is over.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Alerts {
    pub last: Vec<Raised>,
    /// Records that are no alerts.
    pub undecodable: u64,
    /// Partitions that were not read to their end in time.
    pub late_partitions: usize,
}

/// The last alert of a monitor on a statistic and a slice.
#[derive(Debug, PartialEq, Serialize)]
pub struct Raised {
    #[serde(flatten)]
    pub alert: Alert,
    /// When its record was written.
    pub at: Option<Timestamp>,
}

impl Alerts {
    pub fn read(kafka: &KafkaConfig, topic: &str, within: Duration) -> Result<Self, Error> {
        let (mut last, mut undecodable) = (BTreeMap::new(), 0);
        let tail = tail(kafka, topic, LAST_OFFSETS, within, |record| {
            match record.payload().and_then(|payload| Alert::decode(payload).ok()) {
                Some(alert) => {
                    let at = record.epoch_millis().and_then(Timestamp::from_epoch_millis);
                    take(&mut last, Raised { alert, at });
                }
                None => undecodable += 1,
            }
        })?;
        let mut last: Vec<Raised> = last.into_values().collect();
        last.sort_by_key(|raised| std::cmp::Reverse(raised.alert.since));
        last.truncate(MOST);
        Ok(Self { last, undecodable, late_partitions: tail.late.len() })
    }
}

/// What an alert is about.
type Subject = (String, String, BTreeMap<String, String>);

fn take(last: &mut BTreeMap<Subject, Raised>, raised: Raised) {
    let Alert { monitor, statistic, slice, since, .. } = &raised.alert;
    let subject = (monitor.clone(), statistic.clone(), slice.clone());
    if last.get(&subject).is_none_or(|known| known.alert.since <= *since) {
        last.insert(subject, raised);
    }
}
