//! From what is found to readings with a threshold, which alarms make alerts of.

use super::config::MonitorConfig;
use super::normal::Normal;
use super::version::WordComparison;
use monitor::{Cause, Change, Comparison, Distance, Reading, Shift};
use schemas::{ModelVersion, Timestamp, Window};
use std::collections::BTreeMap;

/// Of which records, and of which version's.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    pub(super) version: ModelVersion,
    pub(super) window: Window,
    pub(super) at: Timestamp,
}

impl Scope {
    fn reading(&self, monitor: &str, statistic: &str, value: f64, threshold: f64) -> Reading {
        Reading {
            monitor: monitor.to_owned(),
            statistic: statistic.to_owned(),
            slice: BTreeMap::from([("version".to_owned(), self.version.to_string())]),
            value: Some(value),
            threshold,
            window: self.window.clone(),
            at: self.at,
            since: self.window.from,
        }
    }

    /// A rise of the error rate; none where it fell, or by less than is news.
    pub(super) fn rise_of_errors(&self, detector: &str, change: Change, least: f64) -> Option<Reading> {
        let threshold = change.before + least;
        let reading = self.reading("errors", &format!("error_rate_by_{detector}"), change.after, threshold);
        (change.after > threshold).then_some(reading)
    }

    /// A change of the mean score, up or down; none where it is less than is news.
    pub(super) fn change_of_scores(&self, detector: &str, change: Change, least: f64) -> Option<Reading> {
        let moved = (change.after - change.before).abs();
        let statistic = format!("change_of_mean_score_by_{detector}");
        (moved > least).then(|| self.reading("scores", &statistic, moved, least))
    }

    /// Quiet: nothing was found since the last look.
    pub(super) fn quiet(&self, monitor: &str, statistic: &str) -> Reading {
        Reading { value: None, ..self.reading(monitor, statistic, 0.0, 0.0) }
    }

    /// The distances of a window from the reference. Fewer than the threshold of chance are none, and fewer than are news
    /// neither.
    pub(super) fn distances(&self, comparison: &Comparison, config: &MonitorConfig) -> Vec<Reading> {
        let psi = |monitor, distance: &Distance| {
            self.reading(monitor, "psi", distance.value, distance.threshold.max(config.least_psi))
        };
        let mut readings: Vec<Reading> = Vec::new();
        readings.extend(comparison.scores.iter().map(|gap| psi("scores", &gap.psi)));
        readings.extend(comparison.features.iter().map(|(name, gap)| {
            let mut reading = psi("features", &gap.psi);
            reading.slice.insert("feature".to_owned(), name.clone());
            reading
        }));
        readings
    }

    /// The same of words.
    pub(super) fn words(&self, found: &WordComparison, config: &MonitorConfig) -> Vec<Reading> {
        let words = found
            .words
            .map(|distance| self.reading("words", "psi", distance.value, distance.threshold.max(config.least_psi)));
        let unknown = found
            .unknown_words
            .map(|distance| self.reading("unknown_words", "deviations_of_share", distance.value, distance.threshold));
        words.into_iter().chain(unknown).collect()
    }

    /// The error rate beside that of the version's test: what was promised, what is tolerated, and three deviations of chance.
    pub(super) fn error_rate(&self, wrong: u64, all: u64, normal: &Normal, config: &MonitorConfig) -> Option<Reading> {
        let promised = normal.error_rate?;
        let chance = 3.0 * (promised * (1.0 - promised) / all.max(1) as f64).sqrt();
        let value = wrong as f64 / all.max(1) as f64;
        Some(self.reading("quality", "error_rate", value, promised + config.least_change + chance))
    }

    /// What explains the labels and scores: how surprising they are without that, in powers of ten.
    pub(super) fn shift(&self, shift: &Shift, alpha: f64) -> Vec<Reading> {
        let surprise = |chance: f64| -chance.max(1e-300).log10();
        let least = [Some(shift.same_scores), shift.same_scores_of_classes, shift.same_classes_of_scores];
        let least = least.into_iter().flatten().fold(1.0, f64::min);
        let causes = [(Cause::Label, "label"), (Cause::Covariate, "covariate"), (Cause::Concept, "concept")];
        let readings = causes.map(|(cause, name)| {
            let reading = self.reading("shift", &format!("surprise_of_{name}_shift"), surprise(least), surprise(alpha));
            Reading { value: reading.value.filter(|_| shift.cause == cause), ..reading }
        });
        readings.into()
    }
}
