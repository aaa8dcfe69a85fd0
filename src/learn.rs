//! `plaudit learn`: a model that learns on from labels; those of a topic, whose lessons go to the scorers, or those of files, with
//! figures of how good its scores were just before each.

mod files;
mod stream;

use crate::config::Config;
use crate::files::RowArgs;
use crate::output::Output;
use crate::usage::WrongUsage;
use learner::progressive::{BurnIn, Delay};
use registry::Reference;
use std::path::PathBuf;

/// Learn from labels one by one: from Kafka, exactly once, or from files
#[derive(clap::Args)]
#[command(after_help = "\
Without --input it is a service: labels of the topic `feedback` move the weights of the version in
production, and what changed goes to `models`, at most learn.publish_interval_ms apart. One learner
of a model works at a time; another one that is started takes over. What cannot be learned from
goes to `feedback.dlq`.

With --input each row is scored by what was learned from the labels before it, and its own label is
learned from --delay later: no score has seen its own label. Sort the files by time. Features of
products and users are columns of the files, or else what was known at each row.

Examples:
  plaudit learn --brokers localhost:9092
  plaudit learn --until-end --json
  plaudit learn --set learn.publish_interval_ms=200 --set health.listen=0.0.0.0:9100
  plaudit learn --input reviews.parquet
  plaudit learn --input may.parquet --model production --delay 7d --json
  plaudit learn --input reviews.csv --set 'model.features=[\"product_stats.rating_mean\"]'
  plaudit learn --input feedback.csv --model production --save

docs/LEARNING.md says how weights move, what bounds a label, and how nothing is learned twice.")]
pub struct Args {
    /// Learn from files: Parquet, CSV or JSON Lines, plain or .gz or .zst; one file or more
    #[arg(long, num_args = 1.., value_name = "FILE")]
    input: Vec<PathBuf>,
    /// The version to go on from; the service follows an alias, model.alias if none is given; files without it begin with
    /// nothing, and make terms as the section `model` says
    #[arg(long, value_name = "VERSION or ALIAS")]
    model: Option<Reference>,
    /// The service: stop at the end offsets seen at the start, and print what was done
    #[arg(long, conflicts_with = "input")]
    until_end: bool,
    #[command(flatten)]
    of_files: FileLearnArgs,
    #[command(flatten)]
    output: Output,
}

/// What makes sense with files alone.
#[derive(clap::Args)]
struct FileLearnArgs {
    #[command(flatten)]
    rows: RowArgs,
    /// How long labels take: a number of rows, or a time such as 36h or 7d
    #[arg(long, value_name = "ROWS or TIME", default_value = "0", requires = "input")]
    delay: Delay,
    /// Rows at the beginning that no figure counts: a share of all, or a number
    #[arg(long, value_name = "SHARE or ROWS", default_value = "0.1", requires = "input")]
    burn_in: BurnIn,
    /// Register what was learned as a new version
    #[arg(long, requires = "input")]
    save: bool,
}

pub async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    let Args { input, model, until_end, of_files, output } = args;
    if !input.is_empty() {
        return files::run(input, model, of_files, output, config).await;
    }
    let RowArgs { columns, conditions, since, until } = &of_files.rows;
    if !columns.is_empty() || !conditions.is_empty() || since.is_some() || until.is_some() {
        return Err(
            WrongUsage("--column, --where, --since and --until are about files: give --input".to_owned()).into()
        );
    }
    stream::run(model, until_end, output, config).await
}
