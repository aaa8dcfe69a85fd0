//! A test as a page.

use super::findings::Findings;
use super::slices::{Slice, Slices};
use super::text::{cells, figure, figures, named, only_class, readable, said, sentence};
use super::worst::WorstError;
use crate::html::chart::{Axis, Bar, BarChart, Bin, LineChart, Mark, ReliabilityDiagram, Series};
use crate::html::{Cell, Markup, Page, Table};
use crate::report::{Report, grouped};
use model::NamedTerms;
use model::metrics::{Curves, Interval, Metrics};

/// Rows of a table of slices; all are in the JSON.
const SLICES: usize = 500;
/// Bars of a chart of slices.
const SLICE_BARS: usize = 30;

impl Report {
    /// The report as one file of HTML that stands alone.
    pub fn to_html(&self) -> String {
        let model = format!("{} {}", self.model.name, self.model.version);
        let about = format!(
            "{} rows tested, {} left out. Artifact {}",
            grouped(self.rows.test),
            grouped(self.rows.dropped),
            self.model.sha256
        );
        let mut page = Page::new(&model, &about);
        match (&self.metrics, &self.findings) {
            (Some(metrics), Some(findings)) => add_findings(&mut page, metrics, findings),
            _ => page.section("Figures", Markup::paragraph("Not tested.")),
        }
        page.finish()
    }
}

fn add_findings(page: &mut Page, metrics: &Metrics, findings: &Findings) {
    let mut section = figures_table(metrics, findings);
    if let Some(class) = only_class(metrics) {
        section.push(Markup::paragraph(&format!("All tested rows are {class}: ROC AUC and PR AUC need both classes.")));
    }
    if let Some(threshold) = &findings.threshold {
        section.push(Markup::paragraph(&sentence(threshold)));
    }
    page.section("Figures", section);
    page.section("Curves", charts(curves(&findings.curves, metrics)));
    for slices in &findings.slices {
        page.section(&format!("By {}", slices.by), slices_section(slices));
    }
    if !findings.terms.is_empty() {
        page.section("Terms with most weight", terms_section(&findings.terms));
    }
    if !findings.errors.is_empty() {
        page.section("Worst errors", errors_table(&findings.errors));
    }
}

fn charts(charts: impl IntoIterator<Item = Markup>) -> Markup {
    charts.into_iter().collect::<Markup>().within("div", &[("class", "charts")])
}

fn figures_table(metrics: &Metrics, findings: &Findings) -> Markup {
    let heading = findings.intervals.as_ref().map(said).unwrap_or_default();
    let mut table = Table::new(&["figure", "value", &heading]);
    for (name, value, interval) in figures(metrics, findings.intervals.as_ref()) {
        let interval = interval.map(|Interval { low, high }| format!("{low:.4} to {high:.4}")).unwrap_or_default();
        table.row([Cell::text(name), Cell::number(figure(value)), Cell::number(interval)]);
    }
    let mut confusion = Table::new(&["", "called negative", "called positive"]);
    let counts = &metrics.confusion;
    for (is, negative, positive) in [("is negative", counts.tn, counts.fp), ("is positive", counts.fn_, counts.tp)] {
        confusion.row([Cell::text(is), Cell::number(grouped(negative)), Cell::number(grouped(positive))]);
    }
    let mut all = table.markup();
    all.push(confusion.markup());
    all
}

fn curves(curves: &Curves, metrics: &Metrics) -> [Markup; 3] {
    let line = |name: String, points: Vec<(f64, f64)>| Series { name, points, mark: Mark::Line };
    let share = |label: &str| Axis::new(label).from_to(0.0, 1.0);
    let roc = curves.roc.iter().map(|point| (point.false_positive_rate, point.true_positive_rate)).collect();
    let precision = curves.precision_recall.iter().map(|point| (point.recall, point.precision)).collect();
    let chance = Series { name: "chance".to_owned(), points: vec![(0.0, 0.0), (1.0, 1.0)], mark: Mark::Guide };
    let bin = |bin: &model::metrics::CalibrationBin| Bin {
        low: bin.low,
        high: bin.high,
        rows: bin.rows,
        foretold: bin.mean_probability.unwrap_or(f64::NAN),
        observed: bin.share_of_positives.unwrap_or(f64::NAN),
    };
    [
        ReliabilityDiagram { caption: "Calibration".to_owned(), bins: curves.calibration.iter().map(bin).collect() }
            .markup(),
        LineChart {
            caption: "ROC".to_owned(),
            x: share("share of the negative called positive"),
            y: share("share of the positive called positive"),
            series: vec![chance, line(format!("area {}", figure(metrics.roc_auc)), roc)],
        }
        .markup(),
        LineChart {
            caption: "Precision and recall".to_owned(),
            x: share("recall"),
            y: share("precision"),
            series: vec![line(format!("average precision {}", figure(metrics.pr_auc)), precision)],
        }
        .markup(),
    ]
}

fn slices_section(Slices { by, slices }: &Slices) -> Markup {
    let (small, large): (Vec<&Slice>, Vec<&Slice>) = slices.iter().partition(|slice| slice.is_too_small());
    let by = by.to_string();
    let mut table = Table::new(&[&by, "rows", "positive", "accuracy", "95 %", "macro f1", "roc auc", "log loss"]);
    for slice in large.iter().take(SLICES) {
        if let Some([name, others @ ..]) = cells(slice) {
            table.row([Cell::Text(name)].into_iter().chain(others.map(Cell::Number)));
        }
    }
    let bar = |slice: &&Slice| {
        let interval = slice.accuracy.map(|Interval { low, high }| (low, high));
        Some(Bar { name: slice.name.clone(), value: slice.metrics?.accuracy, interval })
    };
    let chart = BarChart {
        caption: format!("Accuracy by {by}, with intervals of 95 %"),
        axis: Axis::new("accuracy").from_to(0.0, 1.0),
        bars: large.iter().take(SLICE_BARS).filter_map(bar).collect(),
    };
    let mut all = charts([chart.markup()]);
    all.push(table.markup());
    if large.len() > SLICES {
        let more = format!("and {} more with figures", grouped((large.len() - SLICES) as u64));
        all.push(Markup::paragraph(&more));
    }
    if !small.is_empty() {
        let names = Markup::paragraph(&named(&small, SLICES));
        all.push(names.folded(&format!("{} with too few rows for figures", grouped(small.len() as u64))));
    }
    all
}

fn terms_section(NamedTerms { positive, negative }: &NamedTerms) -> Markup {
    let chart = |caption: &str, terms: &[model::NamedTerm]| {
        let bar = |term: &model::NamedTerm| Bar { name: readable(term), value: term.weight, interval: None };
        let bars = terms.iter().map(bar).collect();
        BarChart { caption: caption.to_owned(), axis: Axis::new("log-odds of the term alone"), bars }.markup()
    };
    let mut all = Markup::paragraph(
        "Of the terms that occur in the tested rows. What a term adds to one review depends on its other terms.",
    );
    all.push(charts([chart("Towards positive", positive), chart("Towards negative", negative)]));
    all
}

fn errors_table(errors: &[WorstError]) -> Markup {
    let mut table = Table::new(&["is", "P(positive)", "review", "text"]);
    for error in errors {
        let is = if error.label.is_positive() { "positive" } else { "negative" };
        let place = format!("file {} row {}", error.file, error.row);
        let review = error.review_id.clone().unwrap_or(place);
        let title = error.title.as_deref().filter(|title| !title.is_empty()).map(|title| format!("{title}: "));
        let text = format!("{}{}", title.unwrap_or_default(), error.text);
        table.row([
            Cell::text(is),
            Cell::number(figure(Some(error.probability))),
            Cell::text(review),
            Cell::text(text),
        ]);
    }
    table.markup()
}
