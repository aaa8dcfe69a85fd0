//! What a progressive validation is asked to do.

use super::Delay;
use crate::config::LearnConfig;
use feature_store::offline::ReadOptions;
use feature_store::views::Views;
use model::{Model, ModelConfig};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// What to score and learn from.
#[derive(Debug, Clone)]
pub struct Request {
    /// Files of labelled reviews, in the order of time.
    pub input: Vec<PathBuf>,
    /// Which of their columns are ours, and which rows count.
    pub read: ReadOptions,
    /// What is known at first.
    pub start: Start,
    /// How weights move.
    pub config: LearnConfig,
    /// What is known of products and users.
    pub views: Views,
    /// How long labels take.
    pub delay: Delay,
    /// Rows that no figure counts.
    pub burn_in: BurnIn,
}

/// What is known at first.
#[derive(Debug, Clone)]
pub enum Start {
    /// Nothing: terms are made like this.
    Cold(Box<ModelConfig>),
    /// A batch model.
    Warm(Box<Model>),
}

/// The rows at the beginning that no figure counts: a share of all, or so many.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BurnIn(f64);

impl BurnIn {
    /// How many of so many rows.
    pub(super) fn of(self, rows: usize) -> usize {
        if self.0 < 1.0 { (self.0 * rows as f64) as usize } else { self.0 as usize }
    }
}

impl FromStr for BurnIn {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number: f64 = text.parse().unwrap_or(f64::NAN);
        let is_one = (0.0..1.0).contains(&number) || (number >= 1.0 && number.fract() == 0.0 && number < 1e15);
        is_one.then_some(Self(number)).ok_or("give a share of the rows below 1, such as 0.1, or a number of rows")
    }
}

impl fmt::Display for BurnIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Rows so far.
    pub rows: u64,
    /// Bytes of the files so far,
    pub bytes_read: u64,
    /// of this many.
    pub total_bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burn_in_is_a_share_or_a_number() {
        let of = |text: &str| text.parse::<BurnIn>().map(|burn_in| burn_in.of(1000));
        assert_eq!(["0", "0.1", "1", "250"].map(of), [Ok(0), Ok(100), Ok(1), Ok(250)]);
        for text in ["", "-1", "1.5", "NaN", "x"] {
            assert!(of(text).is_err(), "{text}");
        }
    }
}
