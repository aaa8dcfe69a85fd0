//! The program from outside: its words, what it prints for people and for programs, and its exit codes.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails its test")]

use registry::{Registry, Run};
use schemas::ModelName;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

fn plaudit(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plaudit"));
    command.args(arguments).env("USER", "ann").stdin(Stdio::null());
    without_settings(command)
}

/// A developer's shell may point the binary elsewhere.
fn without_settings(mut command: Command) -> Command {
    for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("PLAUDIT__")) {
        command.env_remove(key);
    }
    command
}

fn run(arguments: &[&str]) -> Output {
    plaudit(arguments).output().unwrap()
}

/// Runs a verb on a registry and answers its JSON.
fn json(registry: &Path, arguments: &[&str]) -> Value {
    let output = run(&[arguments, &["--json", "--registry", registry.to_str().unwrap()]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A run that ends with `code` and one line on stderr; answers that line.
fn fails(code: i32, arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}");
    assert_eq!(output.stdout, b"", "{arguments:?}");
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.starts_with("error: ") && message.lines().count() == 1, "{message}");
    message
}

async fn with_three_versions() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::open(folder.path().to_str().unwrap()).unwrap();
    let name: ModelName = "sentiment".parse().unwrap();
    for number in 1..=3 {
        let mut run = Run { library_version: "0.1.0".into(), ..Run::default() };
        run.metrics.insert("accuracy".into(), (0.9 + f64::from(number) / 100.0).into());
        run.metrics.insert("brier".into(), 0.123_456_789.into());
        run.metrics.insert("rows".into(), 40.into());
        registry.register(&name, format!("model {number}").into(), run).await.unwrap();
    }
    folder
}

#[tokio::test]
async fn a_model_is_promoted_rolled_back_and_the_log_tells_so() {
    let folder = with_three_versions().await;
    let registry = folder.path();
    assert_eq!(json(registry, &["models", "promote", "v1"])["previous"], Value::Null);
    json(registry, &["models", "promote", "3", "--who", "ben", "--why", "+2 %"]);
    let back = json(registry, &["models", "rollback"]);
    assert_eq!(
        (&back["version"], &back["previous"], &back["action"]),
        (&"v1".into(), &"v3".into(), &"rollback".into())
    );
    json(registry, &["models", "promote", "v2", "--alias", "canary"]);
    json(registry, &["models", "promote", "canary"]);
    let log = json(registry, &["models", "log"]);
    let told =
        |key: &str| log["entries"].as_array().unwrap().iter().map(|entry| entry[key].clone()).collect::<Vec<_>>();
    assert_eq!(told("version"), ["v1", "v3", "v1", "v2", "v2"]);
    assert_eq!(told("who"), ["ann", "ben", "ann", "ann", "ann"]);
    assert_eq!(json(registry, &["models", "show"])["version"], "v2");
    assert_eq!(json(registry, &["models", "show"])["aliases"], serde_json::json!(["canary", "production"]));
    assert_eq!(json(registry, &["models", "list"])["versions"][2]["run"]["metrics"]["accuracy"], 0.93);

    let again = json(registry, &["models", "promote", "v2", "--why", "once more"]);
    assert_eq!((&again["version"], &again["moved"], &again["sequence"]), (&"v2".into(), &false.into(), &5.into()));
    assert_eq!(json(registry, &["models", "log"]), log);
    let again = run(&["models", "promote", "v2", "--registry", registry.to_str().unwrap()]);
    let said = String::from_utf8(again.stdout).unwrap();
    assert!(said.starts_with("production of \"sentiment\" is v2 already, since ") && again.status.success(), "{said}");
    assert_eq!(json(registry, &["models", "rollback", "--alias", "production"])["moved"], true);
    json(registry, &["models", "promote", "v2"]);

    let list = run(&["models", "list", "--registry", registry.to_str().unwrap()]);
    let show =
        String::from_utf8(run(&["models", "show", "v1", "--registry", registry.to_str().unwrap()]).stdout).unwrap();
    let line = |key: &str| show.lines().find_map(|line| line.trim().strip_prefix(key)).map(str::trim);
    assert_eq!((line("accuracy"), line("brier"), line("rows")), (Some("0.9100"), Some("0.1235"), Some("40")), "{show}");
    assert_eq!(json(registry, &["models", "show", "v1"])["run"]["metrics"]["brier"], 0.123_456_789);
    let list = String::from_utf8(list.stdout).unwrap();
    let lines: Vec<&str> = list.lines().collect();
    assert!(lines[0].starts_with("VERSION  ALIASES             CREATED"), "{list}");
    assert!(lines[2].starts_with("v2       canary, production  ") && lines[2].contains("0.9200"), "{list}");
}

#[tokio::test]
async fn what_does_not_exist_fails_with_one_line_that_names_it() {
    let folder = with_three_versions().await;
    let registry = folder.path().to_str().unwrap();
    let message = fails(1, &["models", "show", "prod", "--registry", registry]);
    assert!(
        message.contains("\"prod\" of \"sentiment\"") && message.contains("there are v1, v2 and v3, and no alias"),
        "{message}"
    );
    let message = fails(1, &["models", "promote", "v9", "--name", "spam", "--registry", registry]);
    assert!(message.contains("there is no such model, only sentiment"), "{message}");
    let message = fails(1, &["topics", "create", "--brokers", "localhost:1", "--set", "kafka.connect_timeout_ms=500"]);
    assert!(message.contains("no Kafka broker answers at localhost:1"), "{message}");
}

#[test]
fn wrong_usage_and_wrong_configuration_end_with_2() {
    for arguments in [&["no-such-verb"][..], &["models", "promote"], &["topics", "create", "--partitions", "0"]] {
        assert_eq!(run(arguments).status.code(), Some(2), "{arguments:?}");
    }
    assert!(fails(2, &["config", "--set", "kafka.broker=x"]).contains("did you mean `kafka.brokers`?"));
    assert!(fails(2, &["config", "--config", "/no/such/file.toml"]).contains("/no/such/file.toml"));
    assert!(fails(2, &["models", "list", "--registry", "gs://bucket/models"]).contains("gs://bucket/models"));
    let misspelt = plaudit(&["config"]).env("PLAUDIT__KAFKA__BROKER", "x").output().unwrap();
    assert_eq!(misspelt.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&misspelt.stderr).contains("PLAUDIT__KAFKA__BROKER"));
}

#[test]
fn the_configuration_is_shown_with_origins_and_without_secrets() {
    let secret = ["--set", "redis.url=redis://me:hunter2@host:6379"];
    let text = String::from_utf8(run(&[&["config", "--brokers", "kafka:1"], &secret[..]].concat()).stdout).unwrap();
    assert!(
        text.contains("brokers = \"kafka:1\"  # the command line") && text.contains("redis://me:***@host"),
        "{text}"
    );
    let json: Value = serde_json::from_slice(&run(&[&["config", "--json"], &secret[..]].concat()).stdout).unwrap();
    assert_eq!(json["redis"]["url"], "redis://me:***@host:6379");
    assert_eq!(json["registry"]["poll_interval_ms"], 1000);
    // Settings count wherever they stand.
    let output = run(&["--set", "scorer.threads=3", "config", "--json", "--set", "scorer.batch_max_records=7"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&json["scorer"]["threads"], &json["scorer"]["batch_max_records"]), (&3.into(), &7.into()));
}

/// A folder with a model in production and files that cannot be used; the binary runs in it.
fn with_a_model_and_files() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let reviews: String = (0..40)
        .map(|i| format!("{{\"text\": \"a {} product {i}\", \"label\": {}}}\n", ["bad", "good"][i % 2], i % 2))
        .collect();
    for (name, content) in [
        ("reviews.jsonl", reviews.as_str()),
        ("no_text.csv", "stars,body\n5,good\n"),
        ("empty.csv", ""),
        ("damaged.parquet", "PAR1 a footer that is none PAR1"),
        ("wrong.toml", "[kafka]\nbroker = \"x\"\n"),
    ] {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let train = ["train", "--input", "reviews.jsonl", "--promote", "--registry", "models"];
    let output = plaudit(&train).current_dir(&folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder
}

/// Asserts the exit code, nothing on stdout, and one `error: ` line, the last of stderr, with all these words.
fn assert_fails(mut command: Command, code: i32, words: &[&str]) {
    let output = command.output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let told = format!("{command:?}:\n{stderr}");
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(code), &b""[..]), "{told}");
    assert!(!stderr.contains("panicked"), "{told}");
    assert_eq!(stderr.lines().filter(|line| line.starts_with("error: ")).count(), 1, "{told}");
    let error = stderr.lines().last().filter(|line| line.starts_with("error: ")).expect(&told);
    assert!(words.iter().all(|word| error.contains(word)), "{words:?} in {told}");
}

#[test]
fn every_foreseen_failure_is_one_sentence_that_names_the_thing() {
    const BROKER: &str = "--brokers localhost:1 --set kafka.connect_timeout_ms=300";
    const NO_BROKER: &[&str] = &["no Kafka broker answers at localhost:1", "set kafka.brokers"];
    const NO_MODEL: &[&str] = &["production", "/nothing", "plaudit train --input FILE --promote"];
    const WRONG_KEY: &[&str] = &["kafka.broker", "did you mean `kafka.brokers`?"];
    let folder = with_a_model_and_files();
    let fails = |line: &str, code, words| {
        let mut command = plaudit(&line.split(' ').collect::<Vec<_>>());
        command.current_dir(&folder);
        assert_fails(command, code, words);
    };
    for (line, code, words) in [
        (format!("score --registry models {BROKER}"), 1, NO_BROKER),
        (format!("topics create {BROKER}"), 1, NO_BROKER),
        (format!("topics check {BROKER}"), 1, NO_BROKER),
        (format!("replay --input reviews.jsonl {BROKER}"), 1, NO_BROKER),
        (
            "serve --registry models --set gateway.listen=127.0.0.1:0 --set redis.url=redis://me@127.0.0.1:1".into(),
            2,
            &["redis.url", "a user and no password"],
        ),
        ("serve --registry nothing --set gateway.listen=127.0.0.1:0".into(), 1, NO_MODEL),
        (format!("score --registry nothing {BROKER}"), 1, NO_MODEL),
        ("predict --registry nothing good".into(), 1, NO_MODEL),
        ("evaluate --registry nothing --input reviews.jsonl".into(), 1, NO_MODEL),
        ("predict --registry models --model canary good".into(), 1, &["\"canary\"", "there are v1 and production"]),
        ("models promote v7 --registry models".into(), 1, &["\"v7\"", "there are v1 and production"]),
        ("config --config wrong.toml".into(), 2, &["kafka.broker", "wrong.toml", "did you mean `kafka.brokers`?"]),
        ("config --set kafka.broker=x".into(), 2, WRONG_KEY),
    ] {
        fails(&line, code, words);
    }
    for verb in ["train --registry other", "evaluate --registry models", &format!("replay {BROKER}"), "demo --once"] {
        for (file, code, words) in [
            ("no_text.csv", 2, &["`no_text.csv`", "stars, body", "--column text=COLUMN"][..]),
            ("empty.csv", 1, &["`empty.csv`", "empty"]),
            ("missing.csv", 1, &["`missing.csv`", "check the path"]),
            ("damaged.parquet", 1, &["`damaged.parquet`", "Parquet"]),
        ] {
            fails(&format!("{verb} --input {file}"), code, words);
        }
    }
    let mut command = plaudit(&["config"]);
    command.env("PLAUDIT__KAFKA__BROKER", "x");
    assert_fails(command, 2, &["PLAUDIT__KAFKA__BROKER", WRONG_KEY[1]]);
}

/// The full disk is a tmpfs of 4 kB in a mount namespace of the child's own. Where none can be mounted, what is asserted
/// is the other half: a folder that nobody may write to, root neither.
#[test]
fn a_forbidden_registry_and_where_tmpfs_can_be_mounted_a_full_one_end_train_with_one_sentence() {
    const TRAIN: [&str; 3] = ["train", "--input", "reviews.jsonl"];
    let folder = with_a_model_and_files();
    let mut forbidden = plaudit(&[&TRAIN[..], &["--registry", "/sys/plaudit"]].concat());
    forbidden.current_dir(&folder);
    assert_fails(forbidden, 1, &["cannot create files in /sys/plaudit", "set registry.url to another folder"]);

    std::fs::create_dir(folder.path().join("full")).unwrap();
    let in_tmpfs = |command: &[&str]| {
        let mut unshare = Command::new("unshare");
        let mount = "mount -t tmpfs -o size=4k none full && exec \"$@\"";
        unshare.args(["--map-root-user", "--mount", "sh", "-c", mount, "sh"]).args(command);
        unshare.current_dir(&folder).stdin(Stdio::null());
        without_settings(unshare)
    };
    if in_tmpfs(&["true"]).output().is_ok_and(|output| output.status.success()) {
        let binary = [env!("CARGO_BIN_EXE_plaudit")];
        let full = in_tmpfs(&[&binary[..], &TRAIN, &["--registry", "full/models"]].concat());
        assert_fails(full, 1, &["cannot write ", "full/models", "free space there, or set registry.url"]);
    }
}

#[test]
fn a_text_may_begin_with_a_hyphen_and_flags_stay_flags() {
    let folder = with_a_model_and_files();
    let registry = folder.path().join("models");
    let answers = |arguments: &[&str]| json(&registry, &[&["predict"], arguments].concat()).as_array().unwrap().len();
    assert_eq!(answers(&["-5 stars"]), 1);
    assert_eq!(answers(&["--model", "v1", "-good", "--explain"]), 1);
    assert_eq!(answers(&["- a good product", "a bad one"]), 2);
    let escaped = run(&["predict", "--registry", registry.to_str().unwrap(), "--", "-5 stars", "-good"]);
    assert_eq!(String::from_utf8(escaped.stdout).unwrap().lines().count(), 2);
    assert_eq!(run(&["predict", "--help"]).status.code(), Some(0));
    for misspelt in [&["predict", "--modle", "v1", "good"][..], &["predict", "good", "--modle", "v1"]] {
        let output = run(misspelt);
        assert_eq!(output.status.code(), Some(2), "{misspelt:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("--modle"), "{misspelt:?}");
    }
}

#[test]
fn a_closed_stdout_is_no_error() {
    let mut child = plaudit(&["config"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn every_help_has_an_example_and_the_version_is_told() {
    let text = |arguments: &[&str]| String::from_utf8(run(arguments).stdout).unwrap();
    // A release names the commit behind it.
    let version = text(&["--version"]);
    let rest = version.strip_prefix(concat!("plaudit ", env!("CARGO_PKG_VERSION"))).unwrap();
    assert!(rest == "\n" || rest.starts_with(" (") && rest.ends_with(")\n"), "{version}");
    let verbs_of = |prefix: &[&str]| {
        let help = text(&[prefix, &["--help"]].concat());
        assert!(help.contains("Example"), "{prefix:?}: {help}");
        let verbs = help.split_once("Commands:\n").map_or("", |(_, rest)| rest.split("\n\n").next().unwrap_or(""));
        // A verb's name stands two blanks in; the rest of a long description further.
        let named = verbs.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        let names = named.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    let verbs = verbs_of(&[]);
    assert!(["models", "topics", "config"].iter().all(|verb| verbs.iter().any(|known| known == verb)), "{verbs:?}");
    for verb in &verbs {
        for inner in verbs_of(&[verb]) {
            verbs_of(&[verb, &inner]);
        }
    }
}

#[test]
fn shells_get_completions_that_they_can_read_and_every_verb_a_manual_page() {
    let script = run(&["completions", "bash"]).stdout;
    let mut bash = Command::new("bash");
    bash.args(["-n", "/dev/stdin"]).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut bash = bash.spawn().unwrap();
    std::io::Write::write_all(&mut bash.stdin.take().unwrap(), &script).unwrap();
    let output = bash.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8(script).unwrap().contains("--until-end"));
    assert_eq!(run(&["completions", "sh"]).status.code(), Some(2));

    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("new/man1");
    let output = run(&["man", "--output", pages.to_str().unwrap(), "--json"]);
    let written: Value = serde_json::from_slice(&output.stdout).unwrap();
    let names: Vec<_> = std::fs::read_dir(&pages).unwrap().map(|page| page.unwrap().file_name()).collect();
    assert_eq!(written["pages"], names.len());
    for name in ["plaudit.1", "plaudit-train.1", "plaudit-models-rollback.1"] {
        assert!(names.iter().any(|page| page == name), "{name} is not among {names:?}");
    }
    let page = std::fs::read_to_string(pages.join("plaudit-status.1")).unwrap();
    assert!(page.contains("Examples:") && page.contains("\\-\\-watch"), "{page}");
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let message = fails(1, &["man", "--output", file.to_str().unwrap()]);
    assert!(message.contains(file.to_str().unwrap()), "{message}");
}
