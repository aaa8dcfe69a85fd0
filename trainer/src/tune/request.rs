//! What to search.

use super::goal::Goal;
use std::path::PathBuf;
use std::str::FromStr;

/// How to search for settings.
#[derive(Debug, Clone, PartialEq)]
pub struct TuneRequest {
    /// How many settings are tried, those that were given among them.
    pub trials: u32,
    /// Which rows judge.
    pub validation: Validation,
    /// Which figure decides.
    pub goal: Goal,
    /// The folder of the journal and the page. Without one, a folder in `plaudit-tuning` that is named after the search.
    pub folder: Option<PathBuf>,
    /// Whether the folder goes when the training is over: the record of the run does not point there then.
    pub is_passing: bool,
}

/// Which of the training rows judge, and are not learned from during the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validation {
    /// By time where every row has one, else by the hash of the text.
    Auto,
    /// The last fifth in time: as it will be when the model serves.
    Time,
    /// A fifth of each class by the hash of the text.
    Hash,
}

impl FromStr for Validation {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "time" => Ok(Self::Time),
            "hash" => Ok(Self::Hash),
            _ => Err("give auto, time or hash".to_owned()),
        }
    }
}
