//! The runs that there were, for people or as JSON.

use crate::output::Table;
use registry::{Retraining, Trigger};
use schemas::{ModelName, Timestamp};
use serde::Serialize;
use std::fmt;

/// The runs of a model, the latest first.
#[derive(Serialize)]
pub struct History {
    name: ModelName,
    runs: Vec<Run>,
}

/// A run, and how it stands now.
#[derive(Serialize)]
struct Run {
    #[serde(flatten)]
    run: Retraining,
    state: &'static str,
}

impl History {
    pub fn new(name: ModelName, runs: Vec<Retraining>, now: Timestamp) -> Self {
        let runs = runs.into_iter().rev().map(|run| Run { state: run.state(now).name(), run });
        Self { name, runs: runs.collect() }
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.runs.is_empty() {
            return write!(f, "\"{}\" was never retrained: `plaudit retrain --since 90d` does", self.name);
        }
        let mut table = Table::new(["RUN", "STARTED", "ENDED", "TRIGGER", "ROWS", "OUTCOME", "VERSION", "REASON"]);
        for Run { run, state } in &self.runs {
            let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
            let what = match &run.trigger {
                Trigger::Manual => String::new(),
                Trigger::Schedule { slot } => format!(" {slot}"),
                Trigger::Drift { monitor, .. } => format!(" {monitor}"),
            };
            table.row([
                run.number.to_string(),
                run.started_at.to_string(),
                or_dash(run.ended_at.map(|at| at.to_string())),
                format!("{}{what}", run.trigger.name()),
                or_dash(run.rows_trained.map(|rows| rows.to_string())),
                (*state).to_owned(),
                or_dash(run.version.map(|version| version.to_string())),
                run.reason.clone(),
            ]);
        }
        table.fmt(f)
    }
}
