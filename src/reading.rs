//! How far the reading of files is, on stderr: a line that changes on a terminal, now and then a line elsewhere.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Where nobody watches, a stage that goes on says so this often.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// What has been shown so far; cleared when it is dropped.
pub struct Shown {
    bar: Option<ProgressBar>,
    last: Instant,
    stage: Option<&'static str>,
}

impl Shown {
    /// Nothing yet.
    pub fn new() -> Self {
        let style = ProgressStyle::with_template("{spinner} {elapsed}  {msg}").expect("the template is well-formed");
        let bar = std::io::stderr().is_terminal().then(|| ProgressBar::new(0).with_style(style));
        Self { bar, last: Instant::now(), stage: None }
    }

    /// Shows a message of a stage.
    pub fn show(&mut self, stage: &'static str, message: String) {
        let is_new_stage = self.stage.replace(stage) != Some(stage);
        if let Some(bar) = &self.bar {
            bar.set_message(message);
            bar.tick();
        } else if is_new_stage || self.last.elapsed() >= LINE_INTERVAL {
            self.last = Instant::now();
            // A closed stderr must not end the work.
            let _ = writeln!(std::io::stderr(), "{message}");
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// `reading, 2048 rows, 40 %`.
pub fn message(stage: &str, rows: u64, done_bytes: u64, total_bytes: u64) -> String {
    let share = (done_bytes.min(total_bytes) * 100).checked_div(total_bytes);
    format!("{stage}, {rows} rows{}", share.map_or_else(String::new, |share| format!(", {share} %")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_told_where_the_whole_is_known() {
        assert_eq!(message("reading", 2048, 2, 5), "reading, 2048 rows, 40 %");
        assert_eq!(message("reading", 3, 0, 0), "reading, 3 rows");
    }
}
