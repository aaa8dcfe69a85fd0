//! What training or evaluating came to: one JSON document, or a page for people.

use crate::evaluation::{Findings, write_findings};
use crate::gates::VerdictPage;
use crate::tune::Tuned;
use model::metrics::Metrics;
use registry::{Alias, Verdict};
use schemas::{ModelName, ModelVersion};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// The result of [`train`](crate::train) and of [`evaluate`](crate::evaluate).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The model that was made or tested.
    pub model: ModelSummary,
    /// The alias that stands for it from now on, where one was set.
    #[serde(skip)]
    pub promoted: Option<Alias>,
    /// What the gates say of it, where it was to be promoted and there are gates.
    #[serde(rename = "promotion", skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// How many rows went where.
    pub rows: RowCounts,
    /// Why rows were left out.
    pub dropped_reasons: BTreeMap<String, u64>,
    /// Rows learned from or tested in which bytes that are not UTF-8 were read as U+FFFD.
    pub repaired_rows: u64,
    /// The figures of the test; none where there was no test.
    pub metrics: Option<Metrics>,
    /// What the test found out beside them.
    #[serde(flatten)]
    pub findings: Option<Findings>,
    /// The search for settings, where there was one.
    #[serde(rename = "tuning", skip_serializing_if = "Option::is_none")]
    pub tuned: Option<Tuned>,
    /// How long each stage took. Reading runs beside the others, so the stages may sum to more than the total.
    pub seconds: BTreeMap<String, f64>,
    /// The most memory that the process has needed so far, where the system tells.
    pub peak_rss_bytes: Option<u64>,
}

/// Which model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelSummary {
    /// Its name.
    pub name: ModelName,
    /// Its version.
    pub version: ModelVersion,
    /// The checksum of its artifact.
    pub sha256: String,
}

/// How many rows went where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RowCounts {
    /// Rows learned from.
    pub train: u64,
    /// Rows tested.
    pub test: u64,
    /// Rows left out.
    pub dropped: u64,
}

/// The order in which stages run.
const STAGES: [&str; 8] = ["load", "tune", "read", "vectorize", "fit", "test", "register", "total"];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            model,
            promoted,
            verdict,
            rows,
            dropped_reasons,
            repaired_rows,
            metrics,
            findings,
            tuned,
            seconds,
            peak_rss_bytes,
        } = self;
        let alias = promoted.as_ref().map(|alias| format!(", now {alias}")).unwrap_or_default();
        writeln!(f, "model      {} {}{alias}  sha256 {}", model.name, model.version, model.sha256)?;
        if let Some(verdict) = verdict {
            write!(f, "{}", VerdictPage(verdict))?;
        }
        let (test, dropped) = (grouped(rows.test), grouped(rows.dropped));
        // An evaluation learns from none.
        let train = if rows.train > 0 { format!("{} learned from, ", grouped(rows.train)) } else { String::new() };
        writeln!(f, "rows       {train}{test} tested, {dropped} left out")?;
        for (reason, count) in dropped_reasons {
            writeln!(f, "           {} {}", grouped(*count), reason.replace('_', " "))?;
        }
        if *repaired_rows > 0 {
            let repaired = grouped(*repaired_rows);
            writeln!(f, "not UTF-8  {repaired} of the rows, in which bytes were read as U+FFFD: convert the files")?;
        }
        let stages = STAGES.iter().filter_map(|stage| Some(format!("{stage} {:.2}", seconds.get(*stage)?)));
        writeln!(f, "seconds    {}", stages.collect::<Vec<_>>().join(", "))?;
        if let Some(bytes) = peak_rss_bytes {
            writeln!(f, "memory     {} MiB at most", grouped(bytes >> 20))?;
        }
        if let Some(tuned) = tuned {
            write!(f, "{tuned}")?;
        }
        match (metrics, findings) {
            (Some(metrics), Some(findings)) => write_findings(f, metrics, findings),
            _ => write!(f, "\nNot tested: --test FILE, --test-where COL=VALUE or --holdout 0.2 would give figures."),
        }
    }
}

/// A number as people read it: `12,345`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::metrics::Evaluation;
    use schemas::Label;

    fn report(metrics: Option<Metrics>) -> Report {
        Report {
            model: ModelSummary { name: "m".parse().unwrap(), version: ModelVersion(3), sha256: "ab12".to_owned() },
            promoted: Some("canary".parse().unwrap()),
            verdict: None,
            rows: RowCounts { train: 1_234_567, test: 2, dropped: 999 },
            dropped_reasons: BTreeMap::from([("no_text".to_owned(), 999)]),
            repaired_rows: 0,
            metrics,
            findings: None,
            tuned: None,
            seconds: BTreeMap::from([("total".to_owned(), 1.0), ("fit".to_owned(), 0.5)]),
            peak_rss_bytes: Some(3 << 20),
        }
    }

    #[test]
    fn the_json_has_the_documented_shape() {
        let mut evaluation = Evaluation::new();
        evaluation.push(0.9, Label::Positive);
        let json = serde_json::to_value(report(evaluation.metrics())).unwrap();
        assert_eq!(json["model"], serde_json::json!({"name": "m", "version": "v3", "sha256": "ab12"}));
        assert_eq!(json["rows"], serde_json::json!({"train": 1_234_567, "test": 2, "dropped": 999}));
        assert_eq!(json["dropped_reasons"], serde_json::json!({"no_text": 999}));
        assert_eq!(json["metrics"]["accuracy"], 1.0);
        assert_eq!(json["peak_rss_bytes"], 3 << 20);
        assert!(json["seconds"]["total"].is_number());
        assert!(json.get("promoted").is_none());
        let untested = serde_json::to_value(report(None)).unwrap();
        assert_eq!(untested["metrics"], serde_json::Value::Null);
    }

    #[test]
    fn an_evaluation_says_nothing_of_learning() {
        let rows = RowCounts { train: 0, test: 2, dropped: 0 };
        let page = Report { rows, promoted: None, ..report(None) }.to_string();
        assert!(page.contains("\nrows       2 tested, 0 left out\n"), "{page}");
    }

    #[test]
    fn people_see_counts_in_groups_and_stages_in_order() {
        let page = report(None).to_string();
        assert!(page.starts_with("model      m v3, now canary  sha256 ab12\n"), "{page}");
        assert!(page.contains("1,234,567 learned from, 2 tested, 999 left out\n           999 no text\n"), "{page}");
        let repaired = Report { repaired_rows: 1_000, ..report(None) }.to_string();
        assert!(repaired.contains("\nnot UTF-8  1,000 of the rows, in which") && !page.contains("UTF-8"), "{repaired}");
        assert!(page.contains("seconds    fit 0.50, total 1.00\nmemory     3 MiB at most"), "{page}");
    }
}
