//! `plaudit train`, from files to the figures of a test. On IMDb against scikit-learn with the same n-grams, term weights and
//! `C`, for each preset; on Amazon's reviews in time order, at their own balance, against Vowpal Wabbit's batch training with
//! the same n-grams. Each is a process of its own; they take turns. Needs the reviews and `PLAUDIT_BENCH_PYTHON`, a Python that has the peers.
#![expect(clippy::print_stdout, reason = "a measurement's output")]

#[path = "support/figures.rs"]
mod figures;

use figures::{median, row, say};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

const ROUNDS: usize = 3;
const PRESETS: [&str; 2] = ["fast", "accurate"];
/// Of both presets.
const NGRAMS: &str = "3";

fn main() {
    let python = std::env::var("PLAUDIT_BENCH_PYTHON").ok();
    if python.is_none() {
        say("the peers are left out: PLAUDIT_BENCH_PYTHON is not set (dev/bench sets it)");
    }
    if let Some(imdb) = data("imdb.parquet") {
        PRESETS.iter().for_each(|preset| on_imdb(&imdb, preset, python.as_deref()));
    }
    if let (Some(amazon), Some(python)) = (data("amazon_stream.parquet"), &python) {
        on_amazon(&amazon, python);
    }
}

fn data(file: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("PLAUDIT_TEST_DATA").map_or_else(PathBuf::new, PathBuf::from);
    let path = folder.join(file);
    if path.is_file() {
        return Some(path);
    }
    say(&format!("left out: there is no {}; PLAUDIT_TEST_DATA names the folder", path.display()));
    None
}

fn on_imdb(imdb: &Path, preset: &str, python: Option<&str>) {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let run = plaudit(imdb, &["--where", "split=train", "--test-where", "split=test", "--preset", preset]);
        say(&format!("{preset}, round {round}: plaudit       {run}"));
        ours.push(run);
        if let Some(python) = python {
            let run = scikit_learn(python, imdb, preset, "lbfgs");
            say(&format!("{preset}, round {round}: scikit-learn  {run}"));
            theirs.push(run);
        }
    }
    let Some(python) = python else { return };
    let trust_region = scikit_learn(python, imdb, preset, "liblinear");
    let (ours, theirs) = (Run::median(&ours), Run::median(&theirs));
    let compare = |what: &str, shown: &dyn Fn(&Run) -> String, figure: fn(&Run) -> f64| {
        let peer = format!("scikit-learn: {}", shown(&theirs));
        row(&format!("IMDb, preset {preset}, {what}"), &shown(&ours), &peer, figure(&ours) / figure(&theirs));
    };
    compare("file to test, time", &|run| format!("{:.2} s", run.seconds), |run| run.seconds);
    compare("peak memory", &|run| format!("{:.0} MB", run.peak_bytes / 1e6), |run| run.peak_bytes);
    compare("fit alone, L-BFGS", &|run| format!("{:.2} s", run.fit_seconds), |run| run.fit_seconds);
    compare("accuracy", &|run| format!("{:.4}", run.accuracy), |run| run.accuracy);
    compare("AUC", &|run| format!("{:.4}", run.roc_auc), |run| run.roc_auc);
    row(
        &format!("IMDb, preset {preset}, fit alone, trust-region Newton"),
        &format!("{:.2} s", ours.fit_seconds),
        &format!("scikit-learn: {:.2} s", trust_region.fit_seconds),
        ours.fit_seconds / trust_region.fit_seconds,
    );
}

/// Each preset beside Vowpal Wabbit; then the default one, trained on as many rows of either class.
fn on_amazon(amazon: &Path, python: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [train, test, sample] = ["train", "test", "sample"].map(|name| folder.path().join(format!("{name}.parquet")));
    let test = test.to_string_lossy();
    let mut split = vowpal_wabbit(python, "split");
    assert!(split.arg(amazon).arg(folder.path()).status().expect("Python can be run").success(), "splitting failed");
    let (_, theirs) = timed(vowpal_wabbit(python, "train").arg(folder.path()).arg(NGRAMS));
    for preset in PRESETS {
        let ours = plaudit(&train, &["--test", &test, "--preset", preset]);
        for figure in ["roc_auc", "macro_f1", "log_loss"] {
            let (ours, theirs) = (number(&ours.metrics, figure), number(&theirs, figure));
            let what = format!("Amazon in time order, preset {preset}, {figure}");
            let peer = format!("Vowpal Wabbit, {NGRAMS}-grams: {theirs:.4}");
            row(&what, &format!("{ours:.4}"), &peer, ours / theirs);
        }
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_plaudit"));
    command.args(["sample", "--json", "--input"]).arg(&train).arg("--output").arg(&sample).stderr(Stdio::null());
    timed(&mut command);
    let ece = number(&plaudit(&sample, &["--test", &test]).metrics, "ece");
    let bound = 0.01;
    row("Amazon, trained on a sample of 1 : 1, ECE", &format!("{ece:.4}"), &format!("bound: {bound}"), ece / bound);
}

/// A process from its start to its end.
#[derive(Clone)]
struct Run {
    seconds: f64,
    peak_bytes: f64,
    fit_seconds: f64,
    accuracy: f64,
    roc_auc: f64,
    metrics: Value,
}

impl Run {
    fn of(seconds: f64, report: &Value, metrics: &Value) -> Self {
        Self {
            seconds,
            peak_bytes: number(report, "peak_rss_bytes"),
            fit_seconds: number(&report["seconds"], "fit"),
            accuracy: number(metrics, "accuracy"),
            roc_auc: number(metrics, "roc_auc"),
            metrics: metrics.clone(),
        }
    }

    fn median(runs: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| median(&runs.iter().map(figure).collect::<Vec<_>>());
        Self {
            seconds: of(|run| run.seconds),
            peak_bytes: of(|run| run.peak_bytes),
            fit_seconds: of(|run| run.fit_seconds),
            accuracy: of(|run| run.accuracy),
            roc_auc: of(|run| run.roc_auc),
            metrics: Value::Null,
        }
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { seconds, peak_bytes, accuracy, roc_auc, .. } = self;
        write!(f, "{seconds:.2} s, {:.0} MB, accuracy {accuracy:.4}, AUC {roc_auc:.4}", peak_bytes / 1e6)
    }
}

fn number(figures: &Value, name: &str) -> f64 {
    figures[name].as_f64().unwrap_or_else(|| panic!("{name} is among {figures}"))
}

fn plaudit(input: &Path, flags: &[&str]) -> Run {
    let registry = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_plaudit"));
    command.args(["train", "--json", "--input"]).arg(input).args(flags);
    command.arg("--registry").arg(registry.path()).stderr(Stdio::null());
    let (seconds, report) = timed(&mut command);
    Run::of(seconds, &report, &report["metrics"])
}

fn scikit_learn(python: &str, imdb: &Path, preset: &str, solver: &str) -> Run {
    let mut command = Command::new(python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/scikit_learn.py")).arg(imdb).args([preset, solver]);
    let (seconds, report) = timed(&mut command);
    Run::of(seconds, &report, &report)
}

fn vowpal_wabbit(python: &str, step: &str) -> Command {
    let mut command = Command::new(python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/vowpal_wabbit_batch.py")).arg(step);
    command
}

/// Seconds from start to end, and the JSON that was printed.
fn timed(command: &mut Command) -> (f64, Value) {
    let started = Instant::now();
    let output = command.output().expect("the command can be run");
    let seconds = started.elapsed().as_secs_f64();
    assert!(output.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    (seconds, serde_json::from_slice(&output.stdout).expect("the command prints JSON"))
}
