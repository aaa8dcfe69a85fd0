//! What a monitor knows, for people and as JSON.

use super::version::VersionReport;
use super::watch::Role;
use monitor::{Counts, Episode, SliceQuality};
use schemas::{Alert, Timestamp};
use serde::Serialize;
use std::fmt;

/// See the module's description.
#[derive(Debug, Clone, Default, Serialize)]
pub struct MonitorReport {
    /// When this was so.
    pub at: Option<Timestamp>,
    /// What was read.
    pub records: Records,
    /// What of it could not be decoded, and was passed over.
    pub malformed: Malformed,
    /// How predictions and labels met.
    pub labels: Counts,
    /// The quality of each slice that has labels, that of all first.
    pub quality: Vec<SliceQuality>,
    /// Each version that is watched, the one that scored last first.
    pub versions: Vec<VersionReport>,
    /// The last alerts of what was read; a service raises those that no earlier one has raised.
    pub alerts: Vec<Alert>,
    /// How many there are.
    pub alert_count: u64,
    /// What goes on.
    pub ongoing: Vec<Episode>,
    /// How long it took.
    pub seconds: f64,
}

/// Records by topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Records {
    /// Of the topic of reviews.
    pub reviews: u64,
    /// Of the topic of predictions.
    pub predictions: u64,
    /// Of the topic of feedback.
    pub feedback: u64,
    /// Predictions of models of another name, which are left alone.
    pub of_other_models: u64,
}

/// Records that could not be decoded, by topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Malformed {
    /// Of the topic of reviews.
    pub reviews: u64,
    /// Of the topic of predictions.
    pub predictions: u64,
    /// Of the topic of feedback.
    pub feedback: u64,
}

impl Records {
    pub(super) fn of(&mut self, role: Role) -> &mut u64 {
        match role {
            Role::Review => &mut self.reviews,
            Role::Prediction => &mut self.predictions,
            Role::Feedback => &mut self.feedback,
        }
    }
}

impl Malformed {
    pub(super) fn of(&mut self, role: Role) -> &mut u64 {
        match role {
            Role::Review => &mut self.reviews,
            Role::Prediction => &mut self.predictions,
            Role::Feedback => &mut self.feedback,
        }
    }
}

impl fmt::Display for MonitorReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { records, malformed, labels, .. } = self;
        let Records { reviews, predictions, feedback, .. } = records;
        writeln!(f, "read          {reviews} reviews, {predictions} predictions, {feedback} labels")?;
        let passed_over = malformed.reviews + malformed.predictions + malformed.feedback;
        writeln!(f, "passed over   {passed_over} that cannot be decoded")?;
        let (waiting, given_up) = (labels.waiting_predictions, labels.given_up);
        writeln!(f, "joined        {}; {waiting} predictions wait for a label, {given_up} given up", labels.matched)?;
        if self.quality.is_empty() {
            writeln!(f, "\nNo prediction has a label: nothing can be said of their quality.")?;
        } else {
            writeln!(
                f,
                "\n{:<24} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>10}",
                "SLICE", "LABELS", "ACCURACY", "MACRO F1", "AUC", "LOG LOSS", "ECE", "COVERAGE", "DELAY"
            )?;
        }
        for quality in &self.quality {
            let of = quality.slice.iter().map(|(kind, name)| format!("{kind} {name}")).collect::<String>();
            let of = if of.is_empty() { "all".to_owned() } else { of };
            let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.4}"));
            let window = &quality.window;
            writeln!(
                f,
                "{of:<24} {:>8} {:>8.4} {:>8.4} {:>8} {:>8.4} {:>8.4} {:>8} {:>8.0} s",
                quality.labelled,
                window.accuracy,
                window.macro_f1,
                number(window.roc_auc),
                window.log_loss,
                window.ece,
                number(quality.coverage),
                quality.median_delay_seconds
            )?;
        }
        for version in &self.versions {
            write!(f, "\n{}  {} predictions", version.version, version.predictions)?;
            let Some(comparison) = &version.comparison else {
                let why = if version.has_reference { "none in this window" } else { "the registry has no reference" };
                writeln!(f, ", compared with nothing: {why}")?;
                continue;
            };
            writeln!(f, ", the last {} beside the reference:", comparison.records)?;
            let line = |f: &mut fmt::Formatter<'_>, what: &str, value: f64, threshold: f64| {
                let beyond = if value > threshold { "  beyond chance" } else { "" };
                writeln!(f, "  {what:<34} {value:>8.4}   by chance up to {threshold:.4}{beyond}")
            };
            if let Some(gap) = &comparison.scores {
                line(f, "scores, PSI", gap.psi.value, gap.psi.threshold)?;
            }
            for (name, gap) in &comparison.features {
                line(f, &format!("{name}, PSI"), gap.psi.value, gap.psi.threshold)?;
            }
            let words = version.words.and_then(|found| found.words);
            let unknown = version.words.and_then(|found| found.unknown_words);
            for (what, distance) in [("words, PSI", words), ("unknown words, deviations", unknown)] {
                if let Some(distance) = distance {
                    line(f, what, distance.value, distance.threshold)?;
                }
            }
            if let Some(shift) = &version.shift {
                writeln!(f, "  what explains it: {:?} shift", shift.cause)?;
            }
        }
        for alert in &self.alerts {
            write!(f, "\nalert  {}", alert.message)?;
        }
        if self.alerts.is_empty() { write!(f, "\nno alert") } else { Ok(()) }
    }
}
