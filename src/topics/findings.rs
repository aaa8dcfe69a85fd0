//! What can be wrong with topics and brokers, judged from their description alone. The severity follows one rule: what
//! loses records or stops the work is an error, what may be meant so is a warning.

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
    /// The longest transaction, and the key that sets it.
    transaction_timeout: (&'static str, u64),
}

impl Needs {
    pub fn new(config: &Config, feedback_days: u32) -> Self {
        let property = config.kafka.properties.get("transaction.timeout.ms").and_then(|value| value.parse().ok());
        let transaction_timeout = match property {
            Some(property) => ("kafka.properties.transaction.timeout.ms", property),
            None => ("scorer.transaction_timeout_ms", config.scorer.transaction_timeout_ms),
        };
        Self { feedback_days, transaction_timeout }
    }
}

/// All that is wrong, topic by topic and the brokers last.
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
    if let Some(in_sync) = setting("min.insync.replicas").and_then(|value| value.parse().ok()) {
        of_copies(in_sync, replication, found);
    }
    if setting("unclean.leader.election.enable") == Some("true") {
        found.error(
            "unclean.leader.election.enable=true: a copy that lags may come to lead, and what it lacks is lost".into(),
            "set unclean.leader.election.enable=false".into(),
        );
    }
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
    let (key, timeout) = needs.transaction_timeout;
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

#[cfg(test)]
mod tests {
    use super::*;
    use service::kafka::admin::TopicDescription;
    use std::collections::BTreeMap;

    const NEEDS: Needs = Needs { feedback_days: 7, transaction_timeout: ("scorer.transaction_timeout_ms", 15_000) };

    fn settings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// A topic with these copies and settings on three brokers, beside no other.
    fn cluster(replication: usize, changed: &[(&str, &str)]) -> Inspection {
        let mut of_topic = settings(&[
            ("cleanup.policy", "delete"),
            ("min.insync.replicas", "2"),
            ("retention.ms", "604800000"),
            ("unclean.leader.election.enable", "false"),
        ]);
        of_topic.extend(settings(changed));
        let description = TopicDescription { partitions: 6, replication, leaderless: 0 };
        Inspection {
            brokers: 3,
            broker_settings: Ok(settings(&[("transaction.max.timeout.ms", "900000")])),
            topics: BTreeMap::from([("topic".to_owned(), TopicInspection { description, settings: Ok(of_topic) })]),
        }
    }

    /// Severity and the beginning of each problem.
    fn judged(role: Role, cluster: &Inspection) -> Vec<(Severity, String)> {
        let found = findings(&[(role, "topic".to_owned())], cluster, &NEEDS);
        found.into_iter().map(|finding| (finding.severity, finding.problem)).collect()
    }

    /// Asserts that there is one finding, of this severity and with this beginning.
    fn assert_one(role: Role, cluster: &Inspection, severity: Severity, beginning: &str) {
        let judged = judged(role, cluster);
        let [(found, problem)] = judged.as_slice() else { panic!("{beginning}: {judged:?}") };
        assert!(*found == severity && problem.starts_with(beginning), "{beginning}: {judged:?}");
    }

    #[test]
    fn three_copies_of_which_two_are_in_sync_are_fine() {
        for role in [Role::Reviews, Role::DeadLetters, Role::Predictions, Role::Feedback, Role::Drift] {
            assert_eq!(judged(role, &cluster(3, &[])), []);
        }
        assert_eq!(judged(Role::Models, &cluster(3, &[("cleanup.policy", "compact")])), []);
    }

    #[test]
    fn a_topic_that_is_missing_or_leaderless_is_an_error() {
        let mut missing = cluster(3, &[]);
        missing.topics.clear();
        assert_one(Role::Drift, &missing, Severity::Error, "does not exist");
        let mut leaderless = cluster(3, &[]);
        leaderless.topics.get_mut("topic").unwrap().description.leaderless = 2;
        assert_one(Role::Reviews, &leaderless, Severity::Error, "2 of 6 partitions have no leader");
    }

    #[test]
    fn one_copy_is_an_error_where_there_could_be_more() {
        let mut alone = cluster(1, &[("min.insync.replicas", "1")]);
        assert_one(Role::Reviews, &alone, Severity::Error, "there is one copy");
        alone.brokers = 1;
        assert_one(Role::Reviews, &alone, Severity::Warning, "there is one copy");
    }

    #[test]
    fn copies_in_sync_are_neither_too_few_nor_too_many() {
        for (replication, in_sync, severity, beginning) in [
            (3, "1", Severity::Error, "min.insync.replicas=1: a record counts"),
            (3, "3", Severity::Warning, "min.insync.replicas=3 is the replication"),
            (2, "2", Severity::Warning, "min.insync.replicas=2 is the replication"),
            (2, "3", Severity::Error, "min.insync.replicas=3 is more than"),
        ] {
            let cluster = cluster(replication, &[("min.insync.replicas", in_sync)]);
            assert_one(Role::Feedback, &cluster, severity, beginning);
        }
        assert_eq!(judged(Role::Feedback, &cluster(2, &[("min.insync.replicas", "1")])), []);
    }

    #[test]
    fn compaction_belongs_to_models_alone() {
        for policy in ["compact", "compact,delete", "delete, compact"] {
            let compacted = cluster(3, &[("cleanup.policy", policy)]);
            for role in [Role::Reviews, Role::DeadLetters, Role::Predictions] {
                assert_one(role, &compacted, Severity::Error, &format!("cleanup.policy={policy}: of the records"));
            }
        }
        for policy in ["delete", "compact,delete"] {
            let deleted = cluster(3, &[("cleanup.policy", policy)]);
            assert_one(Role::Models, &deleted, Severity::Error, &format!("cleanup.policy={policy}: what is in"));
        }
    }

    #[test]
    fn reviews_and_predictions_wait_for_their_feedback() {
        let short = cluster(3, &[("retention.ms", "604799999")]);
        for role in [Role::Reviews, Role::Predictions] {
            assert_one(role, &short, Severity::Warning, "retention.ms=604799999 is less than the 7 days");
        }
        assert_eq!(judged(Role::Drift, &short), []);
        assert_eq!(judged(Role::Reviews, &cluster(3, &[("retention.ms", "-1")])), []);
    }

    #[test]
    fn a_leader_that_lacks_records_is_an_error() {
        let unclean = cluster(3, &[("unclean.leader.election.enable", "true")]);
        assert_one(Role::Feedback, &unclean, Severity::Error, "unclean.leader.election.enable=true");
    }

    #[test]
    fn the_brokers_must_allow_our_transactions() {
        let mut strict = cluster(3, &[]);
        strict.broker_settings = Ok(settings(&[("transaction.max.timeout.ms", "14999")]));
        let found = findings(&[], &strict, &NEEDS);
        assert_eq!((found.len(), &found[0].topic, found[0].severity), (1, &None, Severity::Error));
        assert_eq!(found[0].remedy, "set scorer.transaction_timeout_ms to 14999 or less");
        strict.broker_settings = Ok(settings(&[("transaction.max.timeout.ms", "15000")]));
        assert_eq!(findings(&[], &strict, &NEEDS), []);
    }

    #[test]
    fn what_cannot_be_seen_is_said() {
        let mut hidden = cluster(3, &[]);
        hidden.topics.get_mut("topic").unwrap().settings = Err("not allowed".to_owned());
        assert_one(Role::Reviews, &hidden, Severity::Warning, "settings cannot be read: not allowed");
        hidden.topics.clear();
        hidden.broker_settings = Err("not allowed".to_owned());
        let found = findings(&[], &hidden, &NEEDS);
        assert_eq!((found.len(), found[0].severity), (1, Severity::Warning));
    }
}
