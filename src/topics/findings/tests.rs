//! Each finding by a cluster that has it, and by one that does not.

use super::*;
use service::kafka::admin::TopicDescription;
use std::collections::BTreeMap;

const NEEDS: Needs = Needs { feedback_days: 7, transaction_timeout_ms: 15_000 };

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
        internal: BTreeMap::new(),
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

#[test]
fn what_kafka_itself_keeps_has_copies_too() {
    let mut cluster = cluster(3, &[]);
    let own = |replication, pairs: &[(&str, &str)]| TopicInspection {
        description: TopicDescription { partitions: 50, replication, leaderless: 0 },
        settings: Ok(settings(pairs)),
    };
    cluster.internal.insert("__consumer_offsets".to_owned(), own(3, &[("min.insync.replicas", "2")]));
    cluster.internal.insert("__transaction_state".to_owned(), own(3, &[("min.insync.replicas", "2")]));
    assert_eq!(findings(&[], &cluster, &NEEDS), []);

    cluster.internal.insert("__transaction_state".to_owned(), own(1, &[("min.insync.replicas", "1")]));
    let found = findings(&[], &cluster, &NEEDS);
    assert_eq!((found.len(), found[0].severity), (1, Severity::Error));
    assert_eq!(found[0].topic.as_deref(), Some("__transaction_state"));
    assert!(found[0].problem.contains("one copy"), "{found:?}");
    cluster.internal.insert("__transaction_state".to_owned(), own(3, &[("min.insync.replicas", "1")]));
    assert!(findings(&[], &cluster, &NEEDS)[0].problem.starts_with("min.insync.replicas=1"));
    // On one broker there can be no copies, as is said of each topic of ours.
    cluster.brokers = 1;
    cluster.internal.insert("__transaction_state".to_owned(), own(1, &[("min.insync.replicas", "1")]));
    assert_eq!(findings(&[], &cluster, &NEEDS), []);
}

#[test]
fn what_kafka_will_make_of_its_own_topics_is_told_before_they_are_there() {
    let mut cluster = cluster(3, &[]);
    let broker = |offsets, transactions, in_sync| {
        Ok(settings(&[
            ("transaction.max.timeout.ms", "900000"),
            ("offsets.topic.replication.factor", offsets),
            ("transaction.state.log.replication.factor", transactions),
            ("transaction.state.log.min.isr", in_sync),
        ]))
    };
    cluster.broker_settings = broker("3", "3", "2");
    assert_eq!(findings(&[], &cluster, &NEEDS), []);
    for (settings, topic, remedy) in [
        (broker("1", "3", "2"), "__consumer_offsets", "offsets.topic.replication.factor"),
        (broker("3", "1", "1"), "__transaction_state", "transaction.state.log.replication.factor"),
    ] {
        cluster.broker_settings = settings;
        let found = findings(&[], &cluster, &NEEDS);
        assert_eq!((found.len(), found[0].topic.as_deref()), (1, Some(topic)), "{found:?}");
        assert!(found[0].remedy.contains(remedy), "{found:?}");
    }
}
