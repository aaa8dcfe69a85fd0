//! `plaudit features join` on generated files, beside DuckDB's ASOF join on the same: a process each, from start to end, in
//! turns. Then, on its own, on files that are mostly of one product, and with the ratings of the rows themselves as history.
//! `PLAUDIT_BENCH_JOIN_ROWS` is the number of rows to be joined (a million; five times as many feature rows). Needs
//! `PLAUDIT_BENCH_PYTHON`, a Python with DuckDB, which also makes the files.
#![expect(clippy::print_stdout, reason = "a measurement's output")]

#[path = "support/figures.rs"]
mod figures;

use figures::{median, row, say};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

const ROUNDS: usize = 3;
const FEATURE_ROWS_PER_ROW: u64 = 5;

fn main() {
    let Ok(python) = std::env::var("PLAUDIT_BENCH_PYTHON") else {
        say("left out: PLAUDIT_BENCH_PYTHON is not set (dev/bench sets it)");
        return;
    };
    let rows = std::env::var("PLAUDIT_BENCH_JOIN_ROWS").ok();
    let rows: u64 = rows.map_or(1_000_000, |rows| rows.parse().expect("PLAUDIT_BENCH_JOIN_ROWS is a number"));
    let feature_rows = FEATURE_ROWS_PER_ROW * rows;
    // Not /tmp, which may be memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder");
    say(&format!("generating {rows} rows and {feature_rows} feature rows"));
    let generate = |percent_of_one: &str| {
        let (rows, feature_rows) = (rows.to_string(), feature_rows.to_string());
        peer(&python, &["generate", path(folder.path()), &rows, &feature_rows, percent_of_one]);
    };
    generate("0");
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let run = plaudit(folder.path(), With::Features);
        say(&format!("round {round}: plaudit  {:.2} s, {:.0} MB", run.seconds, run.peak_bytes / 1e6));
        ours.push(run);
        let output = folder.path().join("duckdb.parquet");
        let run = peer(&python, &["join", path(folder.path()), path(&output)]).expect("the peer prints figures");
        say(&format!("round {round}: DuckDB   {:.2} s, {:.0} MB", run.seconds, run.peak_bytes / 1e6));
        theirs.push(run);
    }
    let (ours, theirs) = (Run::median(&ours), Run::median(&theirs));
    let what = format!("join of {rows} rows with {feature_rows} feature rows");
    row(
        &format!("{what}, time"),
        &format!("{:.2} s", ours.seconds),
        &format!("DuckDB: {:.2} s", theirs.seconds),
        ours.seconds / theirs.seconds,
    );
    row(
        &format!("{what}, peak memory"),
        &format!("{:.0} MB", ours.peak_bytes / 1e6),
        &format!("DuckDB: {:.0} MB", theirs.peak_bytes / 1e6),
        ours.peak_bytes / theirs.peak_bytes,
    );
    alone(&format!("join of {rows} rows with their own ratings as history"), folder.path(), With::History);
    generate("80");
    alone(&format!("{what}, four fifths of both of one product"), folder.path(), With::Features);
    alone(&format!("join of {rows} such rows with their own ratings as history"), folder.path(), With::History);
}

/// What rows are joined with.
#[derive(Clone, Copy)]
enum With {
    Features,
    History,
}

fn alone(what: &str, folder: &Path, with: With) {
    let run = plaudit(folder, with);
    println!("| {what} | {:.2} s, {:.0} MB | none | |", run.seconds, run.peak_bytes / 1e6);
}

/// A process from its start to its end.
#[derive(Clone, Copy)]
struct Run {
    seconds: f64,
    peak_bytes: f64,
}

impl Run {
    fn median(runs: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| median(&runs.iter().map(figure).collect::<Vec<_>>());
        Self { seconds: of(|run| run.seconds), peak_bytes: of(|run| run.peak_bytes) }
    }
}

fn plaudit(folder: &Path, with: With) -> Run {
    let features = format!("product_stats={}", path(&folder.join("features.parquet")));
    let mut command = Command::new(env!("CARGO_BIN_EXE_plaudit"));
    command.args(["features", "join", "--json", "--input"]).arg(folder.join("rows.parquet"));
    match with {
        With::Features => command.args(["--features", &features]),
        With::History => command.args(["--view", "product_stats"]),
    };
    command.arg("--output").arg(folder.join("joined.parquet")).stderr(Stdio::null());
    figures_of(&mut command).expect("plaudit prints figures")
}

fn peer(python: &str, arguments: &[&str]) -> Option<Run> {
    let mut command = Command::new(python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/duckdb_join.py")).args(arguments);
    figures_of(&mut command)
}

fn figures_of(command: &mut Command) -> Option<Run> {
    let started = Instant::now();
    let output = command.output().expect("the command can be run");
    let seconds = started.elapsed().as_secs_f64();
    assert!(output.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
    Some(Run { seconds, peak_bytes: report["peak_rss_bytes"].as_f64()? })
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}
