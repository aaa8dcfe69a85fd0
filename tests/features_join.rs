//! `plaudit features join` as a user runs it: small files, every format, and what it says when something is wrong.

use feature_store::offline::{ReadOptions, ReviewFiles};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).expect("a file in the temporary folder");
        path
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).expect("the temporary folder");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn plaudit(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plaudit"));
    // A developer's shell may configure the binary otherwise.
    for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("PLAUDIT__")) {
        command.env_remove(key);
    }
    command.args(arguments).output().expect("plaudit runs")
}

fn join(input: &Path, output: &Path, more: &[&str]) -> Output {
    let mut arguments = vec!["features", "join", "--json", "--input", text(input), "--output", text(output)];
    arguments.extend(more);
    plaudit(&arguments)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

fn report(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("the report is JSON")
}

fn refusal(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

const REVIEWS: &str = "\
review_id,product_id,user_id,text,rating,created_at
r1,p1,u1,good,5,2024-05-01
r2,p1,u2,bad,1,2024-05-02
r3,p1,u1,fine,4,2024-05-02
r4,p2,u1,well,3,2024-05-03
r5,p1,,late,2,2024-05-03
";

/// The rows of a joined file, read back by the join itself: joined again, its columns would be taken.
fn second_join_is_refused(folder: &Folder, joined: &Path) {
    let (code, message) = refusal(&join(joined, &folder.path("again.parquet"), &[]));
    assert_eq!(code, Some(1));
    assert!(message.contains("`product_stats.rating_count` already"), "{message}");
}

#[test]
fn rows_see_the_ratings_before_them_and_the_report_counts_them() {
    let folder = Folder::new();
    let reviews = folder.write("reviews.csv", REVIEWS);
    let joined = folder.path("joined.parquet");
    let report = report(&join(&reviews, &joined, &[]));
    assert_eq!(report["rows"], 5);
    // r1 and r4 are the first of their products; r2 and r3 see r1 alone, since neither is before the other.
    let counts = |matched: u64, missing: u64, no_entity: u64| serde_json::json!({"matched": matched, "missing": missing, "stale": 0, "no_entity": no_entity, "no_time": 0});
    assert_eq!(report["views"]["product_stats"], counts(3, 2, 0));
    assert_eq!(report["views"]["user_stats"], counts(2, 2, 1));
    assert!(report["seconds"].is_number() && report["spilled_bytes"] == 0);
    assert_eq!(folder.names(), ["joined.parquet", "reviews.csv"]);
    second_join_is_refused(&folder, &joined);
}

#[test]
fn history_of_other_files_and_a_ttl_count() {
    let folder = Folder::new();
    let reviews = folder.write("reviews.csv", REVIEWS);
    let history = folder.write(
        "history.jsonl",
        "{\"text\": \"x\", \"product_id\": \"p2\", \"rating\": 5, \"created_at\": \"2024-05-02\"}\n\
         {\"text\": \"x\", \"product_id\": \"p1\", \"rating\": 5, \"created_at\": \"2024-04-01\"}\n",
    );
    let flags = ["--history", text(&history), "--view", "product_stats", "--set", "features.ttl_days=2"];
    let report = report(&join(&reviews, &folder.path("joined.parquet"), &flags));
    assert_eq!(report["views"]["product_stats"]["matched"], 1);
    assert_eq!(report["views"]["product_stats"]["stale"], 4);
    assert_eq!(report["views"]["user_stats"], Value::Null);
}

#[test]
fn a_late_rating_counts_from_when_it_came_where_a_column_says_so() {
    let folder = Folder::new();
    // The second was written before the third, and came behind it.
    let reviews = folder.write(
        "reviews.csv",
        "text,product_id,rating,created_at,came\n\
         a,p1,5,2024-05-01,2024-05-01\nb,p1,1,2024-05-02,2024-05-09\nc,p1,4,2024-05-03,2024-05-03\n\
         d,p1,4,2024-05-10,2024-05-10\n",
    );
    for (flags, matched, expected) in [
        (&["--view", "product_stats"][..], 3, "1,2,3"),
        (&["--view", "product_stats", "--known-from", "came"], 3, "2,1,3"),
    ] {
        let joined = folder.path("joined.parquet");
        let report = report(&join(&reviews, &joined, flags));
        assert_eq!(report["views"]["product_stats"]["matched"], matched);
        let options = ReadOptions { features: vec!["product_stats.rating_count".to_owned()], ..ReadOptions::default() };
        let rows = ReviewFiles::open(&[joined], &options).unwrap().next_batch().unwrap().unwrap();
        let counts: Vec<String> = rows.iter().skip(1).map(|row| row.features[0].to_string()).collect();
        assert_eq!(counts.join(","), expected, "{flags:?}");
    }
    let (code, message) = refusal(&join(&reviews, &folder.path("joined.parquet"), &["--known-from", "nowhere"]));
    assert!(code == Some(2) && message.contains("nowhere"), "{code:?} {message}");
}

#[test]
fn what_is_wrong_is_named_and_nothing_is_left() {
    let folder = Folder::new();
    let reviews = folder.write("reviews.csv", REVIEWS);
    let no_time = folder.write("untimed.csv", "text,product_id,user_id\nwords,p1,u1\n");
    let joined = folder.path("joined.parquet");
    for (input, output, flags, code, named) in [
        (&no_time, &joined, vec![], 2, "--column created_at="),
        (&folder.path("absent.csv"), &joined, vec![], 1, "absent.csv"),
        (&reviews, &folder.path("no/such/folder.parquet"), vec![], 1, "no/such/folder.parquet"),
        (&reviews, &reviews, vec![], 2, "name another"),
        (&reviews, &joined, vec!["--memory-limit", "1MiB"], 2, "too small"),
        (&reviews, &joined, vec!["--features", "v=reviews.csv"], 1, "reviews.csv"),
        (&reviews, &joined, vec!["--features", text(&reviews)], 2, "VIEW=FILE"),
        (&reviews, &joined, vec!["--view", "nobody"], 2, "product_stats, user_stats"),
    ] {
        let (found, message) = refusal(&join(input, output, &flags));
        assert!(found == Some(code) && message.contains(named), "{flags:?}: {found:?} {message}");
    }
    assert_eq!(folder.names(), ["reviews.csv", "untimed.csv"]);
}

#[test]
fn a_disk_that_takes_no_more_is_named_and_nothing_is_left() {
    let folder = Folder::new();
    let reviews = folder.write("reviews.csv", &many_reviews(20_000));
    let joined = folder.path("joined.parquet");
    // A limit on the size of files stands for a disk: with its signal ignored, writing ends with an error.
    let script = "trap '' XFSZ; ulimit -f 64; exec \"$0\" features join --input \"$1\" --output \"$2\"";
    let mut limited = Command::new("bash");
    limited.args(["-c", script, env!("CARGO_BIN_EXE_plaudit")]).args([&reviews, &joined]);
    let (code, message) = refusal(&limited.output().expect("bash runs"));
    assert_eq!(code, Some(1));
    assert!(message.contains("cannot write") && message.contains(text(&joined)), "{message}");
    assert_eq!(folder.names(), ["reviews.csv"]);
}

#[test]
fn a_join_that_is_stopped_leaves_nothing() {
    let folder = Folder::new();
    let reviews = folder.write("reviews.csv", &many_reviews(400_000));
    let joined = folder.path("joined.parquet");
    let mut running = Command::new(env!("CARGO_BIN_EXE_plaudit"))
        .args(["features", "join", "--input", text(&reviews), "--output", text(&joined)])
        .stderr(Stdio::piped())
        .spawn()
        .expect("plaudit runs");
    // It has begun when its file is there.
    let deadline = Instant::now() + Duration::from_secs(60);
    while folder.names().len() < 2 {
        assert!(Instant::now() < deadline, "the join does not begin");
        assert!(running.try_wait().expect("it runs").is_none(), "the join ended before it could be stopped");
        std::thread::yield_now();
    }
    let stopped = Command::new("kill").args(["-TERM", &running.id().to_string()]).status().expect("kill runs");
    assert!(stopped.success());
    let output = running.wait_with_output().expect("it ends");
    let (code, message) = refusal(&output);
    assert_eq!(code, Some(1));
    assert!(message.contains("stopped"), "{message}");
    assert_eq!(folder.names(), ["reviews.csv"]);
}

fn many_reviews(count: usize) -> String {
    let rows = (0..count).map(|row| {
        let (product, user, stars, second) = (row % 997, row % 4999, 1 + row % 5, row);
        format!("r{row},p{product},u{user},text number {row},{stars},{}\n", 1_700_000_000_000 + second as u64 * 1000)
    });
    std::iter::once("review_id,product_id,user_id,text,rating,created_at\n".to_owned()).chain(rows).collect()
}

#[test]
fn only_rows_of_the_time_asked_for_are_joined_whatever_the_format_and_history_stays_whole() {
    let folder = Folder::new();
    let rows = "text,product_id,user_id,rating,created_at\n\
                a,p1,u1,5,2024-05-01\nb,p1,u2,2,2024-05-02\nc,p1,u3,,2024-05-03\nd,p1,u1,4,\ne,p1,u1,4,2024-05-04\n";
    let csv = folder.write("reviews.csv", rows);
    let parquet = folder.path("reviews.parquet");
    report(&join(&csv, &parquet, &["--view", "user_stats"]));
    for input in [&csv, &parquet] {
        let flags = ["--since", "2024-05-02", "--until", "2024-05-04", "--view", "product_stats"];
        let joined = report(&join(input, &folder.path("joined.parquet"), &flags));
        assert_eq!((&joined["rows"], &joined["views"]["product_stats"]["matched"]), (&2.into(), &2.into()), "{joined}");
    }
}
