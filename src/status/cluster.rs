//! The brokers, and the topics with what `plaudit topics check` would say of them.

use crate::config::Config;
use crate::topics::findings::{Finding, Needs, Severity, findings};
use crate::topics::{FEEDBACK_DAYS, Role, every};
use serde::Serialize;
use service::kafka::admin::{self, Inspection};
use service::kafka::{Error, KafkaConfig};
use tokio::task::{JoinHandle, spawn_blocking};

#[derive(Debug, PartialEq, Serialize)]
pub struct Cluster {
    /// Brokers that are up.
    pub brokers: usize,
    pub topics: Vec<Topic>,
    /// Findings of `plaudit topics check`, those on the brokers and on Kafka's own topics among them.
    pub errors: usize,
    pub warnings: usize,
}

#[derive(Debug, PartialEq, Serialize)]
pub struct Topic {
    pub name: String,
    pub role: Role,
    pub exists: bool,
    pub partitions: Option<i32>,
    pub replication: Option<usize>,
    pub leaderless: Option<usize>,
    /// The worst finding.
    pub finding: Option<Finding>,
}

impl Cluster {
    pub fn ask(config: &Config, kafka: KafkaConfig) -> JoinHandle<Result<Self, Error>> {
        let wanted = every(&config.topics);
        let needs = Needs::new(config, FEEDBACK_DAYS);
        spawn_blocking(move || {
            let names = wanted.each_ref().map(|(_, name)| name.as_str());
            Ok(Self::of(&wanted, &admin::inspect(&kafka, &names)?, &needs))
        })
    }

    fn of(wanted: &[(Role, String)], inspection: &Inspection, needs: &Needs) -> Self {
        let findings = findings(wanted, inspection, needs);
        let of = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
        let topic = |(role, name): &(Role, String)| {
            let found = inspection.topics.get(name).map(|found| &found.description);
            let about_it = || findings.iter().filter(|finding| finding.topic.as_ref() == Some(name));
            let error = about_it().find(|finding| finding.severity == Severity::Error);
            Topic {
                name: name.clone(),
                role: *role,
                exists: found.is_some(),
                partitions: found.map(|found| found.partitions),
                replication: found.map(|found| found.replication),
                leaderless: found.map(|found| found.leaderless),
                finding: error.or_else(|| about_it().next()).cloned(),
            }
        };
        Self {
            brokers: inspection.brokers,
            topics: wanted.iter().map(topic).collect(),
            errors: of(Severity::Error),
            warnings: of(Severity::Warning),
        }
    }
}
