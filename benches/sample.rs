//! `plaudit sample` on a large input, beside DuckDB's query on the same: a process each, from start to end, in turns. The input
//! is made of `amazon_stream.parquet` in `PLAUDIT_TEST_DATA`, repeated with new ids and a word of noise in each text until it has
//! `PLAUDIT_BENCH_SAMPLE_BYTES` (5 GB). Needs `PLAUDIT_BENCH_PYTHON`, a Python with DuckDB, which also makes the files.
#![expect(clippy::print_stdout, reason = "a measurement's output")]

#[path = "support/figures.rs"]
mod figures;

use figures::{median, row, say};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

const ROUNDS: usize = 3;

fn main() {
    let Ok(python) = std::env::var("PLAUDIT_BENCH_PYTHON") else {
        say("left out: PLAUDIT_BENCH_PYTHON is not set (dev/bench sets it)");
        return;
    };
    let reviews =
        std::env::var_os("PLAUDIT_TEST_DATA").map(|folder| PathBuf::from(folder).join("amazon_stream.parquet"));
    let Some(reviews) = reviews.filter(|reviews| reviews.is_file()) else {
        say("left out: there is no amazon_stream.parquet in the folder PLAUDIT_TEST_DATA");
        return;
    };
    let bytes = std::env::var("PLAUDIT_BENCH_SAMPLE_BYTES").unwrap_or_else(|_| "5000000000".to_owned());
    // Not /tmp, which may be memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder");
    say(&format!("generating {bytes} bytes"));
    peer(&python, &["generate", path(&reviews), path(folder.path()), &bytes]);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder.path().join("input"))
        .expect("the input is there")
        .map(|entry| entry.expect("the input is there").path())
        .collect();
    files.sort();
    let size = files.iter().map(|file| file.metadata().expect("the input is there").len()).sum::<u64>();
    let what = format!("sample of {:.1} GB", size as f64 / 1e9);

    let (mut ours, mut of_little, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        for (name, memory, runs) in [("plaudit", None, &mut ours), ("plaudit, 48 MiB", Some("48MiB"), &mut of_little)] {
            let run = plaudit(&files, folder.path(), memory);
            say(&format!(
                "round {round}: {name}  {:.2} s, {:.0} MB, {} rows",
                run.seconds,
                run.peak_bytes / 1e6,
                run.rows
            ));
            runs.push(run);
        }
        let run = peer(&python, &["sample", path(folder.path())]).expect("the peer prints figures");
        say(&format!(
            "round {round}: DuckDB   {:.2} s, {:.0} MB, {} rows",
            run.seconds,
            run.peak_bytes / 1e6,
            run.rows
        ));
        theirs.push(run);
    }
    let (ours, of_little, theirs) = (Run::median(&ours), Run::median(&of_little), Run::median(&theirs));
    for (limit, ours) in [("", ours), (", a fourth of the memory", of_little)] {
        row(
            &format!("{what}{limit}, time"),
            &format!("{:.2} s", ours.seconds),
            &format!("DuckDB: {:.2} s", theirs.seconds),
            ours.seconds / theirs.seconds,
        );
        row(
            &format!("{what}{limit}, peak memory"),
            &format!("{:.0} MB", ours.peak_bytes / 1e6),
            &format!("DuckDB: {:.0} MB", theirs.peak_bytes / 1e6),
            ours.peak_bytes / theirs.peak_bytes,
        );
    }
}

/// A process from its start to its end.
#[derive(Clone, Copy)]
struct Run {
    seconds: f64,
    peak_bytes: f64,
    rows: f64,
}

impl Run {
    fn median(runs: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| median(&runs.iter().map(figure).collect::<Vec<_>>());
        Self { seconds: of(|run| run.seconds), peak_bytes: of(|run| run.peak_bytes), rows: of(|run| run.rows) }
    }
}

fn plaudit(files: &[PathBuf], folder: &Path, memory: Option<&str>) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plaudit"));
    command.args(["sample", "--json", "--column", "rating=stars", "--column", "created_at=timestamp_ms", "--input"]);
    command.args(files).arg("--output").arg(folder.join("plaudit.parquet")).stderr(Stdio::null());
    command.args(memory.into_iter().flat_map(|memory| ["--memory-limit", memory]));
    figures_of(&mut command).expect("plaudit prints figures")
}

fn peer(python: &str, arguments: &[&str]) -> Option<Run> {
    let mut command = Command::new(python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/duckdb_sample.py")).args(arguments);
    figures_of(&mut command)
}

fn figures_of(command: &mut Command) -> Option<Run> {
    let started = Instant::now();
    let output = command.output().expect("the command can be run");
    let seconds = started.elapsed().as_secs_f64();
    assert!(output.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
    let rows = report["rows"]
        .as_f64()
        .or_else(|| Some(report["rows"]["negative"].as_f64()? + report["rows"]["positive"].as_f64()?))?;
    Some(Run { seconds, peak_bytes: report["peak_rss_bytes"].as_f64()?, rows })
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}
