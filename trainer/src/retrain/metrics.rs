//! The names and help texts of retraining's metrics, and the function that records them.

use super::RetrainError;
use metrics::{counter, describe_counter, describe_gauge, gauge};
use registry::{RetrainOutcome, Retraining, Trigger};
use schemas::Timestamp;

/// Runs that ended, by what they were begun for and how they ended.
pub const RUNS: &str = "plaudit_retrain_runs_total";
/// When the last run that made a version ended, in seconds since 1970.
pub const LAST_VERSION: &str = "plaudit_retrain_last_version_timestamp_seconds";

/// Gives the recorder the help texts, and what the history knows of before.
pub(super) fn begin(history: &[Retraining]) {
    describe_counter!(RUNS, "Runs that ended, by trigger and outcome");
    describe_gauge!(LAST_VERSION, "When the last run that made a version ended, in seconds since 1970");
    if let Some(ended_at) = history.iter().rfind(|run| run.is_done()).and_then(|run| run.ended_at) {
        set_last_version(ended_at);
    }
}

/// Counts a run.
pub(super) fn record(trigger: &Trigger, outcome: Result<RetrainOutcome, &RetrainError>) {
    let name = match outcome {
        Ok(RetrainOutcome::Promoted) => "promoted",
        Ok(_) => "kept",
        Err(RetrainError::Stopped | RetrainError::Lost) => "stopped",
        Err(_) => "failed",
    };
    counter!(RUNS, "trigger" => trigger.name(), "outcome" => name).increment(1);
    if outcome.is_ok() {
        set_last_version(Timestamp::now());
    }
}

fn set_last_version(ended_at: Timestamp) {
    gauge!(LAST_VERSION).set(ended_at.epoch_millis() as f64 / 1000.0);
}
