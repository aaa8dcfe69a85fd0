//! `plaudit topics`: the topics that Plaudit reads and writes, creating them and looking whether they will do.

mod check;
mod create;
pub mod findings;

use crate::config::Config;
use schemas::Topics;

/// Create the topics that Plaudit reads and writes, check whether they will do
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  plaudit topics create --brokers kafka:9092 --partitions 12 --replication 3
  plaudit topics check")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    Create(create::Args),
    Check(check::Args),
}

pub async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    match args.verb {
        Verb::Create(args) => create::run(args, config).await,
        Verb::Check(args) => check::run(args, config).await,
    }
}

/// Feedback comes within so many days of its review, where nobody says otherwise.
pub const FEEDBACK_DAYS: u32 = 7;

/// What a topic is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Reviews,
    DeadLetters,
    Predictions,
    Feedback,
    Models,
    Drift,
}

/// Every topic of a configuration, in the order in which they are shown.
pub fn every(topics: &Topics) -> [(Role, String); 7] {
    [
        (Role::Reviews, topics.reviews.clone()),
        (Role::DeadLetters, Topics::dead_letters_of(&topics.reviews)),
        (Role::Predictions, topics.predictions.clone()),
        (Role::Feedback, topics.feedback.clone()),
        (Role::DeadLetters, Topics::dead_letters_of(&topics.feedback)),
        (Role::Models, topics.models.clone()),
        (Role::Drift, topics.drift.clone()),
    ]
}
