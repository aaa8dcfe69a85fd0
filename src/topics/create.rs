//! `plaudit topics create`: makes the topics that are missing, and says of the others what they are.

use super::{Role, every};
use crate::config::Config;
use crate::output::{Output, Table};
use schemas::Topics;
use serde::Serialize;
use service::kafka::admin::{self, Created, TopicDescription, TopicSpec};
use std::collections::BTreeMap;
use std::fmt;

/// Create the topics that don't exist yet; those that do stay as they are
#[derive(clap::Args)]
#[command(after_help = "\
Names come from the section [topics] of the configuration. The topic `models` is compacted. With
--replication 3 or more, a record counts as stored when two copies have it
(min.insync.replicas=2). The verb ends when every new partition has a leader. Of a topic that was there it says how it differs from what
was asked for; `plaudit topics check` looks at its settings too.

Examples:
  plaudit topics create
  plaudit topics create --partitions 12 --replication 3 --retention-days 30
  plaudit topics create --set topics.reviews=shop-reviews")]
pub struct Args {
    /// Partitions of reviews, their dead letters, predictions and feedback; models and drift have one
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(i32).range(1..))]
    partitions: i32,
    /// Brokers that hold a copy of each partition; without it, the broker's own default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    replication: Option<i32>,
    /// How long records are kept in all topics but models; without it, the broker's own default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=36500))]
    retention_days: Option<u32>,
    #[command(flatten)]
    output: Output,
}

/// What is asked for of the topics.
#[derive(Clone, Copy, Default)]
struct Asking {
    partitions: i32,
    replication: Option<i32>,
    retention_days: Option<u32>,
}

/// Every scorer reads the topic of models from its beginning. Kafka compacts no segment that is still written to, and one takes
/// 1 GiB or a week by default: smaller ones keep the way to the last update short.
const OF_MODELS: [(&str, &str); 4] = [
    ("cleanup.policy", "compact"),
    ("segment.bytes", "16777216"),
    ("segment.ms", "600000"),
    ("min.cleanable.dirty.ratio", "0.1"),
];

const MILLIS_PER_DAY: u64 = 24 * 60 * 60 * 1000;

pub async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    let Args { partitions, replication, retention_days, output } = args;
    let specs = specs(&config.topics, Asking { partitions, replication, retention_days });
    // The admin client blocks.
    let report = tokio::task::spawn_blocking(move || create(&config, &specs)).await??;
    output.result(&report)
}

fn specs(topics: &Topics, asking: Asking) -> Vec<TopicSpec> {
    let Asking { partitions, replication, retention_days } = asking;
    let spec = |(role, name)| {
        let mut config = BTreeMap::new();
        if role == Role::Models {
            config.extend(OF_MODELS.map(|(key, value)| (key.to_owned(), value.to_owned())));
        } else if let Some(days) = retention_days {
            config.insert("retention.ms".to_owned(), (u64::from(days) * MILLIS_PER_DAY).to_string());
        }
        if replication.is_some_and(|copies| copies >= 3) {
            config.insert("min.insync.replicas".to_owned(), "2".to_owned());
        }
        let partitions = if matches!(role, Role::Models | Role::Drift) { 1 } else { partitions };
        TopicSpec { name, partitions, replication: replication.unwrap_or(-1), config }
    };
    every(topics).into_iter().map(spec).collect()
}

fn create(config: &Config, specs: &[TopicSpec]) -> anyhow::Result<Report> {
    let created = admin::create_topics(&config.kafka, specs)?;
    let names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
    let described = admin::describe(&config.kafka, &names)?;
    let topic = |(spec, created): (&TopicSpec, Created)| Topic::new(spec, created, described.get(&spec.name));
    Ok(Report { topics: specs.iter().zip(created).map(topic).collect() })
}

#[derive(Serialize)]
struct Report {
    topics: Vec<Topic>,
}

#[derive(Serialize)]
struct Topic {
    name: String,
    /// Now, and not before.
    created: bool,
    /// As they are; none where this client may not see the topic.
    partitions: Option<i32>,
    replication: Option<usize>,
    asked: Asked,
    /// What it is and what was asked for are the same, as far as this client sees.
    as_asked: bool,
}

#[derive(Serialize)]
struct Asked {
    partitions: i32,
    /// None leaves it to the broker.
    replication: Option<usize>,
}

impl Topic {
    fn new(spec: &TopicSpec, created: Created, found: Option<&TopicDescription>) -> Self {
        let asked = Asked { partitions: spec.partitions, replication: usize::try_from(spec.replication).ok() };
        let fits = |found: &TopicDescription| {
            found.partitions == asked.partitions && asked.replication.is_none_or(|copies| copies == found.replication)
        };
        Self {
            name: spec.name.clone(),
            created: created == Created::New,
            partitions: found.map(|found| found.partitions),
            replication: found.map(|found| found.replication),
            as_asked: found.is_some_and(fits),
            asked,
        }
    }

    /// What became of it, in words.
    fn outcome(&self) -> String {
        let before = if self.created { "created" } else { "was there" };
        if self.as_asked {
            return before.to_owned();
        }
        if self.partitions.is_none() {
            return format!("{before}, but this client may not see it");
        }
        let copies = self.asked.replication.map_or(String::new(), |copies| format!(" and replication {copies}"));
        let partitions = if self.asked.partitions == 1 { "partition" } else { "partitions" };
        format!("{before}, not as asked: {} {partitions}{copies}", self.asked.partitions)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_dash = |number: Option<String>| number.unwrap_or_else(|| "-".to_owned());
        let mut table = Table::new(["TOPIC", "PARTITIONS", "REPLICATION", ""]);
        for topic in &self.topics {
            let partitions = or_dash(topic.partitions.map(|partitions| partitions.to_string()));
            let replication = or_dash(topic.replication.map(|copies| copies.to_string()));
            table.row([topic.name.clone(), partitions, replication, topic.outcome()]);
        }
        table.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topics() -> Topics {
        let [reviews, predictions, feedback, models, drift] = ["r", "p", "f", "m", "d"].map(str::to_owned);
        Topics { reviews, predictions, feedback, models, drift }
    }

    #[test]
    fn every_role_and_the_dead_letters_get_a_topic_and_only_models_is_compacted() {
        let specs = specs(&topics(), Asking { partitions: 7, ..Asking::default() });
        let made: Vec<_> = specs.iter().map(|spec| (spec.name.as_str(), spec.partitions)).collect();
        assert_eq!(made, [("r", 7), ("r.dlq", 7), ("p", 7), ("f", 7), ("f.dlq", 7), ("m", 1), ("d", 1)]);
        for spec in specs {
            assert_eq!(spec.config.get("cleanup.policy").is_some_and(|policy| policy == "compact"), spec.name == "m");
            assert_eq!((spec.replication, spec.config.get("min.insync.replicas")), (-1, None));
        }
    }

    #[test]
    fn of_three_copies_two_have_a_record_before_it_counts_as_stored() {
        for (copies, expected) in [(2, None), (3, Some("2")), (5, Some("2"))] {
            for spec in specs(&topics(), Asking { partitions: 1, replication: Some(copies), ..Asking::default() }) {
                assert_eq!(spec.config.get("min.insync.replicas").map(String::as_str), expected, "{copies} copies");
            }
        }
    }

    #[test]
    fn records_are_kept_as_long_as_asked_save_those_of_the_compacted_topic() {
        for spec in specs(&topics(), Asking { partitions: 1, replication: None, retention_days: Some(30) }) {
            let expected = (spec.name != "m").then_some("2592000000");
            assert_eq!(spec.config.get("retention.ms").map(String::as_str), expected, "{}", spec.name);
        }
    }

    #[test]
    fn a_topic_that_was_there_shows_what_it_is_and_what_was_asked_for() {
        let shown = |replication, found: Option<(i32, usize)>| {
            let spec = TopicSpec { name: "r".to_owned(), partitions: 6, replication, config: BTreeMap::new() };
            let found =
                found.map(|(partitions, replication)| TopicDescription { partitions, replication, leaderless: 0 });
            let topic = Topic::new(&spec, Created::Existed, found.as_ref());
            (topic.partitions, topic.outcome())
        };
        assert_eq!(shown(-1, Some((6, 3))), (Some(6), "was there".to_owned()));
        assert_eq!(shown(-1, Some((2, 3))), (Some(2), "was there, not as asked: 6 partitions".to_owned()));
        assert_eq!(
            shown(3, Some((6, 1))),
            (Some(6), "was there, not as asked: 6 partitions and replication 3".to_owned())
        );
        assert_eq!(shown(3, None), (None, "was there, but this client may not see it".to_owned()));
    }
}
