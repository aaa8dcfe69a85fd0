//! A search as a page.

use super::tuned::{TrialSummary, Tuned};
use crate::html::chart::{Axis, Bar, BarChart, LineChart, Mark, Series};
use crate::html::{Cell, Markup, Page, Table};
use crate::report::grouped;

/// Bars of the best trials.
const BARS: usize = 20;

impl Tuned {
    /// The search as one file of HTML that stands alone.
    pub fn to_html(&self) -> String {
        let about = format!(
            "{} trials for {}, learned from up to {} rows and judged on {} by {}",
            self.trials.len(),
            self.goal,
            grouped(self.train_rows),
            grouped(self.validation_rows),
            self.validation
        );
        let mut page = Page::new("Search for settings", &about);
        let taken = format!("Trial {} was taken: {}.", self.best.trial, self.best.words());
        let mut result = Markup::paragraph(&taken);
        let charts: Markup = [self.best_chart(), self.scatter()].into_iter().collect();
        result.push(charts.within("div", &[("class", "charts")]));
        page.section("Result", result);
        page.section("Trials", self.table());
        page.finish()
    }

    fn best_chart(&self) -> Markup {
        let of_all_rows = self.trials.iter().filter(|trial| trial.share == 1.0);
        let bar = |trial: &TrialSummary| {
            Some(Bar { name: format!("trial {}", trial.trial), value: trial.figure(self.goal)?, interval: None })
        };
        let bars = of_all_rows.take(BARS).filter_map(bar).collect();
        BarChart { caption: format!("Trials on all rows, by {}", self.goal), axis: Axis::new(self.goal.name()), bars }
            .markup()
    }

    fn scatter(&self) -> Markup {
        let c = |trial: &TrialSummary| trial.settings.get("train.c").and_then(serde_json::Value::as_f64);
        let mut shares: Vec<f64> = self.trials.iter().map(|trial| trial.share).collect();
        shares.dedup();
        let series = |share: &f64| Series {
            name: format!("{:.0} % of the rows", share * 100.0),
            points: (self.trials.iter().filter(|trial| trial.share == *share))
                .filter_map(|trial| Some((c(trial)?, trial.figure(self.goal)?)))
                .collect(),
            mark: Mark::Dots,
        };
        LineChart {
            caption: format!("{} by train.c", self.goal),
            x: Axis::new("train.c").logarithmic(),
            y: Axis::new(self.goal.name()),
            series: shares.iter().map(series).collect(),
        }
        .markup()
    }

    fn table(&self) -> Markup {
        let headings =
            ["trial", "rows", self.goal.name(), "accuracy", "roc auc", "log loss", "macro f1", "seconds", "settings"];
        let mut table = Table::new(&headings);
        for trial in &self.trials {
            let figure = |figure: Option<f64>| {
                Cell::number(figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.4}")))
            };
            let metrics = trial.metrics.as_ref();
            let words = match &trial.error {
                Some(error) => format!("{} — {error}", trial.words()),
                None => trial.words(),
            };
            table.row([
                Cell::number(trial.trial),
                Cell::number(grouped(trial.train_rows)),
                figure(trial.figure(self.goal)),
                figure(metrics.map(|metrics| metrics.accuracy)),
                figure(metrics.and_then(|metrics| metrics.roc_auc)),
                figure(metrics.map(|metrics| metrics.log_loss)),
                figure(metrics.map(|metrics| metrics.macro_f1)),
                Cell::number(format!("{:.1}", trial.seconds)),
                Cell::text(words),
            ]);
        }
        table.markup()
    }
}
