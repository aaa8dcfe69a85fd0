//! What a run found out.

use super::{BurnIn, Delay, Error};
use crate::influence::InfluenceReport;
use crate::learner::Learner;
use model::metrics::{Evaluation, Metrics};
use schemas::Label;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// The result of a progressive validation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// How many rows went where.
    pub rows: RowCounts,
    /// Why rows were not scored, or their labels not learned from.
    pub skipped_reasons: BTreeMap<&'static str, u64>,
    /// How long labels took.
    pub delay: String,
    /// The figures of the rows that count, each scored by what was learned before its label came.
    pub metrics: Metrics,
    /// The same for tenths of those rows, in their order.
    pub course: Vec<Course>,
    /// How many terms are known at the end.
    pub terms: usize,
    /// Users and products that have been refused for good.
    pub influence: InfluenceReport,
    /// How long it took, with the reading of the files.
    pub seconds: f64,
    /// Rows read in a second.
    pub rows_per_second: f64,
}

/// How many rows went where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RowCounts {
    /// Rows of the files.
    pub read: u64,
    /// Rows that have no text or no label.
    pub skipped: u64,
    /// Rows scored.
    pub scored: u64,
    /// Those of them that the figures count: all behind the burn-in.
    pub counted: u64,
    /// Labels learned from.
    pub learned: u64,
    /// Labels that would have taken more than the allowance of a user or a product.
    pub refused: u64,
    /// Labels that had not come by the end.
    pub waiting: u64,
    /// Rows that are dated before one that stands before them.
    pub out_of_order: u64,
}

/// The figures of some of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Course {
    /// How many rows.
    pub rows: u64,
    /// Share of the right classes.
    pub accuracy: f64,
    /// Mean of the F1 of either class.
    pub macro_f1: f64,
    /// Area under the ROC curve.
    pub roc_auc: Option<f64>,
    /// Mean surprise, in nats.
    pub log_loss: f64,
}

/// Every score with its label, in the order of the rows.
#[derive(Debug, Default)]
pub(super) struct Scored(Vec<(f64, Label)>);

impl Scored {
    pub(super) fn push(&mut self, probability: f64, label: Label) {
        self.0.push((probability, label));
    }
}

const PARTS: usize = 10;

impl Report {
    pub(super) fn of(
        Scored(scored): Scored,
        burn_in: BurnIn,
        delay: Delay,
        rows: RowCounts,
        skipped_reasons: BTreeMap<&'static str, u64>,
        learner: &Learner,
        seconds: f64,
    ) -> Result<Self, Error> {
        if scored.is_empty() {
            return Err(Error::NoRows);
        }
        let counted = scored.get(burn_in.of(scored.len())..).unwrap_or_default();
        let Some(metrics) = metrics(counted) else {
            return Err(Error::AllBurnIn { rows: scored.len(), burn_in: burn_in.to_string() });
        };
        let course = counted.chunks(counted.len().div_ceil(PARTS)).filter_map(|part| {
            let Metrics { accuracy, macro_f1, roc_auc, log_loss, .. } = self::metrics(part)?;
            Some(Course { rows: part.len() as u64, accuracy, macro_f1, roc_auc, log_loss })
        });
        Ok(Self {
            course: course.collect(),
            metrics,
            rows: RowCounts { counted: counted.len() as u64, ..rows },
            skipped_reasons,
            delay: delay.to_string(),
            terms: learner.terms(),
            influence: learner.influence(),
            seconds,
            rows_per_second: rows.read as f64 / seconds,
        })
    }
}

fn metrics(scored: &[(f64, Label)]) -> Option<Metrics> {
    let mut evaluation = Evaluation::new();
    scored.iter().for_each(|&(probability, label)| evaluation.push(probability, label));
    evaluation.metrics()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, skipped_reasons, delay, metrics, course, terms, influence, seconds, rows_per_second } = self;
        writeln!(
            f,
            "rows       {} read, {} scored, {} learned from, {} counted",
            rows.read, rows.scored, rows.learned, rows.counted
        )?;
        for (reason, count) in skipped_reasons {
            writeln!(f, "           {count} {}", reason.replace('_', " "))?;
        }
        if rows.waiting > 0 {
            writeln!(f, "           {} whose labels had not come by the end", rows.waiting)?;
        }
        if rows.out_of_order > 0 {
            writeln!(f, "           {} out of order: sort the files by time for honest figures", rows.out_of_order)?;
        }
        writeln!(f, "delay      {delay}")?;
        writeln!(f, "terms      {terms}")?;
        let InfluenceReport { user_quarantines, product_quarantines, .. } = influence;
        if user_quarantines + product_quarantines > 0 {
            writeln!(f, "quarantine {user_quarantines} of users, {product_quarantines} of products")?;
        }
        writeln!(f, "seconds    {seconds:.2}, {rows_per_second:.0} rows/s")?;
        writeln!(f)?;
        writeln!(f, "accuracy   {:.4}", metrics.accuracy)?;
        writeln!(f, "macro F1   {:.4}", metrics.macro_f1)?;
        writeln!(
            f,
            "ROC AUC    {}",
            metrics.roc_auc.map_or_else(|| "one class only".to_owned(), |auc| format!("{auc:.4}"))
        )?;
        writeln!(f, "log loss   {:.4}", metrics.log_loss)?;
        writeln!(f, "ECE        {:.4}", metrics.ece)?;
        writeln!(f)?;
        writeln!(f, "rows      accuracy  macro F1  ROC AUC  log loss")?;
        for part in course {
            let auc = part.roc_auc.map_or_else(|| "-".to_owned(), |auc| format!("{auc:.4}"));
            let Course { rows, accuracy, macro_f1, log_loss, .. } = part;
            writeln!(f, "{rows:<8}  {accuracy:.4}    {macro_f1:.4}    {auc:<7}  {log_loss:.4}")?;
        }
        Ok(())
    }
}
