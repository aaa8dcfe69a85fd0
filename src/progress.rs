//! Training and testing as they go on, on stderr: a bar on a terminal, now and then a line elsewhere.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};
use trainer::Progress;

/// Where nobody watches, a stage that goes on says so this often.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// Shows each step that it is called with, and clears the bar when it is dropped.
pub fn show() -> impl FnMut(Progress) + Send + 'static {
    let mut display = if std::io::stderr().is_terminal() {
        Display::Bar(ClearedBar(ProgressBar::new(0)))
    } else {
        Display::Lines { last: Instant::now() }
    };
    let mut shown = None;
    move |step| {
        let is_new_stage = shown.replace(std::mem::discriminant(&step)) != Some(std::mem::discriminant(&step));
        match &mut display {
            Display::Bar(ClearedBar(bar)) => draw(bar, &step, is_new_stage),
            Display::Lines { last } if is_new_stage || last.elapsed() >= LINE_INTERVAL => {
                *last = Instant::now();
                // A closed stderr must not end the training.
                let _ = writeln!(std::io::stderr(), "{}", message(&step));
            }
            Display::Lines { .. } => {}
        }
    }
}

enum Display {
    Bar(ClearedBar),
    Lines { last: Instant },
}

/// Leaves no half-full bar above the result.
struct ClearedBar(ProgressBar);

impl Drop for ClearedBar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn draw(bar: &ProgressBar, step: &Progress, is_new_stage: bool) {
    let bytes = bytes(step).filter(|(_, total)| *total > 0);
    if is_new_stage {
        let template =
            if bytes.is_some() { "{bar:30} {bytes}/{total_bytes}  {msg}" } else { "{spinner} {elapsed}  {msg}" };
        bar.set_style(ProgressStyle::with_template(template).expect("the template is well-formed"));
    }
    if let Some((read, total)) = bytes {
        bar.set_length(total);
        bar.set_position(read);
    }
    bar.set_message(message(step));
    bar.tick();
}

fn bytes(step: &Progress) -> Option<(u64, u64)> {
    match *step {
        Progress::Learning { bytes_read, total_bytes, .. } | Progress::Testing { bytes_read, total_bytes, .. } => {
            Some((bytes_read, total_bytes))
        }
        Progress::Fitting(_) | Progress::Tuning { .. } | Progress::Registering => None,
    }
}

fn message(step: &Progress) -> String {
    match step {
        Progress::Learning { rows, .. } => format!("reading, {rows} rows{}", share(step)),
        Progress::Fitting(fit) => match fit.gap {
            Some(gap) => format!("fitting, pass {}, relative gap {gap:.1e}", fit.iteration),
            None => format!("fitting, pass {}", fit.iteration),
        },
        Progress::Testing { rows, .. } => format!("testing, {rows} rows{}", share(step)),
        Progress::Tuning { done, total, best } => match best {
            Some(best) => format!("tuning, {done} of {total} fits, the best of these {best:.4}"),
            None => format!("tuning, {done} of {total} fits"),
        },
        Progress::Registering => "registering".to_owned(),
    }
}

/// `, 40 % of the bytes`.
fn share(step: &Progress) -> String {
    match bytes(step) {
        Some((read, total)) if total > 0 => format!(", {} % of the bytes", read.min(total) * 100 / total),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::FitProgress;

    #[test]
    fn each_stage_reads_well() {
        let reading = Progress::Learning { rows: 2048, bytes_read: 2, total_bytes: 5 };
        assert_eq!(message(&reading), "reading, 2048 rows, 40 % of the bytes");
        assert_eq!(message(&Progress::Testing { rows: 3, bytes_read: 0, total_bytes: 0 }), "testing, 3 rows");
        let fitting = Progress::Fitting(FitProgress { iteration: 4, gap: Some(0.0016) });
        assert_eq!(message(&fitting), "fitting, pass 4, relative gap 1.6e-3");
    }
}
