//! Section `[validation]` of the configuration.

use serde::{Deserialize, Serialize};

/// The limits that data for training must hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidationConfig {
    /// Whether every training looks at its data first.
    pub before_training: bool,
    /// Fewer rows with a text and a label are too few.
    pub min_rows: u64,
    /// The share of rows without a text, at most.
    pub max_without_text: f64,
    /// The share of rows with a text that have no label, at most.
    pub max_without_label: f64,
    /// The share of the smaller class, at least.
    pub min_class_share: f64,
    /// The share of rows that repeat the text of another, at most.
    pub max_copies: f64,
    /// The share of texts that stand with either label, at most.
    pub max_contradictions: f64,
    /// The share of test rows whose text is learned from, at most.
    pub max_leakage: f64,
    /// The share of test rows that are older than the newest training row, at most.
    pub max_time_overlap: f64,
    /// The population stability index of words, at most.
    pub max_word_shift: f64,
}

impl Default for ValidationConfig {
    fn default() -> Self {
        Self {
            before_training: true,
            min_rows: 10,
            max_without_text: 0.5,
            max_without_label: 0.9,
            min_class_share: 0.001,
            max_copies: 0.9,
            max_contradictions: 0.2,
            max_leakage: 0.25,
            max_time_overlap: 1.0,
            max_word_shift: 1.0,
        }
    }
}

impl ValidationConfig {
    /// What is wrong with the section, if anything.
    pub fn check(&self) -> Result<(), String> {
        let shares = [
            ("max_without_text", self.max_without_text),
            ("max_without_label", self.max_without_label),
            ("min_class_share", self.min_class_share),
            ("max_copies", self.max_copies),
            ("max_contradictions", self.max_contradictions),
            ("max_leakage", self.max_leakage),
            ("max_time_overlap", self.max_time_overlap),
        ];
        if let Some((name, share)) = shares.into_iter().find(|(_, share)| !(0.0..=1.0).contains(share)) {
            return Err(format!("validation.{name} = {share} is no share: give a number from 0 to 1"));
        }
        let shift = self.max_word_shift;
        if shift.is_nan() || shift < 0.0 {
            return Err(format!("validation.max_word_shift = {shift} makes no sense: give a number of 0 or more"));
        }
        Ok(())
    }
}
