//! `plaudit features backfill` on a real Redis: what it fills is what `features get` shows, however often it runs.

use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// Runs a verb on the test's own part of Redis.
fn plaudit(project: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let redis = std::env::var("PLAUDIT_TEST_REDIS").expect("PLAUDIT_TEST_REDIS names a Redis: run dev/test");
    let mut command = Command::new(env!("CARGO_BIN_EXE_plaudit"));
    for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("PLAUDIT__")) {
        command.env_remove(key);
    }
    let (redis, project) = (format!("redis.url={redis}"), format!("features.project={project}"));
    // A test machine is busy: reading has no deadline to keep here.
    command.args(arguments).args(["--json", "--set", &redis, "--set", &project, "--set", "redis.deadline_ms=5000"]);
    let output = command.output().expect("plaudit runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn json_of(project: &str, arguments: &[&str]) -> Value {
    let (code, stdout, stderr) = plaudit(project, arguments);
    assert_eq!(code, Some(0), "{stderr}");
    serde_json::from_str(&stdout).expect("JSON")
}

fn own_project(test: &str) -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    format!("backfill-{test}-{}-{}", std::process::id(), since.as_nanos())
}

fn backfill(project: &str, file: &Path) -> Value {
    json_of(project, &["features", "backfill", "--input", file.to_str().expect("UTF-8")])
}

#[test]
fn a_file_counts_once_however_often_it_is_filled_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.csv");
    let rows = "text,product_id,user_id,rating,created_at\n\
                a,p1,u1,5,2024-05-01\nb,p1,u2,2,2024-05-02\nc,p1,,,2024-05-03\nd,p2,u1,4,2024-05-04\n";
    std::fs::write(&file, rows).expect("a file");
    let project = own_project("twice");
    let first = backfill(&project, &file);
    assert_eq!((&first["rows"], &first["skipped"]), (&json!(4), &json!(1)));
    assert_eq!((&first["applied"], &first["replayed"]), (&json!(6), &json!(0)));
    let known = json_of(&project, &["features", "get", "product=p1", "user=u1"]);
    let again = backfill(&project, &file);
    assert_eq!((&again["applied"], &again["replayed"]), (&json!(0), &json!(6)));
    assert_eq!(json_of(&project, &["features", "get", "product=p1", "user=u1"]), known);
    let shown = known.to_string();
    assert!(shown.contains("3.5") && shown.contains("4.5"), "{shown}");
}

#[test]
fn what_ingest_has_counted_is_left_out_by_its_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.csv");
    let rows = "text,product_id,rating,created_at\na,p1,5,2024-05-01\nb,p1,1,2024-05-02\nc,p1,1,2024-05-03T12:00:00Z\n";
    std::fs::write(&file, rows).expect("a file");
    let (project, path) = (own_project("before"), file.to_str().expect("UTF-8"));
    let report = json_of(&project, &["features", "backfill", "--input", path, "--before", "2024-05-02T00:00:00Z"]);
    assert_eq!((&report["later"], &report["applied"]), (&json!(2), &json!(1)));
    let (code, _, message) = plaudit(&project, &["features", "backfill", "--input", path, "--before", "yesterday"]);
    assert!(code == Some(2) && message.contains("2026-11-01"), "{code:?} {message}");
}

#[test]
fn what_cannot_be_filled_in_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("unrated.csv");
    std::fs::write(&file, "text,product_id,created_at\na,p1,2024-05-01\n").expect("a file");
    let (code, _, message) =
        plaudit(&own_project("wrong"), &["features", "backfill", "--input", file.to_str().expect("UTF-8")]);
    let expected = "has no column `rating` to take rating from: name it by --column rating=COLUMN";
    assert!(code == Some(2) && message.contains(expected), "{code:?} {message}");
}

#[test]
fn only_rows_of_the_time_asked_for_are_filled_in_whatever_the_format() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = "text,product_id,user_id,rating,created_at\n\
                a,p1,u1,5,2024-05-01\nb,p1,u2,2,2024-05-02\nc,p1,u3,3,2024-05-03\nd,p1,u1,4,\n";
    let csv = folder.path().join("history.csv");
    std::fs::write(&csv, rows).expect("a file");
    let parquet = folder.path().join("history.parquet");
    let [csv, parquet] = [csv.to_str().expect("UTF-8"), parquet.to_str().expect("UTF-8")];
    json_of("none", &["features", "join", "--input", csv, "--output", parquet]);
    for file in [csv, parquet] {
        let times = ["--since", "2024-05-02", "--until", "2024-05-03"];
        let filled = json_of(&own_project("times"), &[&["features", "backfill", "--input", file][..], &times].concat());
        assert_eq!((&filled["rows"], &filled["applied"]), (&json!(1), &json!(2)), "{file}: {filled}");
    }
}
