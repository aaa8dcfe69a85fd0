//! How far a look at dead letters or their replay is, on stderr: a bar on a terminal, now and then a line elsewhere.

use indicatif::{ProgressBar, ProgressStyle};
use scorer::dead_letters::Progress;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Where nobody watches, a run that goes on says so this often.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// A bar is redrawn no more often.
const BAR_INTERVAL: Duration = Duration::from_millis(100);

/// Leaves no half-full bar behind.
pub struct Display {
    bar: Option<ProgressBar>,
}

impl Display {
    pub fn new() -> Self {
        let style = ProgressStyle::with_template("{bar:30} {percent} %  {msg}").expect("the template is well-formed");
        let bar = std::io::stderr().is_terminal().then(|| ProgressBar::new(0).with_style(style));
        Self { bar }
    }

    /// What to call with each step.
    pub fn shown(&self) -> impl FnMut(Progress) + Send + use<> {
        let bar = self.bar.clone();
        let mut last = Instant::now();
        move |step| match &bar {
            Some(bar) if last.elapsed() >= BAR_INTERVAL => {
                last = Instant::now();
                if let Progress::Reading { read, total, .. } = step {
                    bar.set_length(total);
                    bar.set_position(read);
                }
                bar.set_message(message(step));
            }
            None if last.elapsed() >= LINE_INTERVAL => {
                last = Instant::now();
                // A closed stderr must not end the run.
                let _ = writeln!(std::io::stderr(), "{}", message(step));
            }
            _ => {}
        }
    }

    /// Prints something where the bar may be.
    pub fn beside<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn message(step: Progress) -> String {
    match step {
        Progress::Waiting { partition } => {
            format!("waiting for a transaction that another process has open in partition {partition}")
        }
        Progress::Reading { read, total, replayed: 0 } => format!("{read} of {total} offsets read"),
        Progress::Reading { read, total, replayed } => {
            format!("{read} of {total} offsets read, {replayed} dead letters replayed")
        }
    }
}
