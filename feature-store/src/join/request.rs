//! What is joined with what.

use super::JoinError;
use crate::offline::{ReadOptions, check_output};
use crate::views::{EntityKind, View};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Less could not even hold the buffers.
const LEAST_MEMORY_BYTES: u64 = 64 << 20;

/// Section `[join]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinConfig {
    /// What all data in memory may come to.
    pub memory_limit_bytes: u64,
}

impl JoinConfig {
    /// What is wrong with the section, if anything.
    pub fn check(&self) -> Result<(), String> {
        if self.memory_limit_bytes >= LEAST_MEMORY_BYTES {
            return Ok(());
        }
        Err(format!(
            "join.memory_limit_bytes = {} is too little: give {LEAST_MEMORY_BYTES} or more",
            self.memory_limit_bytes
        ))
    }
}

/// A point-in-time join.
#[derive(Debug, Clone)]
pub struct JoinRequest {
    /// The files whose rows are joined; all of their rows, in their order, become the output.
    pub input: Vec<PathBuf>,
    /// Which of their columns are ours, and which rows count.
    pub read: ReadOptions,
    /// The features.
    pub views: Vec<JoinView>,
    /// The column of the input and of history that says from when on a row could be known, such as the time of its record;
    /// none where that is when it happened.
    pub known_from: Option<String>,
    /// A Parquet file; it appears when it is whole.
    pub output: PathBuf,
    /// The folder for what memory does not hold; none for the output's.
    pub temp_dir: Option<PathBuf>,
    /// What all data in memory may come to, decoders and threads not counted.
    pub memory_limit_bytes: u64,
}

/// The features of a view, and where they come from.
#[derive(Debug, Clone)]
pub enum JoinView {
    /// Rows of features, each true from its event time on.
    Ready(ReadyView),
    /// Events, which become the view's aggregates on the way: ratings of reviews, or, where the view is made of feedback, labels
    /// in files that name the product or the user of the review that each is about.
    History {
        /// The view.
        view: View,
        /// The files; none for the input itself.
        files: Option<Vec<PathBuf>>,
    },
}

/// Parquet files of feature rows, as a Feast source has them: a column for the entity, one for the event time, and one per
/// feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadyView {
    /// The name that features have in front of their own.
    pub name: String,
    /// Whose features they are; none for the one of the two that the first file has.
    pub entity: Option<EntityKind>,
    /// Which features; none for all other columns.
    pub features: Option<Vec<String>>,
    /// The column of event times; none for `event_timestamp` or `event_time`.
    pub time_column: Option<String>,
    /// The age from which values are stale; none for never.
    pub ttl_millis: Option<i64>,
    /// The files.
    pub files: Vec<PathBuf>,
}

impl JoinView {
    /// The name that features have in front of their own.
    pub fn name(&self) -> &str {
        match self {
            Self::Ready(view) => &view.name,
            Self::History { view, .. } => view.name(),
        }
    }

    /// The files it is made from, where they are not the input.
    pub(super) fn files(&self) -> &[PathBuf] {
        match self {
            Self::Ready(view) => &view.files,
            Self::History { files, .. } => files.as_deref().unwrap_or_default(),
        }
    }
}

impl JoinRequest {
    pub(super) fn check(&self) -> Result<(), JoinError> {
        if self.memory_limit_bytes < LEAST_MEMORY_BYTES {
            return Err(JoinError::TooLittleMemory { given: self.memory_limit_bytes, least: LEAST_MEMORY_BYTES });
        }
        Ok(check_output(&self.output, self.input.iter().chain(self.views.iter().flat_map(JoinView::files)))?)
    }
}
