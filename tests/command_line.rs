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

    let list = run(&["models", "list", "--registry", registry.to_str().unwrap()]);
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
    assert!(fails(2, &["models", "list", "--registry", "s3://bucket/models"]).contains("s3://bucket/models"));
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
    assert_eq!(text(&["--version"]), concat!("plaudit ", env!("CARGO_PKG_VERSION"), "\n"));
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
