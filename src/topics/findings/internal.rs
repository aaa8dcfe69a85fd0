//! The topics in which Kafka keeps what exactly-once stands on: the offsets of groups, and which transactions were committed. Whoever
//! loses these with a broker repeats or loses records, however many copies there are of ours.

use super::{Finding, Findings, of_durability};
use service::kafka::admin::{GROUP_OFFSETS, Inspection, TRANSACTION_STATE};

/// A topic of Kafka's own, and the settings of a broker by which it is made.
const INTERNAL: [(&str, &str); 2] = [
    (GROUP_OFFSETS, "offsets.topic.replication.factor"),
    (TRANSACTION_STATE, "transaction.state.log.replication.factor"),
];

/// What is wrong with them, as far as this client sees. On one broker there can be no copies.
pub(super) fn of_internal_topics(cluster: &Inspection, findings: &mut Vec<Finding>) {
    if cluster.brokers < 2 {
        return;
    }
    for (name, factor) in INTERNAL {
        let mut found = Findings { topic: Some(name), findings };
        let of_broker = |key: &str| cluster.broker_settings.as_ref().ok()?.get(key)?.parse::<usize>().ok();
        let problem = || "there is one copy of each record: what its broker loses is lost".to_owned();
        match cluster.internal.get(name) {
            Some(topic) if topic.description.replication < 2 => {
                found.error(problem(), "raise replication to 3 with kafka-reassign-partitions.sh".into());
            }
            Some(topic) => {
                let Ok(settings) = &topic.settings else { continue };
                of_durability(topic.description.replication, &mut found, |key| settings.get(key).map(String::as_str));
            }
            // It is made, or shown, by this setting.
            None if of_broker(factor).is_some_and(|copies| copies < 2) => {
                found.error(problem(), format!("set {factor}=3 on the brokers, before the topic is made"));
            }
            None => {}
        }
    }
}
