//! What a demo came to: one JSON document, or a page for people.

use crate::tally::State;
use ingest::Omissions;
use model::metrics::Metrics;
use serde::Serialize;
use service::latency::Quantiles;
use std::collections::BTreeMap;
use std::fmt;
use trainer::ModelSummary;
use trainer::grouped;

/// The result of a demo.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Reviews that the broker got.
    pub records: u64,
    /// Predictions that came out.
    pub predictions: u64,
    /// Reviews that came out as dead letters.
    pub dead_letters: u64,
    /// Reviews with neither.
    pub missing: u64,
    /// Outcomes of reviews that already had one.
    pub duplicates: u64,
    /// Reviews of which a record was never read back under their id: the review, its outcome or its label.
    pub unsettled: u64,
    /// Rows that were not sent, and why; rows that were, with a flaw.
    #[serde(flatten)]
    pub omissions: Omissions,
    /// Whether a signal ended the demo before its end. Reviews generated without end have none.
    pub stopped: bool,
    /// From the first review to the last outcome.
    pub seconds: f64,
    /// Reviews a second.
    pub records_per_second: f64,
    /// From a review's way to the broker to the sight of its prediction.
    pub latency_ms: Option<Quantiles>,
    /// Predictions whose label came.
    pub labelled: u64,
    /// Their figures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Metrics>,
    /// What was trained; none when the demo was stopped before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelSummary>,
    /// Rows that were learned from.
    pub trained_rows: u64,
    /// How the rows were split: `time`, `hash` of the id, or `generated` in order.
    pub split: &'static str,
}

/// Not every review got exactly one outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "of {records} reviews {missing} have neither prediction nor dead letter, and of {unsettled} not every record came back \
     under its id; of {predictions} predictions and {dead_letters} dead letters {duplicates} are repeated"
)]
pub struct NotExactlyOnce {
    /// Reviews.
    pub records: u64,
    /// Outcomes that are predictions.
    pub predictions: u64,
    /// Outcomes that are dead letters.
    pub dead_letters: u64,
    /// Reviews without an outcome.
    pub missing: u64,
    /// Outcomes beyond the first.
    pub duplicates: u64,
    /// Reviews of which a record was never read back under their id.
    pub unsettled: u64,
}

impl Report {
    /// The report of a demo that was stopped before anything was replayed.
    pub(crate) fn stopped_early() -> Self {
        Self {
            records: 0,
            predictions: 0,
            dead_letters: 0,
            missing: 0,
            duplicates: 0,
            unsettled: 0,
            omissions: Omissions::default(),
            stopped: true,
            seconds: 0.0,
            records_per_second: 0.0,
            latency_ms: None,
            labelled: 0,
            metrics: None,
            model: None,
            trained_rows: 0,
            split: "none",
        }
    }

    /// What the books say, and nothing else: of `records` reviews sent, in a topic that ends at `ends`.
    pub(crate) fn of_books(records: u64, counts: &State, unsettled: u64, ends: &BTreeMap<i32, i64>) -> Self {
        Self {
            records,
            predictions: counts.predictions,
            dead_letters: counts.dead_letters,
            missing: counts.outcomes.missing(ends),
            duplicates: counts.outcomes.duplicates(),
            unsettled,
            stopped: false,
            ..Self::stopped_early()
        }
    }

    /// Whether each review got exactly one outcome. Offsets alone don't tell: a review that stands in its topic twice has
    /// an outcome at either place, which only the sum shows, and one under another review's id only the ledger.
    pub fn exactly_once(&self) -> Result<(), NotExactlyOnce> {
        let Self { records, predictions, dead_letters, missing, duplicates, unsettled, .. } = *self;
        if missing + duplicates + unsettled == 0 && records == predictions + dead_letters {
            return Ok(());
        }
        Err(NotExactlyOnce { records, predictions, dead_letters, missing, duplicates, unsettled })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(model) = &self.model else { return f.write_str("stopped before the replay") };
        let trained = grouped(self.trained_rows);
        writeln!(f, "model        {} {}, from {trained} rows  sha256 {}", model.name, model.version, model.sha256)?;
        let (rate, seconds) = (grouped(self.records_per_second as u64), self.seconds);
        let stopped = if self.stopped { ", stopped before the end" } else { "" };
        writeln!(f, "reviews      {} in {seconds:.2} s, {rate} a second{stopped}", grouped(self.records))?;
        let (dead, missing) = (grouped(self.dead_letters), grouped(self.missing));
        let (predictions, duplicates) = (grouped(self.predictions), grouped(self.duplicates));
        let unsettled = grouped(self.unsettled);
        write!(f, "predictions  {predictions}; dead letters {dead}, missing {missing}, repeated {duplicates}")?;
        writeln!(f, ", unsettled {unsettled}")?;
        for (reason, rows) in &self.omissions.skipped {
            writeln!(f, "not sent     {} rows: {}", grouped(*rows), reason.replace('_', " "))?;
        }
        for (field, rows) in &self.omissions.flawed {
            writeln!(f, "flawed       {} rows: {field}", grouped(*rows))?;
        }
        if let Some(Quantiles { p50, p99 }) = self.latency_ms {
            writeln!(f, "latency      half within {p50:.1} ms, 99 % within {p99:.1} ms")?;
        }
        let Some(metrics) = &self.metrics else { return f.write_str("accuracy     no labels came along") };
        write!(f, "accuracy     {:.4} of {} labelled", metrics.accuracy, grouped(self.labelled))?;
        if let Some(auc) = metrics.roc_auc {
            write!(f, ", roc auc {auc:.4}")?;
        }
        write!(f, ", macro f1 {:.4}", metrics.macro_f1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::metrics::Evaluation;
    use schemas::{Label, ModelVersion};

    fn report() -> Report {
        let mut evaluation = Evaluation::new();
        evaluation.push(0.9, Label::Positive);
        evaluation.push(0.2, Label::Negative);
        Report {
            records: 1_234,
            predictions: 1_230,
            dead_letters: 4,
            stopped: false,
            seconds: 2.0,
            records_per_second: 617.0,
            latency_ms: Some(Quantiles { p50: 12.0, p99: 34.5 }),
            labelled: 2,
            metrics: evaluation.metrics(),
            model: Some(ModelSummary { name: "m".parse().unwrap(), version: ModelVersion(1), sha256: "ab".into() }),
            trained_rows: 10,
            split: "time",
            ..Report::stopped_early()
        }
    }

    #[test]
    fn the_json_has_the_documented_shape() {
        let json = serde_json::to_value(report()).unwrap();
        assert_eq!(
            (&json["records"], &json["predictions"], &json["dead_letters"]),
            (&1_234.into(), &1_230.into(), &4.into())
        );
        assert_eq!(json["latency_ms"], serde_json::json!({"p50": 12.0, "p99": 34.5}));
        assert_eq!(json["metrics"]["accuracy"], 1.0);
        assert_eq!(json["model"], serde_json::json!({"name": "m", "version": "v1", "sha256": "ab"}));
        assert_eq!(json["skipped"], serde_json::json!({}));
        assert!(json["seconds"].is_number() && json["records_per_second"].is_number());
    }

    #[test]
    fn people_read_the_figures_in_a_few_lines() {
        let page = report().to_string();
        assert!(page.contains("reviews      1,234 in 2.00 s, 617 a second\n"), "{page}");
        let stopped = Report { stopped: true, ..report() }.to_string();
        assert!(stopped.contains("617 a second, stopped before the end\n"), "{stopped}");
        assert!(page.contains("latency      half within 12.0 ms, 99 % within 34.5 ms\n"), "{page}");
        assert!(page.ends_with("accuracy     1.0000 of 2 labelled, roc auc 1.0000, macro f1 1.0000"), "{page}");
    }

    #[test]
    fn each_hole_in_the_books_alone_is_no_success() {
        assert_eq!(report().exactly_once(), Ok(()));
        let holes = [
            Report { missing: 1, ..report() },
            Report { duplicates: 1, ..report() },
            Report { unsettled: 1, ..report() },
            Report { predictions: 1_231, ..report() },
            Report { dead_letters: 3, ..report() },
        ];
        for hole in holes {
            assert!(hole.exactly_once().is_err(), "{hole}");
        }
        let error = Report { missing: 1, duplicates: 2, unsettled: 3, ..report() }.exactly_once().unwrap_err();
        assert_eq!(
            error.to_string(),
            "of 1234 reviews 1 have neither prediction nor dead letter, and of 3 not every record came back under its id; \
             of 1230 predictions and 4 dead letters 2 are repeated"
        );
    }
}
