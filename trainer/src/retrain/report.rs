//! What a retraining came to: one JSON document, or a page for people.

use super::plan::RetrainPlan;
use crate::gates::VerdictPage;
use crate::report::{ModelSummary, RowCounts, grouped};
use crate::tune::TrialSummary;
use model::metrics::Metrics;
use registry::{RetrainOutcome, Trigger, Verdict};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// The result of a run that made a version.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RetrainReport {
    /// The run's number in the history.
    pub run: u64,
    /// What it was begun for.
    #[serde(flatten)]
    pub trigger: Trigger,
    /// `promoted` or `kept`.
    pub outcome: RetrainOutcome,
    /// Why.
    pub reason: String,
    /// The new version.
    pub model: ModelSummary,
    /// How many rows went where.
    pub rows: RowCounts,
    /// Its figures on the newest rows.
    pub metrics: Option<Metrics>,
    /// What the gates say of it beside production; none without gates.
    #[serde(rename = "promotion", skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// The settings that a search has tried, the best first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trials: Vec<TrialSummary>,
    /// What was used.
    pub plan: RetrainPlan,
    /// How long each stage took.
    pub seconds: BTreeMap<String, f64>,
}

impl fmt::Display for RetrainReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { run, trigger, outcome, reason, model, rows, metrics, verdict, trials, plan, seconds } = self;
        let became = match outcome {
            RetrainOutcome::Promoted => "is in production",
            _ => "is kept, and production is what it was",
        };
        writeln!(f, "{} of \"{}\" {became}: {reason}", model.version, model.name)?;
        writeln!(f, "run        {run}, {trigger}")?;
        write!(f, "{plan}")?;
        writeln!(f, "rows       {} learned from, {} compared on", grouped(rows.train), grouped(rows.test))?;
        if let Some(best) = trials.first() {
            writeln!(f, "search     {} trials, the best: {}", trials.len(), best.words())?;
        }
        if let Some(Metrics { accuracy, macro_f1, log_loss, ece, .. }) = metrics {
            writeln!(
                f,
                "figures    accuracy {accuracy:.4}, macro F1 {macro_f1:.4}, log loss {log_loss:.4}, ECE {ece:.4}"
            )?;
        }
        if let Some(verdict) = verdict {
            write!(f, "{}", VerdictPage(verdict))?;
        }
        write!(f, "seconds    {:.1}", seconds.get("total").copied().unwrap_or_default())
    }
}
