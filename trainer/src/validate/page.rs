//! A validation as a page.

use super::findings::{Figures, ValidationReport, short};
use crate::html::chart::{Axis, Bar, BarChart, LineChart, Mark, Series};
use crate::html::{Cell, Markup, Page, Table};
use crate::report::grouped;

impl ValidationReport {
    /// The report as one file of HTML that stands alone.
    pub fn to_html(&self) -> String {
        let figures = &self.figures;
        let verdict = if self.passed { "Fit to train on" } else { "Not fit to train on" };
        let about =
            format!("{verdict}: {} rows, {} with a text and a label.", grouped(figures.rows), grouped(figures.usable));
        let mut page = Page::new(&figures.data, &about);
        let mut checks = Table::new(&["", "measured", "value", "limit", "key"]);
        for check in &self.checks {
            checks.row([
                Cell::text(if check.passed { "holds" } else { "FAILS" }),
                Cell::text(check.what),
                Cell::number(short(check.name, check.value)),
                Cell::number(check.limit),
                Cell::text(format!("validation.{}", check.name)),
            ]);
        }
        page.section("Limits", checks.markup());
        page.section("Rows", rows(figures));
        if !figures.months.0.is_empty() {
            page.section("Time", time(figures));
        }
        page.section("Texts", texts(figures));
        page.finish()
    }
}

fn rows(figures: &Figures) -> Markup {
    let bar = |name: &str, rows: u64| Bar { name: name.to_owned(), value: rows as f64, interval: None };
    let mut bars = vec![bar("negative", figures.negatives), bar("positive", figures.positives)];
    bars.extend(figures.dropped.iter().map(|(reason, rows)| bar(&reason.replace('_', " "), *rows)));
    BarChart { caption: "Rows by class, and those left out".to_owned(), axis: Axis::new("rows"), bars }.markup()
}

fn time(figures: &Figures) -> Markup {
    let months: Vec<&[u64; 2]> = figures.months.0.values().collect();
    let series = |name: &str, class: usize| Series {
        name: name.to_owned(),
        points: months.iter().enumerate().map(|(i, rows)| (i as f64, rows[class] as f64)).collect(),
        mark: Mark::Line,
    };
    let (first, last) = (figures.months.0.keys().next(), figures.months.0.keys().next_back());
    let axis = format!("months, from {} to {}", first.map_or("", String::as_str), last.map_or("", String::as_str));
    LineChart {
        caption: "Rows by month and class".to_owned(),
        x: Axis::new(axis),
        y: Axis::new("rows"),
        series: vec![series("negative", 0), series("positive", 1)],
    }
    .markup()
}

fn texts(figures: &Figures) -> Markup {
    let lengths = figures.lengths.iter().enumerate().map(|(power, texts)| Bar {
        name: format!("from {} bytes", grouped(1 << power)),
        value: *texts as f64,
        interval: None,
    });
    let lengths = BarChart { caption: "Texts by length".to_owned(), axis: Axis::new("texts"), bars: lengths.collect() };
    let scripts = figures.profile.script_shares().into_iter().map(|(name, value)| Bar { name, value, interval: None });
    let scripts =
        BarChart { caption: "Letters by script".to_owned(), axis: Axis::new("share"), bars: scripts.collect() };
    let charts: Markup = [lengths.markup(), scripts.markup()].into_iter().collect();
    let mut all = charts.within("div", &[("class", "charts")]);
    if let Some((model, shift)) = &figures.shift {
        let sentence = format!(
            "The words are compared with those that {model} learned from: their population stability index is {shift:.4}. \
             Below 0.1 is little, above 0.25 is much."
        );
        all.push(Markup::paragraph(&sentence));
    }
    all
}
