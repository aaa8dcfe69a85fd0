//! What can be wrong with topics and brokers, judged from their description alone. The severity follows one rule: what
//! loses records or stops the work is an error, what may be meant so is a warning.

mod internal;
#[cfg(test)]
mod tests;

use super::Role;
use crate::config::Config;
use serde::Serialize;
use service::kafka::admin::{Inspection, TopicInspection};

const MILLISECONDS_PER_DAY: i64 = 24 * 60 * 60 * 1000;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Records are lost, or nothing works.
    Error,
    /// It may be meant so.
    Warning,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which topic; none where it is the brokers'.
    pub topic: Option<String>,
    pub severity: Severity,
    pub problem: String,
    /// What to do about it.
    pub remedy: String,
}

/// What the topics have to do for us.
pub struct Needs {
    feedback_days: u32,
    /// The longest transaction.
    transaction_timeout_ms: u64,
}

impl Needs {
    pub fn new(config: &Config, feedback_days: u32) -> Self {
        Self { feedback_days, transaction_timeout_ms: config.scorer.transaction_timeout_ms }
    }
}

/// All that is wrong, topic by topic, Kafka's own behind ours, and the brokers last.
pub fn findings(wanted: &[(Role, String)], cluster: &Inspection, needs: &Needs) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (role, name) in wanted {
        let mut found = Findings { topic: Some(name), findings: &mut findings };
        match cluster.topics.get(name) {
            Some(topic) => of_topic(*role, topic, cluster.brokers, needs, &mut found),
            None => {
                found.error(
                    "does not exist, or this client may not see it".into(),
                    "run `plaudit topics create`".into(),
                );
            }
        }
    }
    internal::of_internal_topics(cluster, &mut findings);
    of_brokers(cluster, needs, &mut Findings { topic: None, findings: &mut findings });
    findings
}

struct Findings<'a> {
    topic: Option<&'a str>,
    findings: &'a mut Vec<Finding>,
}

impl Findings<'_> {
    fn error(&mut self, problem: String, remedy: String) {
        self.push(Severity::Error, problem, remedy);
    }

    fn warning(&mut self, problem: String, remedy: String) {
        self.push(Severity::Warning, problem, remedy);
    }

    fn push(&mut self, severity: Severity, problem: String, remedy: String) {
        self.findings.push(Finding { topic: self.topic.map(str::to_owned), severity, problem, remedy });
    }
}

fn of_topic(role: Role, topic: &TopicInspection, brokers: usize, needs: &Needs, found: &mut Findings<'_>) {
    let description = &topic.description;
    if description.leaderless > 0 {
        let (leaderless, partitions) = (description.leaderless, description.partitions);
        found.error(format!("{leaderless} of {partitions} partitions have no leader"), "start their brokers".into());
    }
    if description.replication < 2 {
        let problem = "there is one copy of each record: what its broker loses is lost".to_owned();
        if brokers > 1 {
            found.error(problem, "raise replication to 3 with kafka-reassign-partitions.sh".into());
        } else {
            found.warning(problem, "fine for development; with more brokers, have 3 copies".into());
        }
    }
    match &topic.settings {
        Ok(settings) => {
            let setting = |name: &str| settings.get(name).map(String::as_str);
            of_settings(role, description.replication, needs, found, setting);
        }
        Err(reason) => found.warning(
            format!("settings cannot be read: {}", reason.trim_end_matches('.')),
            "allow this client DescribeConfigs on the topic".into(),
        ),
    }
}

fn of_settings<'s>(
    role: Role,
    replication: usize,
    needs: &Needs,
    found: &mut Findings<'_>,
    setting: impl Fn(&str) -> Option<&'s str>,
) {
    of_durability(replication, found, &setting);
    let policy = setting("cleanup.policy").unwrap_or("delete");
    let has = |word: &str| policy.split(',').any(|part| part.trim() == word);
    match role {
        Role::Reviews | Role::Predictions | Role::DeadLetters if has("compact") => found.error(
            format!("cleanup.policy={policy}: of the records with one key, all but the last are lost"),
            "set cleanup.policy=delete".into(),
        ),
        Role::Models if policy != "compact" => found.error(
            format!("cleanup.policy={policy}: what is in production is deleted with age"),
            "set cleanup.policy=compact".into(),
        ),
        _ => {}
    }
    if matches!(role, Role::Reviews | Role::Predictions) && has("delete") {
        // -1 keeps everything.
        let kept = setting("retention.ms").and_then(|value| value.parse::<i64>().ok()).filter(|kept| *kept >= 0);
        let needed = i64::from(needs.feedback_days) * MILLISECONDS_PER_DAY;
        if let Some(kept) = kept.filter(|kept| *kept < needed) {
            let days = needs.feedback_days;
            found.warning(
                format!("retention.ms={kept} is less than the {days} days in which feedback comes (--feedback-days)"),
                format!("set retention.ms={needed} or more"),
            );
        }
    }
}

/// What keeps a record once it counts as stored.
fn of_durability<'s>(replication: usize, found: &mut Findings<'_>, setting: impl Fn(&str) -> Option<&'s str>) {
    if let Some(in_sync) = setting("min.insync.replicas").and_then(|value| value.parse().ok()) {
        of_copies(in_sync, replication, found);
    }
    if setting("unclean.leader.election.enable") == Some("true") {
        found.error(
            "unclean.leader.election.enable=true: a copy that lags may come to lead, and what it lacks is lost".into(),
            "set unclean.leader.election.enable=false".into(),
        );
    }
}

/// `in_sync` copies have a record before it counts as stored.
fn of_copies(in_sync: usize, replication: usize, found: &mut Findings<'_>) {
    if in_sync > replication {
        let enough = replication.saturating_sub(1).max(1);
        found.error(
            format!("min.insync.replicas={in_sync} is more than the replication of {replication}: no write succeeds"),
            format!("set min.insync.replicas={enough}, or raise the replication"),
        );
    } else if in_sync == replication && replication > 1 {
        let remedy = match replication {
            2 => "raise replication to 3 with kafka-reassign-partitions.sh".to_owned(),
            _ => format!("set min.insync.replicas={}", replication - 1),
        };
        found.warning(
            format!("min.insync.replicas={in_sync} is the replication: one broker that is down stops all writes"),
            remedy,
        );
    } else if in_sync < 2 && replication >= 3 {
        found.error(
            format!("min.insync.replicas={in_sync}: a record counts as stored with one copy, and is lost with it"),
            "set min.insync.replicas=2".into(),
        );
    }
}

fn of_brokers(cluster: &Inspection, needs: &Needs, found: &mut Findings<'_>) {
    const LIMIT: &str = "transaction.max.timeout.ms";
    let (key, timeout) = ("scorer.transaction_timeout_ms", needs.transaction_timeout_ms);
    match &cluster.broker_settings {
        Ok(settings) => {
            let limit = settings.get(LIMIT).and_then(|value| value.parse::<u64>().ok());
            if let Some(limit) = limit.filter(|limit| *limit < timeout) {
                found.error(
                    format!("{LIMIT}={limit} is less than {key}={timeout}: `plaudit score` is refused"),
                    format!("set {key} to {limit} or less"),
                );
            }
        }
        Err(reason) => found.warning(
            format!("{LIMIT} cannot be read: {}", reason.trim_end_matches('.')),
            format!("allow this client DescribeConfigs on the cluster, or see that it is {timeout} or more"),
        ),
    }
}
