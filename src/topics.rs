//! `plaudit topics`: the topics that Plaudit reads and writes.

use crate::config::Config;
use crate::output::{Output, Table};
use schemas::Topics;
use serde::Serialize;
use service::kafka::admin::{self, Created, TopicSpec};
use std::fmt;

/// Create the topics that Plaudit reads and writes
#[derive(clap::Args)]
#[command(after_help = "\
Example:
  plaudit topics create --brokers kafka:9092 --partitions 12 --replication 3")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    Create(CreateArgs),
}

/// Create the topics that don't exist yet; those that do stay as they are
#[derive(clap::Args)]
#[command(after_help = "\
Names come from the section [topics] of the configuration. The topic `models` is compacted.

Examples:
  plaudit topics create
  plaudit topics create --partitions 12 --replication 3 --set topics.reviews=shop-reviews")]
struct CreateArgs {
    /// Partitions of reviews, their dead letters, predictions and feedback; models and drift have one
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(i32).range(1..))]
    partitions: i32,
    /// Brokers that hold a copy of each partition; without it, the broker's own default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    replication: Option<i32>,
    #[command(flatten)]
    output: Output,
}

pub async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    let Verb::Create(CreateArgs { partitions, replication, output }) = args.verb;
    let specs = specs(&config.topics, partitions, replication);
    // The admin client blocks.
    let report = tokio::task::spawn_blocking(move || create(&config, &specs)).await??;
    output.result(&report)
}

fn specs(topics: &Topics, partitions: i32, replication: Option<i32>) -> Vec<TopicSpec> {
    let spec = |name: &str, partitions: i32, settings: &[(&str, &str)]| TopicSpec {
        name: name.to_owned(),
        partitions,
        replication: replication.unwrap_or(-1),
        config: settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
    };
    vec![
        spec(&topics.reviews, partitions, &[]),
        spec(&Topics::dead_letters_of(&topics.reviews), partitions, &[]),
        spec(&topics.predictions, partitions, &[]),
        spec(&topics.feedback, partitions, &[]),
        spec(&topics.models, 1, &[("cleanup.policy", "compact")]),
        spec(&topics.drift, 1, &[]),
    ]
}

fn create(config: &Config, specs: &[TopicSpec]) -> anyhow::Result<Report> {
    let created = admin::create_topics(&config.kafka, specs)?;
    let names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
    let described = admin::describe(&config.kafka, &names)?;
    let topic = |(spec, created): (&TopicSpec, Created)| {
        // A broker may not show a topic yet that another has just made.
        let found = described.get(&spec.name);
        Topic {
            name: spec.name.clone(),
            created: created == Created::New,
            partitions: found.map_or(spec.partitions, |found| found.partitions),
            replication: found.map(|found| found.replication),
        }
    };
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
    partitions: i32,
    replication: Option<usize>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(["TOPIC", "", "PARTITIONS", "REPLICATION"]);
        for topic in &self.topics {
            let done = if topic.created { "created" } else { "was there" };
            let replication = topic.replication.map_or_else(|| "-".to_owned(), |copies| copies.to_string());
            table.row([topic.name.clone(), done.to_owned(), topic.partitions.to_string(), replication]);
        }
        table.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_and_the_dead_letters_get_a_topic_and_only_models_is_compacted() {
        let names = ["r", "p", "f", "m", "d"].map(str::to_owned);
        let [reviews, predictions, feedback, models, drift] = names;
        let specs = specs(&Topics { reviews, predictions, feedback, models, drift }, 7, None);
        let made: Vec<_> = specs.iter().map(|spec| (spec.name.as_str(), spec.partitions)).collect();
        assert_eq!(made, [("r", 7), ("r.dlq", 7), ("p", 7), ("f", 7), ("m", 1), ("d", 1)]);
        for spec in specs {
            assert_eq!(spec.config.get("cleanup.policy").is_some_and(|policy| policy == "compact"), spec.name == "m");
            assert_eq!(spec.replication, -1);
        }
    }
}
