//! Retraining's metrics: their names, what they mean, and the function that records them.

use super::RetrainError;
use metrics::{counter, gauge};
use registry::{RetrainOutcome, Retraining, Trigger};
use schemas::Timestamp;
use service::metrics::Metric;

/// Runs that ended, by what they were begun for and how they ended.
pub const RUNS: &str = "plaudit_retrain_runs_total";
/// When the last run that made a version ended, in seconds since 1970.
pub const LAST_VERSION: &str = "plaudit_retrain_last_version_timestamp_seconds";

/// All of them.
pub const METRICS: &[Metric] = &[
    Metric::counter(
        RUNS,
        &["trigger", "outcome"],
        "Runs that ended",
        "`failed`: `plaudit retrain history` and the log say why. `kept`: production was no worse, which may be well.",
    ),
    Metric::gauge(
        LAST_VERSION,
        &[],
        "When the last run that made a version ended",
        "Older than the schedule allows: look whether the process runs, and at the history of its runs.",
    ),
];

/// Tells the recorder of them, and of what the history knows of before.
pub(super) fn begin(history: &[Retraining]) {
    service::metrics::describe(METRICS);
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
