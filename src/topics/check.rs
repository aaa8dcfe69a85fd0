//! `plaudit topics check`: describes the topics of the configuration and says what is wrong with them.

use super::findings::{Finding, Needs, Severity, findings};
use super::{FEEDBACK_DAYS, Role, every};
use crate::config::Config;
use crate::output::{Output, Table};
use serde::Serialize;
use service::kafka::admin::{self, Inspection};
use std::collections::BTreeMap;
use std::fmt;

/// Say what is wrong with the topics for exactly-once and for operation
#[derive(clap::Args)]
#[command(after_help = "\
Looks at the topics that the section [topics] names, the dead letter topic of reviews, and one
broker's limit for transactions: do they exist, how many copies are there and how many have a record
before it counts as stored, does compaction or retention take records away. With several brokers it
looks at the copies of Kafka's own topics too, __consumer_offsets and __transaction_state, where the
client may see them. An error is what loses records or stops the work: the exit code is 1 then. A
warning is what may be meant so. The client needs the permissions Describe and DescribeConfigs.

Settings are changed with Kafka's own tools, for example:
  kafka-configs.sh --bootstrap-server kafka:9092 --alter \\
    --topic predictions --add-config cleanup.policy=delete

Examples:
  plaudit topics check --brokers kafka:9092
  plaudit topics check --feedback-days 30 --json")]
pub struct Args {
    /// Feedback comes within this many days of its review: reviews and predictions should be kept as long
    #[arg(long, value_name = "DAYS", default_value_t = FEEDBACK_DAYS, value_parser = clap::value_parser!(u32).range(0..=36_500))]
    feedback_days: u32,
    #[command(flatten)]
    output: Output,
}

pub async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    let Args { feedback_days, output } = args;
    let wanted = every(&config.topics);
    let needs = Needs::new(&config, feedback_days);
    let kafka = config.kafka;
    // The admin client blocks.
    let report = tokio::task::spawn_blocking(move || {
        let names: Vec<&str> = wanted.iter().map(|(_, name)| name.as_str()).collect();
        let inspection = admin::inspect(&kafka, &names)?;
        anyhow::Ok(Report::new(&wanted, &inspection, &needs))
    })
    .await??;
    output.result(&report)?;
    match report.errors() {
        0 => Ok(()),
        1 => anyhow::bail!("1 finding is an error"),
        errors => anyhow::bail!("{errors} findings are errors"),
    }
}

/// The settings of a topic that are shown.
const SHOWN: [&str; 4] = ["cleanup.policy", "min.insync.replicas", "retention.ms", "unclean.leader.election.enable"];

#[derive(Serialize)]
struct Report {
    topics: Vec<Topic>,
    findings: Vec<Finding>,
    /// No finding is an error.
    ok: bool,
}

#[derive(Serialize)]
struct Topic {
    name: String,
    role: Role,
    exists: bool,
    partitions: Option<i32>,
    replication: Option<usize>,
    /// None where the client may not see them.
    settings: Option<BTreeMap<&'static str, String>>,
}

impl Report {
    fn new(wanted: &[(Role, String)], inspection: &Inspection, needs: &Needs) -> Self {
        let topic = |(role, name): &(Role, String)| {
            let found = inspection.topics.get(name);
            let settings = found.and_then(|found| found.settings.as_ref().ok());
            let shown = |settings: &BTreeMap<String, String>| {
                SHOWN.into_iter().filter_map(|name| Some((name, settings.get(name)?.clone()))).collect()
            };
            Topic {
                name: name.clone(),
                role: *role,
                exists: found.is_some(),
                partitions: found.map(|found| found.description.partitions),
                replication: found.map(|found| found.description.replication),
                settings: settings.map(shown),
            }
        };
        let findings = findings(wanted, inspection, needs);
        let ok = findings.iter().all(|finding| finding.severity != Severity::Error);
        Self { topics: wanted.iter().map(topic).collect(), findings, ok }
    }

    fn errors(&self) -> usize {
        self.findings.iter().filter(|finding| finding.severity == Severity::Error).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(["TOPIC", "", "FINDING", "WHAT TO DO"]);
        for topic in &self.topics {
            let mut findings = self.findings.iter().filter(|of| of.topic.as_ref() == Some(&topic.name)).peekable();
            if findings.peek().is_none() {
                table.row([topic.name.clone(), "ok".to_owned(), String::new(), String::new()]);
            }
            findings.for_each(|finding| table.row(finding.row(&topic.name)));
        }
        // Of Kafka's own topics, and of the brokers.
        let is_ours = |name: &String| self.topics.iter().any(|topic| topic.name == *name);
        let others = self.findings.iter().filter(|finding| !finding.topic.as_ref().is_some_and(is_ours));
        others.for_each(|finding| table.row(finding.row(finding.topic.as_deref().unwrap_or("(brokers)"))));
        table.fmt(f)
    }
}

impl Finding {
    fn row(&self, of: &str) -> [String; 4] {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        [of.to_owned(), severity.to_owned(), self.problem.clone(), self.remedy.clone()]
    }
}
