//! A run as its file has it.

use schemas::{ModelVersion, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A run of retraining.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Retraining {
    /// Its number, counted from 1.
    pub number: u64,
    /// What it was begun for.
    #[serde(flatten)]
    pub trigger: Trigger,
    /// How often it was begun for that, this time included, and those left out that were stopped.
    pub attempt: u32,
    /// Who began it.
    pub who: String,
    /// Tells it from any other that the same person has begun in the same millisecond: a bucket's client that finds its own
    /// bytes takes the file for its own.
    pub holder: String,
    /// When, by the clock of who began it; as all times here.
    pub started_at: Timestamp,
    /// Until when nobody else may begin.
    pub lease_until: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<RetrainOutcome>,
    /// Whether it is tried again.
    #[serde(default)]
    pub will_retry: bool,
    /// The version that it made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<ModelVersion>,
    /// How many rows were learned from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_trained: Option<u64>,
    /// How many rows it was compared on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_tested: Option<u64>,
    /// Why it ended as it did.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// What a run is begun for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "trigger", rename_all = "lowercase")]
pub enum Trigger {
    /// Somebody, or a scheduler of somebody's own.
    Manual,
    /// A slot of the schedule.
    Schedule {
        /// The slot.
        slot: Timestamp,
    },
    /// An alert.
    Drift {
        /// Who raised it.
        monitor: String,
        /// The record that holds it: `topic/partition@offset`.
        alert: String,
        /// What it says.
        message: String,
        /// When it was written.
        raised_at: Timestamp,
    },
}

impl Trigger {
    /// In a word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Schedule { .. } => "schedule",
            Self::Drift { .. } => "drift",
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manual => f.write_str("asked for"),
            Self::Schedule { slot } => write!(f, "scheduled for {slot}"),
            Self::Drift { monitor, message, .. } => write!(f, "drift seen by {monitor}: {message}"),
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RetrainOutcome {
    /// The new version is in production.
    Promoted,
    /// The new version is registered, and production is what it was.
    Kept,
    /// There is no new version.
    Failed,
    /// It was stopped.
    Stopped,
}

/// How a run stands at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetrainState {
    /// It goes on.
    Running,
    /// Its process died, or lost its lease.
    Died,
    /// It ended.
    Ended(RetrainOutcome),
}

impl RetrainState {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Died => "died",
            Self::Ended(RetrainOutcome::Promoted) => "promoted",
            Self::Ended(RetrainOutcome::Kept) => "kept",
            Self::Ended(RetrainOutcome::Failed) => "failed",
            Self::Ended(RetrainOutcome::Stopped) => "stopped",
        }
    }
}

impl Retraining {
    /// How it stands at a time.
    pub fn state(&self, now: Timestamp) -> RetrainState {
        match self.outcome {
            Some(outcome) => RetrainState::Ended(outcome),
            None if self.lease_until > now => RetrainState::Running,
            None => RetrainState::Died,
        }
    }

    /// Whether it was stopped: nothing had failed.
    pub fn is_stopped(&self) -> bool {
        self.outcome == Some(RetrainOutcome::Stopped)
    }

    /// Whether it left a version.
    pub fn is_done(&self) -> bool {
        matches!(self.outcome, Some(RetrainOutcome::Promoted | RetrainOutcome::Kept))
    }
}
