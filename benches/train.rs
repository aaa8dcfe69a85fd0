//! `plaudit train` on IMDb, from the file to the figures of its test, against scikit-learn with the same n-grams and the same
//! `C`. Each is a process of its own; the two take turns. Needs IMDb and `PLAUDIT_BENCH_PYTHON`, a Python with scikit-learn.
#![expect(clippy::print_stdout, reason = "a measurement's output")]

#[path = "support/figures.rs"]
mod figures;

use figures::{median, row, say};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

const ROUNDS: usize = 3;

fn main() {
    let folder = std::env::var_os("PLAUDIT_TEST_DATA").map_or_else(PathBuf::new, PathBuf::from);
    let imdb = folder.join("imdb.parquet");
    if !imdb.is_file() {
        say(&format!("left out: there is no {}; PLAUDIT_TEST_DATA names the folder", imdb.display()));
        return;
    }
    let python = std::env::var("PLAUDIT_BENCH_PYTHON").ok();
    if python.is_none() {
        say("scikit-learn is left out: PLAUDIT_BENCH_PYTHON is not set (dev/bench sets it)");
    }
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let run = plaudit(&imdb);
        say(&format!("round {round}: plaudit       {run}"));
        ours.push(run);
        if let Some(python) = &python {
            let run = scikit_learn(python, &imdb);
            say(&format!("round {round}: scikit-learn  {run}"));
            theirs.push(run);
        }
    }
    if theirs.is_empty() {
        return;
    }
    let (ours, theirs) = (Run::median(&ours), Run::median(&theirs));
    let peer = |figure: &str| format!("scikit-learn: {figure}");
    row(
        "train and test on IMDb, time",
        &format!("{:.2} s", ours.seconds),
        &peer(&format!("{:.1} s", theirs.seconds)),
        ours.seconds / theirs.seconds,
    );
    row(
        "train and test on IMDb, peak memory",
        &format!("{:.0} MB", ours.peak_bytes / 1e6),
        &peer(&format!("{:.0} MB", theirs.peak_bytes / 1e6)),
        ours.peak_bytes / theirs.peak_bytes,
    );
    row(
        "train and test on IMDb, accuracy",
        &format!("{:.4}", ours.accuracy),
        &peer(&format!("{:.4}", theirs.accuracy)),
        ours.accuracy / theirs.accuracy,
    );
}

/// A process from its start to its end.
#[derive(Clone, Copy)]
struct Run {
    seconds: f64,
    peak_bytes: f64,
    accuracy: f64,
}

impl Run {
    fn median(runs: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| median(&runs.iter().map(figure).collect::<Vec<_>>());
        Self { seconds: of(|run| run.seconds), peak_bytes: of(|run| run.peak_bytes), accuracy: of(|run| run.accuracy) }
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { seconds, peak_bytes, accuracy } = self;
        write!(f, "{seconds:.2} s, {:.0} MB, accuracy {accuracy:.4}", peak_bytes / 1e6)
    }
}

fn plaudit(imdb: &Path) -> Run {
    let registry = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_plaudit"));
    command.args(["train", "--where", "split=train", "--test-where", "split=test", "--json", "--input"]).arg(imdb);
    command.arg("--registry").arg(registry.path()).stderr(Stdio::null());
    let (seconds, report) = timed(&mut command);
    Run {
        seconds,
        peak_bytes: report["peak_rss_bytes"].as_f64().expect("Linux tells"),
        accuracy: report["metrics"]["accuracy"].as_f64().expect("a test was asked for"),
    }
}

fn scikit_learn(python: &str, imdb: &Path) -> Run {
    let mut command = Command::new(python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/scikit_learn.py")).arg(imdb);
    let (seconds, report) = timed(&mut command);
    Run {
        seconds,
        peak_bytes: report["peak_rss_bytes"].as_f64().expect("the peer prints it"),
        accuracy: report["accuracy"].as_f64().expect("the peer prints it"),
    }
}

/// Seconds from start to end, and the JSON that was printed.
fn timed(command: &mut Command) -> (f64, serde_json::Value) {
    let started = Instant::now();
    let output = command.output().expect("the command can be run");
    let seconds = started.elapsed().as_secs_f64();
    assert!(output.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    (seconds, serde_json::from_slice(&output.stdout).expect("the command prints JSON"))
}
