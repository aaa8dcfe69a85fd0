//! How many rows there are in each minute, by class: from that follows which part of the time is learned from and which is
//! compared on. One pass over the store; what is held is one number per minute and class.

use super::RetrainError;
use crate::examples::Dropped;
use crate::sample::{ByClass, FeedbackLabels, label_of};
use feature_store::offline::{Passage, ReadOptions, Scan, ScanProgress};
use schemas::Timestamp;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

const MINUTE_MILLIS: i64 = 60_000;

/// Rows with a text, a label and a time, by minute.
#[derive(Debug, Default)]
pub(super) struct Census {
    minutes: BTreeMap<i64, ByClass>,
    pub(super) dropped: Dropped,
}

impl Census {
    /// Counts the rows of a time.
    pub(super) fn take(
        folder: PathBuf,
        window: &Range<Timestamp>,
        feedback: &FeedbackLabels,
        progress: &ScanProgress,
    ) -> Result<Self, RetrainError> {
        let read = ReadOptions { since: Some(window.start), until: Some(window.end), ..ReadOptions::default() };
        let scan = Scan::open(&[folder], &read)?;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let passage = Passage { threads, selection: None, progress };
        let parts = scan.run(passage, Self::default, |census: &mut Self, _, row| {
            match (label_of(&row, Some(feedback)), row.created_at) {
                (Ok(label), Some(time)) => {
                    let of_minute = census.minutes.entry(time.epoch_millis().div_euclid(MINUTE_MILLIS)).or_default();
                    if label.is_positive() { of_minute.positive += 1 } else { of_minute.negative += 1 }
                }
                // Rows without a time are not of any time, and so not among these.
                (Ok(_), None) => {}
                (Err(reason), _) => census.dropped.add(reason),
            }
            Ok::<_, RetrainError>(())
        })?;
        let mut census = Self::default();
        for part in parts {
            census.dropped.merge(&part.dropped);
            for (minute, rows) in part.minutes {
                let sum = census.minutes.entry(minute).or_default();
                sum.negative += rows.negative;
                sum.positive += rows.positive;
            }
        }
        Ok(census)
    }

    /// The rows of a time that begins and ends with a minute, or beyond the first or last of them.
    pub(super) fn rows(&self, time: Range<Timestamp>) -> ByClass {
        let minutes = minute(time.start)..ending_minute(time.end);
        if minutes.is_empty() {
            return ByClass::default();
        }
        self.minutes.range(minutes).fold(ByClass::default(), |sum, (_, rows)| ByClass {
            negative: sum.negative + rows.negative,
            positive: sum.positive + rows.positive,
        })
    }

    /// The minute that has all rows, if one has, and how many these are.
    pub(super) fn only_minute(&self) -> Option<(Timestamp, u64)> {
        let mut minutes = self.minutes.iter();
        match (minutes.next(), minutes.next()) {
            (Some((minute, rows)), None) => Some((Timestamp::from_epoch_millis(minute * MINUTE_MILLIS)?, rows.total())),
            _ => None,
        }
    }

    /// The begin of the minute from which on there is this share of the rows, or a little more.
    pub(super) fn newest(&self, share: f64) -> Option<Timestamp> {
        let total: u64 = self.minutes.values().map(|rows| rows.total()).sum();
        let mut newest = 0;
        let minute = self.minutes.iter().rev().find(|(_, rows)| {
            newest += rows.total();
            newest as f64 >= total as f64 * share
        });
        Timestamp::from_epoch_millis(*minute?.0 * MINUTE_MILLIS)
    }
}

/// The first minute that begins behind a time.
pub(super) fn minute_behind(time: Timestamp) -> Timestamp {
    Timestamp::from_epoch_millis((minute(time) + 1) * MINUTE_MILLIS).unwrap_or(time)
}

fn minute(time: Timestamp) -> i64 {
    time.epoch_millis().div_euclid(MINUTE_MILLIS)
}

fn ending_minute(time: Timestamp) -> i64 {
    (time.epoch_millis() + MINUTE_MILLIS - 1).div_euclid(MINUTE_MILLIS)
}

#[cfg(test)]
pub(super) fn of_minutes(minutes: impl IntoIterator<Item = (i64, ByClass)>) -> Census {
    Census { minutes: minutes.into_iter().collect(), dropped: Dropped::default() }
}
