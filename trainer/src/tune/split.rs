//! Which rows a trial learns from and which judge it. No text stands on both sides.

use super::request::Validation;
use super::texts::{TextRow, mixed};
use crate::error::Error;
use schemas::Label;
use std::collections::HashSet;

/// The share of the rows that judges.
const SHARE: f64 = 0.2;

/// The places of rows on either side.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Split {
    /// How the rows were divided: `time` or `hash`.
    pub(super) by: &'static str,
    /// Of each class, by the hash of their texts: any number of the first is a sample, and holds every smaller one.
    of_class: [Vec<usize>; 2],
    pub(super) validation: Vec<usize>,
}

impl Split {
    pub(super) fn of(rows: &[TextRow], validation: Validation, data: &str) -> Result<Self, Error> {
        match validation {
            Validation::Hash => Self::by_hash(rows).checked(rows, data),
            Validation::Time if rows.iter().all(|row| row.created_at.is_none()) => {
                Err(Error::NoTimes { data: data.to_owned() })
            }
            Validation::Time => Self::by_time(rows).checked(rows, data),
            Validation::Auto => {
                let by_time = rows.iter().all(|row| row.created_at.is_some()).then(|| Self::by_time(rows));
                match by_time.map(|split| split.checked(rows, data)) {
                    Some(Ok(split)) => Ok(split),
                    // All rows of one day, or a last fifth of one class, can be divided by hash all the same.
                    _ => Self::by_hash(rows).checked(rows, data),
                }
            }
        }
    }

    /// The last fifth judges. Rows without a time are left out.
    fn by_time(rows: &[TextRow]) -> Self {
        let mut times: Vec<i64> = rows.iter().filter_map(|row| row.created_at).collect();
        times.sort_unstable();
        let cut = times[(times.len() as f64 * (1.0 - SHARE)) as usize];
        let (mut training, mut validation) = (Vec::new(), Vec::new());
        for (place, row) in rows.iter().enumerate() {
            match row.created_at {
                Some(time) if time < cut => training.push(place),
                Some(_) => validation.push(place),
                None => {}
            }
        }
        Self::new("time", rows, training, validation)
    }

    /// Of each class the fifth with the lowest hashes judges.
    fn by_hash(rows: &[TextRow]) -> Self {
        let mut training = Vec::new();
        let mut validation = Vec::new();
        for label in [Label::Negative, Label::Positive] {
            let mut of_class: Vec<usize> = (0..rows.len()).filter(|&place| rows[place].label == label).collect();
            of_class.sort_unstable_by_key(|&place| (mixed(rows[place].hash), place));
            let count = (of_class.len() as f64 * SHARE).round() as usize;
            validation.extend_from_slice(&of_class[..count]);
            training.extend_from_slice(&of_class[count..]);
        }
        Self::new("hash", rows, training, validation)
    }

    fn new(by: &'static str, rows: &[TextRow], training: Vec<usize>, mut validation: Vec<usize>) -> Self {
        let learned: HashSet<u64> = training.iter().map(|&place| rows[place].hash).collect();
        validation.retain(|&place| !learned.contains(&rows[place].hash));
        validation.sort_unstable();
        let of_class = [Label::Negative, Label::Positive].map(|label| {
            let mut places: Vec<usize> = training.iter().copied().filter(|&place| rows[place].label == label).collect();
            // Another mix than the one that chose the judges.
            places.sort_unstable_by_key(|&place| (mixed(!rows[place].hash), place));
            places
        });
        Self { by, of_class, validation }
    }

    fn checked(self, rows: &[TextRow], data: &str) -> Result<Self, Error> {
        let positives = self.validation.iter().filter(|&&place| rows[place].label.is_positive()).count();
        let parts = [
            ("validation", self.validation.len() - positives, positives),
            ("training", self.of_class[0].len(), self.of_class[1].len()),
        ];
        for (part, negatives, positives) in parts {
            if negatives == 0 || positives == 0 {
                let (data, by) = (data.to_owned(), self.by);
                return Err(Error::OneClassPart { data, part, by, negatives, positives });
            }
        }
        Ok(self)
    }

    /// How many rows can be learned from.
    pub(super) fn training_rows(&self) -> usize {
        self.of_class.iter().map(Vec::len).sum()
    }

    /// The rows of the smaller class.
    pub(super) fn rarer_class_rows(&self) -> usize {
        self.of_class[0].len().min(self.of_class[1].len())
    }

    /// The rows that stand for a share of the training rows, both classes alike, in the order in which they were read.
    pub(super) fn training(&self, share: f64) -> Vec<usize> {
        let mut places: Vec<usize> = Vec::new();
        for of_class in &self.of_class {
            let count = (of_class.len() as f64 * share).ceil() as usize;
            places.extend_from_slice(&of_class[..count.min(of_class.len())]);
        }
        places.sort_unstable();
        places
    }
}
