//! What people see while it runs: a picture that is redrawn a few times a second on a terminal, elsewhere a line on stderr
//! every few seconds, since a stdout that is no terminal is for the result alone. The texts on it are generated or the user's own; they go to this screen and to no log.

use crate::tally::Latest;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use service::latency::Quantiles;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};
use trainer::grouped;

/// Redraws a second: smooth to the eye, nothing to the processor.
const DRAWS_PER_SECOND: u8 = 5;

/// Between one line and the next, where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(3);

/// Where the progress of a demo is shown.
#[derive(Debug)]
pub struct Screen(Kind);

#[derive(Debug)]
enum Kind {
    Picture(ProgressBar),
    Lines { last: Option<Instant> },
}

/// The state of a running demo.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Picture {
    pub(crate) model: String,
    pub(crate) gateway: String,
    pub(crate) sent: u64,
    pub(crate) sent_per_second: f64,
    pub(crate) under_way: u64,
    pub(crate) predictions: u64,
    pub(crate) dead_letters: u64,
    pub(crate) latency_ms: Option<Quantiles>,
    pub(crate) accuracy: Option<f64>,
    pub(crate) labelled: u64,
    pub(crate) latest: Vec<Latest>,
}

impl Screen {
    /// A picture where stdout is a terminal and need not stay clean for a JSON document; otherwise lines on stderr.
    pub fn new(json: bool) -> Self {
        if json || !io::stdout().is_terminal() {
            return Self(Kind::Lines { last: None });
        }
        let target = ProgressDrawTarget::stdout_with_hz(DRAWS_PER_SECOND);
        let style = ProgressStyle::with_template("{msg}").expect("the template is one placeholder");
        Self(Kind::Picture(ProgressBar::with_draw_target(None, target).with_style(style)))
    }

    /// Says something once.
    pub(crate) fn note(&mut self, note: &str) {
        match &self.0 {
            Kind::Picture(bar) => bar.println(note),
            Kind::Lines { .. } => print(note),
        }
    }

    /// Says how far something is.
    pub(crate) fn progress(&mut self, progress: &str) {
        match &mut self.0 {
            Kind::Picture(bar) => bar.set_message(progress.to_owned()),
            Kind::Lines { last } => {
                if is_due(last) {
                    print(progress);
                }
            }
        }
    }

    /// Shows the system at work.
    pub(crate) fn picture(&mut self, picture: &Picture) {
        match &mut self.0 {
            Kind::Picture(bar) => bar.set_message(picture.page()),
            Kind::Lines { last } => {
                if picture.sent > 0 && is_due(last) {
                    print(&picture.line());
                }
            }
        }
    }

    /// Leaves the terminal clean for the report.
    pub(crate) fn end(&mut self) {
        if let Kind::Picture(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

fn is_due(last: &mut Option<Instant>) -> bool {
    let is_due = last.is_none_or(|last| last.elapsed() >= LINE_INTERVAL);
    if is_due {
        *last = Some(Instant::now());
    }
    is_due
}

/// Nobody may be reading any more: then nobody misses the line.
fn print(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

impl Picture {
    fn line(&self) -> String {
        let rate = grouped(self.sent_per_second as u64);
        let mut line =
            format!("{} reviews, {rate} a second; {} predictions", grouped(self.sent), grouped(self.predictions));
        if let Some(Quantiles { p50, p99 }) = self.latency_ms {
            line.push_str(&format!("; latency p50 {p50:.0} ms, p99 {p99:.0} ms"));
        }
        if let Some(accuracy) = self.accuracy {
            line.push_str(&format!("; accuracy {accuracy:.3} of {}", grouped(self.labelled)));
        }
        line
    }

    fn page(&self) -> String {
        let rate = grouped(self.sent_per_second as u64);
        let latency = match self.latency_ms {
            Some(Quantiles { p50, p99 }) => format!("p50 {p50:.0} ms, p99 {p99:.0} ms"),
            None => "-".to_owned(),
        };
        let accuracy = match self.accuracy {
            Some(accuracy) => format!("{accuracy:.4} of {} labelled", grouped(self.labelled)),
            None => "-".to_owned(),
        };
        let mut page = format!(
            "\n  model        {}\n  gateway      {}\n\n  reviews      {}, {rate} a second, {} under way\n  predictions  {}, \
             {} dead letters\n  latency      {latency}\n  accuracy     {accuracy}\n\n",
            self.model,
            self.gateway,
            grouped(self.sent),
            grouped(self.under_way),
            grouped(self.predictions),
            grouped(self.dead_letters),
        );
        for Latest { sentiment, confidence, excerpt } in &self.latest {
            page.push_str(&format!("  {sentiment:>10} {confidence:.2}  {excerpt}\n"));
        }
        page.push_str("\n  Ctrl-C ends it.");
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Picture {
        Picture {
            model: "sentiment v1".to_owned(),
            gateway: "http://127.0.0.1:8080".to_owned(),
            sent: 12_345,
            sent_per_second: 2_000.4,
            predictions: 12_000,
            latency_ms: Some(Quantiles { p50: 3.0, p99: 9.0 }),
            accuracy: Some(0.9),
            labelled: 10_000,
            latest: vec![Latest {
                sentiment: "positive".into(), confidence: 0.93, excerpt: "★★★★★ Fine".into()
            }],
            ..Picture::default()
        }
    }

    #[test]
    fn a_line_holds_the_figures_and_no_text() {
        let expected =
            "12,345 reviews, 2,000 a second; 12,000 predictions; latency p50 3 ms, p99 9 ms; accuracy 0.900 of 10,000";
        assert_eq!(picture().line(), expected);
    }

    #[test]
    fn the_page_shows_the_gateway_and_the_latest_predictions() {
        let page = picture().page();
        assert!(page.contains("gateway      http://127.0.0.1:8080"), "{page}");
        assert!(page.contains("  positive 0.93  ★★★★★ Fine"), "{page}");
    }
}
