//! What a search found.

use super::goal::Goal;
use crate::evaluation::Lines;
use crate::report::grouped;
use model::metrics::Metrics;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// What became of one trial on one share of the rows: a line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrialSummary {
    /// Its number; 0 has the settings that were given.
    pub trial: u32,
    /// The share of the training rows that it learned from.
    pub share: f64,
    /// The rows that it learned from.
    pub train_rows: u64,
    /// Where its settings differ from those that were given.
    pub settings: BTreeMap<String, Value>,
    /// Its figures on the validation rows; none where nothing could be fitted.
    pub metrics: Option<Metrics>,
    /// Why nothing could be fitted.
    pub error: Option<String>,
    /// How long it took.
    pub seconds: f64,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tuned {
    /// The figure that decided.
    pub goal: Goal,
    /// How rows were held out for it: `time` or `hash`.
    pub validation: String,
    /// The rows that could be learned from.
    pub train_rows: u64,
    /// The rows that judged.
    pub validation_rows: u64,
    /// The training rows that were read; where memory doesn't hold them all, the search has a sample of them.
    pub rows_read: u64,
    /// The settings that were taken.
    pub best: TrialSummary,
    /// The settings that were given, on as many rows.
    pub given: TrialSummary,
    /// Each trial where it got furthest, the best first.
    pub trials: Vec<TrialSummary>,
    /// How many results an earlier run had left in the journal.
    pub resumed: u64,
    /// The journal.
    pub journal: PathBuf,
    /// The page.
    pub page: PathBuf,
    /// How long the search took.
    pub seconds: f64,
}

/// Trials in the table.
const SHOWN: usize = 8;

impl TrialSummary {
    /// The figure that decides; none where nothing could be fitted.
    pub(super) fn figure(&self, goal: Goal) -> Option<f64> {
        self.metrics.as_ref().map(|metrics| goal.of(metrics))
    }

    /// `ngrams=3 c=12`.
    pub(crate) fn words(&self) -> String {
        if self.trial == 0 {
            return "as given".to_owned();
        }
        let short = |(key, value): (&String, &Value)| {
            let name = key.rsplit('.').next().unwrap_or(key);
            let value = match value {
                Value::Null => "default".to_owned(),
                Value::String(word) => word.clone(),
                other => other.to_string(),
            };
            format!("{name}={value}")
        };
        self.settings.iter().map(short).collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Display for Tuned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { goal, trials, resumed, .. } = self;
        let (train, validation) = (grouped(self.train_rows), grouped(self.validation_rows));
        let from_journal = if *resumed > 0 { format!(", {resumed} results from the journal") } else { String::new() };
        writeln!(
            f,
            "tuning     {} trials for {goal} in {:.1} s{from_journal}: up to {train} rows to learn from, {validation} by {} to judge",
            trials.len(),
            self.seconds,
            self.validation
        )?;
        if self.rows_read > self.train_rows + self.validation_rows {
            let read = grouped(self.rows_read);
            writeln!(
                f,
                "           of {read} rows, a sample that train.memory_limit_bytes holds or whose texts are new"
            )?;
        }
        writeln!(f, "           {}", self.page.display())?;
        let mut lines = Lines::new(["settings", "trial", "rows", goal.name(), "accuracy", "roc auc"]);
        let is_shown = |(place, trial): &(usize, &TrialSummary)| *place < SHOWN || trial.trial == 0;
        for (_, trial) in trials.iter().enumerate().filter(is_shown) {
            let figure = |figure: Option<f64>| figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.4}"));
            lines.row([
                trial.words(),
                trial.trial.to_string(),
                grouped(trial.train_rows),
                figure(trial.figure(*goal)),
                figure(trial.metrics.map(|metrics| metrics.accuracy)),
                figure(trial.metrics.and_then(|metrics| metrics.roc_auc)),
            ]);
        }
        write!(f, "\n{lines}")
    }
}
