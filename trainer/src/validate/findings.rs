//! What a validation found: figures, and for each limit whether it is held. One JSON document, or a page for people.

use super::config::ValidationConfig;
use super::profile::Profile;
use crate::report::grouped;
use schemas::{Label, Timestamp};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// A limit and what it is held against.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// The key of the limit in `[validation]`.
    pub name: &'static str,
    /// What is measured, for people.
    pub what: &'static str,
    /// What was found.
    pub value: f64,
    /// What is allowed.
    pub limit: f64,
    /// Whether the limit is held.
    pub passed: bool,
}

/// What a validation found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ValidationReport {
    /// Whether every limit is held.
    pub passed: bool,
    /// The limits; those without data to hold them against are left out.
    pub checks: Vec<Check>,
    /// What was found.
    pub figures: Figures,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// What would be learned from.
    pub data: String,
    /// What would be tested on.
    pub test: Option<String>,
    /// Rows to learn from, the unusable ones included.
    pub rows: u64,
    /// Those with a text and a label.
    pub usable: u64,
    /// Negative ones among them.
    pub negatives: u64,
    /// Positive ones among them.
    pub positives: u64,
    /// Rows to test on.
    pub test_rows: Option<u64>,
    /// Rows that cannot be used, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// Of each reason the first row, and what is wrong with it.
    pub first_dropped: BTreeMap<String, FirstRow>,
    /// Usable rows in which bytes that are not UTF-8 are read as U+FFFD.
    pub repaired: u64,
    /// The first of these.
    pub first_repaired: Option<FirstRow>,
    /// Rows whose texts were compared with each other: all, or of many millions a share.
    pub compared: u64,
    /// Different texts among them.
    pub different: u64,
    /// Rows that repeat the text of another.
    pub copies: u64,
    /// Texts that stand with either label.
    pub contradictions: u64,
    /// The share of test rows whose text is learned from.
    pub leaked: Option<f64>,
    /// The share of test rows that are older than the newest training row.
    pub late: Option<f64>,
    /// The earliest row.
    pub first: Option<Timestamp>,
    /// The latest row.
    pub last: Option<Timestamp>,
    /// Rows by month and class.
    pub months: Months,
    /// Texts by length: from 2^i bytes up to twice as many.
    pub lengths: Vec<u64>,
    /// The words.
    pub profile: Profile,
    /// How far the words are from those of a model's training, and which.
    pub shift: Option<(String, f64)>,
}

/// A row that something is to be said of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FirstRow {
    /// Its file.
    pub file: String,
    /// Its number there, from 1.
    pub row: u64,
    /// What is wrong with it.
    pub problem: String,
}

/// `reviews.csv, row 5: rating is "five", expected a number from 1 to 5`.
impl fmt::Display for FirstRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, row, problem } = self;
        write!(f, "{file}, row {row}{}{problem}", if problem.is_empty() { "" } else { ": " })
    }
}

/// Rows by month: negative and positive ones.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Months(pub BTreeMap<String, [u64; 2]>);

impl Months {
    pub(super) fn add(&mut self, time: Timestamp, label: Label) {
        let time = time.to_string();
        let month = time.get(..7).unwrap_or_default();
        match self.0.get_mut(month) {
            Some(rows) => rows[usize::from(label.is_positive())] += 1,
            None => self.0.entry(month.to_owned()).or_default()[usize::from(label.is_positive())] += 1,
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (month, rows) in other.0 {
            let own = self.0.entry(month).or_default();
            own.iter_mut().zip(rows).for_each(|(own, other)| *own += other);
        }
    }
}

impl ValidationReport {
    pub(crate) fn new(figures: Figures, limits: &ValidationConfig) -> Self {
        let checks = checks(&figures, limits);
        Self { passed: checks.iter().all(|check| check.passed), checks, figures }
    }

    /// The limits that are not held, as a sentence's end: `leakage is 0.31, above validation.max_leakage = 0.25`.
    pub fn failures(&self) -> String {
        let failed = self.checks.iter().filter(|check| !check.passed);
        let words = failed.map(|Check { name, what, value, limit, .. }| {
            let side = if value > limit { "above" } else { "below" };
            format!("{what} is {}, {side} validation.{name} = {limit}", short(name, *value))
        });
        words.collect::<Vec<_>>().join("; ")
    }
}

fn checks(figures: &Figures, limits: &ValidationConfig) -> Vec<Check> {
    let share = |part: u64, of: u64| part as f64 / of.max(1) as f64;
    let at_most = |name, what, value: f64, limit: f64| Check { name, what, value, limit, passed: value <= limit };
    let at_least = |name, what, value: f64, limit: f64| Check { name, what, value, limit, passed: value >= limit };
    let dropped = |reasons: &[&str]| reasons.iter().filter_map(|reason| figures.dropped.get(*reason)).sum::<u64>();
    let without_text = dropped(&["no_text", "unreadable_text", "unreadable_row"]);
    let without_label = figures.rows - figures.usable - without_text;
    let mut checks = vec![
        at_least("min_rows", "the number of rows to learn from", figures.usable as f64, limits.min_rows as f64),
        at_most(
            "max_without_text",
            "the share of rows without a text",
            share(without_text, figures.rows),
            limits.max_without_text,
        ),
        at_most(
            "max_without_label",
            "the share of texts without a label",
            share(without_label, figures.rows - without_text),
            limits.max_without_label,
        ),
        at_least(
            "min_class_share",
            "the share of the smaller class",
            share(figures.negatives.min(figures.positives), figures.usable),
            limits.min_class_share,
        ),
        at_most(
            "max_copies",
            "the share of rows that repeat a text",
            share(figures.copies, figures.compared),
            limits.max_copies,
        ),
        at_most(
            "max_contradictions",
            "the share of texts with either label",
            share(figures.contradictions, figures.different),
            limits.max_contradictions,
        ),
    ];
    checks.extend(figures.leaked.map(|leaked| {
        at_most("max_leakage", "the share of test rows whose text is learned from", leaked, limits.max_leakage)
    }));
    checks.extend(figures.late.map(|late| {
        let what = "the share of test rows older than the newest training row";
        at_most("max_time_overlap", what, late, limits.max_time_overlap)
    }));
    checks.extend(figures.shift.as_ref().map(|(_, shift)| {
        at_most("max_word_shift", "the shift of words from production's", *shift, limits.max_word_shift)
    }));
    checks
}

/// A figure as people read it.
pub(super) fn short(name: &str, value: f64) -> String {
    // The others are shares and distances.
    if name == "min_rows" { grouped(value as u64) } else { format!("{value:.4}") }
}

impl fmt::Display for ValidationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Figures { data, rows, usable, negatives, positives, test, test_rows, dropped, .. } = &self.figures;
        writeln!(f, "data       {data}: {} rows, {} with a text and a label", grouped(*rows), grouped(*usable))?;
        writeln!(f, "           {} negative, {} positive", grouped(*negatives), grouped(*positives))?;
        for (reason, count) in dropped {
            let first = self.figures.first_dropped.get(reason).map(|row| format!(", the first in {row}"));
            let reason = reason.replace('_', " ");
            writeln!(f, "           {} {reason}{}", grouped(*count), first.unwrap_or_default())?;
        }
        if let Some(row) = &self.figures.first_repaired {
            let rows = grouped(self.figures.repaired);
            writeln!(f, "not UTF-8  {rows} rows, in which bytes are read as U+FFFD, the first in {row}")?;
        }
        if let (Some(test), Some(rows)) = (test, test_rows) {
            writeln!(f, "test       {test}: {} rows", grouped(*rows))?;
        }
        if let (Some(first), Some(last)) = (self.figures.first, self.figures.last) {
            writeln!(f, "time       {first} to {last}")?;
        }
        let scripts: Vec<String> = self
            .figures
            .profile
            .script_shares()
            .into_iter()
            .take(3)
            .map(|(name, share)| format!("{name} {:.1} %", share * 100.0))
            .collect();
        writeln!(f, "letters    {}", scripts.join(", "))?;
        if let Some((model, _)) = &self.figures.shift {
            writeln!(f, "words      compared with those that {model} learned from")?;
        }
        writeln!(f)?;
        for Check { name, what, value, limit, passed } in &self.checks {
            let verdict = if *passed { "holds" } else { "FAILS" };
            writeln!(f, "{verdict}  {what}: {} (validation.{name} = {limit})", short(name, *value))?;
        }
        write!(f, "\n{}", if self.passed { "The data is fit to train on." } else { "The data is not fit to train on." })
    }
}
