//! `docs/METRICS.md` is what the code says of its metrics, and the code says enough.

#![expect(clippy::unwrap_used, reason = "in a test every failure is the test's")]

use serde_json::Value;
use service::metrics::{Kind, Metric};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/METRICS.md");

/// Who exposes what.
const TABLES: [(&str, &[Metric]); 5] = [
    ("`plaudit score` and `plaudit serve`", scorer::metrics::METRICS),
    ("`plaudit ingest`", ingest::metrics::METRICS),
    ("`plaudit learn`", learner::metrics::METRICS),
    ("`plaudit monitor`", trainer::monitoring::metrics::METRICS),
    ("`plaudit retrain`", trainer::retrain::METRICS),
];

const BEGINNING: &str = "\
# Metrics

Every service answers `GET /metrics` in Prometheus' text format: `serve` on `gateway.listen`, the others on `health.listen`
where it is set. Histograms have `_bucket`, `_sum` and `_count` behind their names. Counters begin at zero with the process.
Each label has few values, whatever flows through the topics.

This page is made of the tables in the code: `PLAUDIT_WRITE_DOCS=1 cargo test --test metrics` writes it anew.
";

fn page() -> String {
    let mut page = BEGINNING.to_owned();
    for (who, metrics) in TABLES {
        write!(
            page,
            "\n## {who}\n\n| metric | type, unit | labels | what it is | what to do |\n|---|---|---|---|---|\n"
        )
        .unwrap();
        for metric in metrics {
            let Metric { name, kind, labels, meaning, advice } = metric;
            let kind = match kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram => "histogram",
            };
            let unit = metric.unit();
            let unit = if unit.is_empty() { String::new() } else { format!(", {unit}") };
            let labels = labels.join(", ");
            writeln!(page, "| `{name}` | {kind}{unit} | {labels} | {meaning} | {advice} |").unwrap();
        }
    }
    page
}

#[test]
fn the_page_of_metrics_is_what_the_code_says() {
    if std::env::var_os("PLAUDIT_WRITE_DOCS").is_some() {
        std::fs::write(PAGE, page()).unwrap();
    }
    let written = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(
        written == page(),
        "docs/METRICS.md is not what the code says: run `PLAUDIT_WRITE_DOCS=1 cargo test --test metrics` and commit it"
    );
}

#[test]
fn metrics_are_named_once_as_prometheus_has_it_and_say_what_to_do() {
    let mut names = BTreeSet::new();
    for metric in TABLES.iter().flat_map(|(_, metrics)| *metrics) {
        let name = metric.name;
        assert!(names.insert(name), "{name} stands twice");
        assert!(name.starts_with("plaudit_"), "{name}");
        assert_eq!(name.ends_with("_total"), metric.kind == Kind::Counter, "{name}");
        assert!(!metric.meaning.is_empty() && !metric.meaning.ends_with('.'), "{name}: {}", metric.meaning);
        assert!(metric.advice.ends_with('.'), "{name}: {}", metric.advice);
        assert!(![metric.meaning, metric.advice].concat().contains(['|', '\n']), "{name} breaks its table");
    }
}

/// Names that Prometheus adds to each series, and histograms to theirs.
const ADDED_LABELS: [&str; 3] = ["instance", "job", "le"];

/// The queries of alerts and dashboards, and where each stands.
fn queries() -> Vec<(String, String)> {
    let mut queries = Vec::new();
    for file in files("deploy/grafana/dashboards") {
        let board: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        for panel in board["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().unwrap() {
                let place = format!("{}: {}", file.display(), panel["title"]);
                queries.push((place, target["expr"].as_str().unwrap().to_owned()));
            }
        }
    }
    assert!(queries.len() > 40, "{} queries", queries.len());
    queries
}

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

fn rules() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/prometheus/rules.yml")).unwrap()
}

/// What of a text could be the name of a metric or a label.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

#[test]
fn alerts_and_dashboards_ask_for_metrics_that_there_are_by_labels_that_they_have() {
    let known: BTreeMap<String, &[&str]> = TABLES
        .iter()
        .flat_map(|(_, metrics)| *metrics)
        .flat_map(|metric| metric.series().into_iter().map(|series| (series, metric.labels)))
        .collect();
    let of_rules = rules().lines().map(|line| ("rules.yml".to_owned(), line.to_owned())).collect::<Vec<_>>();
    for (place, query) in queries().into_iter().chain(of_rules) {
        let asked: Vec<&str> = words(&query).filter(|word| word.starts_with("plaudit_")).collect();
        for name in &asked {
            assert!(known.contains_key(*name), "{place} asks for {name}, which no service has");
        }
        // A label stands before `=` or `!=` in braces, or behind `by` in brackets.
        let braces = query.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(inside, _)| inside));
        let matched = braces.flat_map(|inside| inside.split(','));
        let matched = matched.filter_map(|part| Some(part.split_once(['=', '!'])?.0.trim()));
        let grouped = query.split(" by (").skip(1).flat_map(|rest| words(rest.split(')').next().unwrap_or("")));
        for label in matched.chain(grouped).filter(|_| !asked.is_empty()) {
            let has = |name: &&str| known[*name].contains(&label) || ADDED_LABELS.contains(&label);
            assert!(asked.iter().any(has), "{place} asks for the label {label} of {asked:?}");
        }
    }
}

#[test]
fn every_alert_names_a_section_that_says_what_to_do() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/OPERATIONS.md")).unwrap();
    let anchors: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .map(|heading| heading.to_lowercase().replace(' ', "-").replace(',', ""))
        .collect();
    let rules = rules();
    let runbooks: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("runbook: ")).collect();
    assert_eq!(runbooks.len(), rules.matches("- alert: ").count());
    for runbook in runbooks {
        let anchor = runbook.strip_prefix("docs/OPERATIONS.md#").unwrap();
        assert!(anchors.contains(anchor), "docs/OPERATIONS.md has no section {anchor}");
    }
}

/// Prometheus' own judge of rules and their tests.
fn promtool(arguments: &[&str]) {
    let mut command = Command::new("promtool");
    let output = command.current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments).output();
    let output = output.expect("promtool is missing: dev/install installs it");
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8_lossy(&told);
    assert!(output.status.success(), "{arguments:?}: {told}");
}

#[test]
fn alerts_come_when_they_should_and_every_query_of_a_dashboard_can_be_read() {
    promtool(&["check", "rules", "deploy/prometheus/rules.yml"]);
    promtool(&["test", "rules", "deploy/prometheus/rules_test.yml"]);
    // As rules, which promtool reads; JSON is YAML.
    let rule = |(place, query): (String, String)| {
        let query = query.replace("$__rate_interval", "5m").replace("$__range", "1h");
        serde_json::json!({"record": "a_query", "expr": query, "labels": {"place": place}})
    };
    let rules: Vec<Value> =
        queries().into_iter().enumerate().map(|(i, (place, query))| rule((format!("{i} {place}"), query))).collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, serde_json::json!({"groups": [{"name": "dashboards", "rules": rules}]}).to_string()).unwrap();
    promtool(&["check", "rules", file.path().to_str().unwrap()]);
}
