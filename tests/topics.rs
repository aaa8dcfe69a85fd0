//! `plaudit topics` on Apache Kafka: what it creates, what it says of topics that were there, and what it finds wrong.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails its test")]

#[path = "support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "others use the rest")]
mod support;

use serde_json::Value;
use service::kafka::admin::{TopicSpec, create_topics};
use std::collections::BTreeMap;
use std::process::Output;
use support::{Names, brokers, plaudit};

/// Names of topics that no other test or run uses.
struct World(Names);

impl World {
    fn new() -> Self {
        Self(Names::new(brokers()))
    }

    fn topic(&self, role: &str) -> String {
        format!("{}-{role}", self.0.kafka.group)
    }

    /// A topic that was there before.
    fn given(&self, role: &str, partitions: i32, settings: &[(&str, &str)]) {
        let config = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let spec = TopicSpec { name: self.topic(role), partitions, replication: 1, config: config.collect() };
        create_topics(&self.0.kafka, &[spec]).unwrap();
    }

    fn topics(&self, arguments: &[&str]) -> Output {
        let mut command = plaudit();
        command.arg("topics").args(arguments);
        for setting in self.0.settings() {
            command.args(["--set", &setting]);
        }
        command.output().unwrap()
    }

    /// Runs the verb with `--json`; answers the exit code and the document.
    fn json(&self, arguments: &[&str]) -> (i32, Value) {
        let output = self.topics(&[arguments, &["--json"]].concat());
        let told = String::from_utf8_lossy(&output.stderr);
        (output.status.code().unwrap(), serde_json::from_slice(&output.stdout).expect(&told))
    }

    /// Severity and problem of each finding on the topic of this role.
    fn findings<'v>(&self, report: &'v Value, role: &str) -> Vec<(&'v str, &'v str)> {
        let of_role = |finding: &&Value| finding["topic"] == self.topic(role).as_str();
        let told = |finding: &'v Value| (finding["severity"].as_str().unwrap(), finding["problem"].as_str().unwrap());
        report["findings"].as_array().unwrap().iter().filter(of_role).map(told).collect()
    }
}

fn by_name(report: &Value) -> BTreeMap<&str, &Value> {
    report["topics"].as_array().unwrap().iter().map(|topic| (topic["name"].as_str().unwrap(), topic)).collect()
}

#[test]
fn topics_that_were_there_are_shown_as_they_are() {
    let world = World::new();
    world.given("reviews", 2, &[]);
    let (code, first) = world.json(&["create", "--partitions", "3"]);
    assert_eq!(code, 0);
    let topics = by_name(&first);
    let reviews = topics[world.topic("reviews").as_str()];
    assert_eq!(
        (&reviews["created"], &reviews["partitions"], &reviews["as_asked"]),
        (&false.into(), &2.into(), &false.into())
    );
    assert_eq!(reviews["asked"]["partitions"], 3);
    let predictions = topics[world.topic("predictions").as_str()];
    assert_eq!(
        (&predictions["created"], &predictions["partitions"], &predictions["as_asked"]),
        (&true.into(), &3.into(), &true.into())
    );

    let (code, again) = world.json(&["create", "--partitions", "3", "--replication", "1"]);
    let same = |topic: &Value| (topic["created"] == false, topic["as_asked"] == true);
    assert_eq!(code, 0);
    assert_eq!(same(by_name(&again)[world.topic("predictions").as_str()]), (true, true));
    let output = world.topics(&["create", "--partitions", "3"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let line = |role: &str| text.lines().find(|line| line.starts_with(&format!("{} ", world.topic(role)))).unwrap();
    assert!(line("reviews").contains("  2  ") && line("reviews").ends_with("not as asked: 3 partitions"), "{text}");
    assert!(line("predictions").ends_with("was there"), "{text}");
}

#[test]
fn created_topics_are_found_fit() {
    let world = World::new();
    world.json(&["create"]);
    let (code, report) = world.json(&["check"]);
    assert_eq!((code, &report["ok"]), (0, &true.into()), "{report:#}");
    // One broker: no copies, which is a warning on each.
    for role in ["reviews", "reviews.dlq", "predictions", "feedback", "feedback.dlq", "models", "drift"] {
        let found = world.findings(&report, role);
        assert!(
            matches!(found.as_slice(), [("warning", problem)] if problem.contains("one copy")),
            "{role}: {found:?}"
        );
    }
    let topics = by_name(&report);
    let models = topics[world.topic("models").as_str()];
    assert_eq!((&models["role"], &models["partitions"]), (&"models".into(), &1.into()));
    assert_eq!(models["settings"]["cleanup.policy"], "compact");
}

#[test]
fn a_compacted_topic_of_predictions_and_one_that_is_missing_are_errors() {
    let world = World::new();
    world.given("predictions", 1, &[("cleanup.policy", "compact")]);
    let (_, report) = world.json(&["check"]);
    assert_eq!(world.findings(&report, "reviews"), [("error", "does not exist, or this client may not see it")]);

    world.json(&["create"]);
    let (code, report) = world.json(&["check"]);
    assert_eq!((code, &report["ok"]), (1, &false.into()), "{report:#}");
    let found = world.findings(&report, "predictions");
    assert!(found.iter().any(|(severity, problem)| *severity == "error" && problem.contains("=compact")), "{found:?}");

    let output = world.topics(&["check"]);
    let (text, message) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!((output.status.code(), message.as_str()), (Some(1), "error: 1 finding is an error\n"));
    assert!(text.lines().any(|line| line.contains("cleanup.policy=compact") && line.contains("=delete")), "{text}");
}

#[test]
fn settings_and_limits_of_the_broker_itself_are_seen() {
    let world = World::new();
    world.json(&["create"]);
    // Kafka's own limit is 15 minutes, and its own retention a week.
    let (code, report) = world.json(&["check", "--feedback-days", "8"]);
    // The broker's limit is read, and is enough; whether another would be, the tests of the findings ask.
    assert_eq!(code, 0, "{report:#}");
    assert!(report["findings"].as_array().unwrap().iter().all(|finding| !finding["topic"].is_null()), "{report:#}");
    for role in ["reviews", "predictions"] {
        let found = world.findings(&report, role);
        assert!(found.iter().any(|(_, problem)| problem.starts_with("retention.ms=604800000 is less")), "{found:?}");
    }
}
