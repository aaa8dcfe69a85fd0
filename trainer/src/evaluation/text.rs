//! A test for people, on a terminal.

use super::findings::Findings;
use super::slices::{Slice, Slices};
use super::worst::WorstError;
use crate::report::grouped;
use model::metrics::{ChosenThreshold, Confusion, Interval, Intervals, Metrics};
use model::{Field, NamedTerm, NamedTerms};
use std::fmt;

/// Slices in a table; a file of a hundred thousand products has more, which --json and the page show.
const SLICES: usize = 25;
/// Slices without figures that are named.
const SMALL_SLICES: usize = 12;

/// The figures and what was found out beside them.
pub(crate) fn write_findings(f: &mut fmt::Formatter<'_>, metrics: &Metrics, findings: &Findings) -> fmt::Result {
    let mut lines = Lines::new(["figure", "value", ""]);
    if let Some(intervals) = &findings.intervals {
        lines.rows[0][2] = said(intervals);
    }
    for (name, value, interval) in figures(metrics, findings.intervals.as_ref()) {
        let interval = interval.map(|Interval { low, high }| format!("{low:.4} to {high:.4}")).unwrap_or_default();
        lines.row([name.to_owned(), figure(value), interval]);
    }
    write!(f, "\n{lines}\n{}", confusion(&metrics.confusion))?;
    if let Some(class) = only_class(metrics) {
        write!(f, "\n\nall tested rows are {class}: roc auc and pr auc need both classes")?;
    }
    if let Some(threshold) = &findings.threshold {
        write!(f, "\n\n{}", sentence(threshold))?;
    }
    for slices in &findings.slices {
        write_slices(f, slices)?;
    }
    write_terms(f, &findings.terms)?;
    write_errors(f, &findings.errors)
}

/// The class that all rows have, where they have but one.
pub(super) fn only_class(Metrics { confusion, .. }: &Metrics) -> Option<&'static str> {
    match (confusion.tn + confusion.fp, confusion.fn_ + confusion.tp) {
        (0, _) => Some("positive"),
        (_, 0) => Some("negative"),
        _ => None,
    }
}

/// Where the intervals come from.
pub(super) fn said(intervals: &Intervals) -> String {
    format!("{:.0} % of {} resamples", intervals.confidence * 100.0, grouped(intervals.resampling.resamples.into()))
}

/// Every figure by name, with its interval.
pub(super) fn figures(
    metrics: &Metrics,
    intervals: Option<&Intervals>,
) -> [(&'static str, Option<f64>, Option<Interval>); 10] {
    let of = |interval: fn(&Intervals) -> Interval| intervals.map(interval);
    [
        ("accuracy", Some(metrics.accuracy), of(|intervals| intervals.accuracy)),
        ("precision", Some(metrics.precision), of(|intervals| intervals.precision)),
        ("recall", Some(metrics.recall), of(|intervals| intervals.recall)),
        ("f1", Some(metrics.f1), of(|intervals| intervals.f1)),
        ("macro f1", Some(metrics.macro_f1), of(|intervals| intervals.macro_f1)),
        ("roc auc", metrics.roc_auc, intervals.and_then(|intervals| intervals.roc_auc)),
        ("pr auc", metrics.pr_auc, intervals.and_then(|intervals| intervals.pr_auc)),
        ("log loss", Some(metrics.log_loss), of(|intervals| intervals.log_loss)),
        ("brier", Some(metrics.brier), of(|intervals| intervals.brier)),
        ("ece", Some(metrics.ece), of(|intervals| intervals.ece)),
    ]
}

/// Four digits, or a dash for a figure that only two classes have.
pub(super) fn figure(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"))
}

fn confusion(confusion: &Confusion) -> String {
    let rows = [
        ["".to_owned(), "called negative".to_owned(), "called positive".to_owned()],
        ["is negative".to_owned(), grouped(confusion.tn), grouped(confusion.fp)],
        ["is positive".to_owned(), grouped(confusion.fn_), grouped(confusion.tp)],
    ];
    rows.map(|[is, negative, positive]| format!("{is:<11} {negative:>15}  {positive:>15}")).join("\n")
}

/// What a threshold was chosen for, and what it comes to.
pub(super) fn sentence(chosen: &ChosenThreshold) -> String {
    let objective = chosen.objective;
    match (chosen.threshold, chosen.figures) {
        (Some(threshold), Some(at)) => format!(
            "threshold  {threshold:.4} for {objective}: accuracy {:.4}, precision {:.4}, recall {:.4}, f1 {:.4}, macro f1 {:.4}",
            at.accuracy, at.precision, at.recall, at.f1, at.macro_f1
        ),
        _ => format!("threshold  none reaches {objective} on these rows"),
    }
}

fn write_slices(f: &mut fmt::Formatter<'_>, Slices { by, slices }: &Slices) -> fmt::Result {
    let (small, large): (Vec<&Slice>, Vec<&Slice>) = slices.iter().partition(|slice| slice.is_too_small());
    let heading = format!("by {by}");
    let mut lines =
        Lines::new([heading.as_str(), "rows", "positive", "accuracy", "95 %", "macro f1", "roc auc", "log loss"]);
    for slice in large.iter().take(SLICES) {
        let Some(cells) = cells(slice) else { continue };
        lines.row(cells);
    }
    write!(f, "\n\n{}", lines.to_string().trim_end())?;
    if large.len() > SLICES {
        write!(f, "\nand {} more with figures: --json or --report shows them", grouped((large.len() - SLICES) as u64))?;
    }
    if !small.is_empty() {
        write!(f, "\ntoo few rows for figures: {}", named(&small, SMALL_SLICES))?;
    }
    Ok(())
}

/// A slice with figures as the cells of a table.
pub(super) fn cells(slice: &Slice) -> Option<[String; 8]> {
    let (metrics, accuracy) = (slice.metrics?, slice.accuracy?);
    Some([
        shortened(&slice.name, 40),
        grouped(slice.rows),
        format!("{:.1} %", slice.positives as f64 / slice.rows as f64 * 100.0),
        figure(Some(metrics.accuracy)),
        format!("{:.4} to {:.4}", accuracy.low, accuracy.high),
        figure(Some(metrics.macro_f1)),
        figure(metrics.roc_auc),
        figure(Some(metrics.log_loss)),
    ])
}

/// `a (3 rows), b (1 row) and 7 more`.
pub(super) fn named(slices: &[&Slice], most: usize) -> String {
    let name = |slice: &&Slice| {
        let rows = if slice.rows == 1 { "row" } else { "rows" };
        format!("{} ({} {rows})", shortened(&slice.name, 40), slice.rows)
    };
    let names: Vec<String> = slices.iter().take(most).map(name).collect();
    let more = slices.len() - names.len();
    let end = if more > 0 { format!(" and {} more", grouped(more as u64)) } else { String::new() };
    format!("{}{end}", names.join(", "))
}

fn write_terms(f: &mut fmt::Formatter<'_>, NamedTerms { positive, negative }: &NamedTerms) -> fmt::Result {
    for (towards, terms) in [("positive", positive), ("negative", negative)] {
        if terms.is_empty() {
            continue;
        }
        let mut lines = Lines::new([&format!("towards {towards}"), "weight", "rows"]);
        for term in terms {
            lines.row([readable(term), format!("{:+.3}", term.weight), grouped(term.documents)]);
        }
        write!(f, "\n\n{}", lines.to_string().trim_end())?;
    }
    Ok(())
}

/// The term, with where it stands unless that is the text.
pub(super) fn readable(term: &NamedTerm) -> String {
    match term.field {
        Field::Title => format!("{} (title)", shortened(&term.term, 40)),
        _ => shortened(&term.term, 40),
    }
}

fn write_errors(f: &mut fmt::Formatter<'_>, errors: &[WorstError]) -> fmt::Result {
    if errors.is_empty() {
        return Ok(());
    }
    write!(f, "\n\nworst errors")?;
    for error in errors {
        let is = if error.label.is_positive() { "positive" } else { "negative" };
        let id = error.review_id.as_deref().map(|id| format!(" {}", shortened(id, 40))).unwrap_or_default();
        write!(f, "\n{is} with P(positive) {:.4}, file {} row {}{id}", error.probability, error.file, error.row)?;
        let title = error.title.as_deref().filter(|title| !title.is_empty()).map(|title| format!("{title}: "));
        write!(f, "\n  {}", shortened(&format!("{}{}", title.unwrap_or_default(), error.text), 150))?;
    }
    Ok(())
}

/// One line of at most so many characters, without what would move a terminal's cursor.
fn shortened(text: &str, most: usize) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let line = words.collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Lines in columns: the first to the left, the others to the right.
pub(crate) struct Lines<const N: usize> {
    rows: Vec<[String; N]>,
}

impl<const N: usize> Lines<N> {
    pub(crate) fn new(headings: [&str; N]) -> Self {
        Self { rows: vec![headings.map(str::to_owned)] }
    }

    pub(crate) fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells);
    }
}

impl<const N: usize> fmt::Display for Lines<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; N] = std::array::from_fn(width);
        for row in &self.rows {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
                let cell = if column == 0 { format!("{cell:width$}") } else { format!("  {cell:>width$}") };
                line.push_str(&cell);
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_in_columns() {
        let mut lines = Lines::new(["figure", "value"]);
        lines.row(["f1".to_owned(), "0.5000".to_owned()]);
        assert_eq!(lines.to_string(), "figure   value\nf1      0.5000\n");
    }

    #[test]
    fn a_name_is_one_short_line_whatever_it_holds() {
        assert_eq!(shortened("a\n\x1b[31mb\t c", 40), "a [31mb c");
        assert_eq!(shortened("abcdef", 3), "abc…");
    }

    #[test]
    fn small_slices_are_named_and_the_rest_of_them_counted() {
        let slice = |rows| Slice { name: format!("s{rows}"), rows, positives: 1, metrics: None, accuracy: None };
        let slices = [slice(3), slice(2), slice(1)];
        let slices: Vec<&Slice> = slices.iter().collect();
        assert_eq!(named(&slices, 3), "s3 (3 rows), s2 (2 rows), s1 (1 row)");
        assert_eq!(named(&slices, 1), "s3 (3 rows) and 2 more");
    }
}
