//! `plaudit features compact`: the offline store's small files to large ones.

use crate::config::Config;
use crate::output::Output;
use crate::usage::WrongUsage;
use feature_store::offline::store::{CompactOptions, Compacted, Dataset, Store};
use serde::Serialize;
use service::shutdown::token_on_signals;
use std::fmt;
use std::time::Duration;

/// Replace the offline store's small files by large ones, while others write and read
#[derive(clap::Args)]
#[command(after_help = "\
Files that follow each other become one, and are then removed. Rows of one offset are the same in both: plaudit's own
readers take each once. Other readers may see rows twice for the moment between, or find a file gone that they had
listed: docs/OFFLINE.md.

Examples:
  plaudit features compact
  plaudit features compact reviews --target-bytes 536870912
  plaudit features compact --set offline.url=s3://bucket/plaudit --json")]
pub struct Args {
    /// reviews, feedback or predictions; all without one
    #[arg(value_name = "DATASET", value_parser = dataset)]
    datasets: Vec<Dataset>,
    /// A file of half this size is large enough, and none is made larger; one file is held in memory
    #[arg(long, value_name = "BYTES", default_value_t = 256 * 1024 * 1024, value_parser = clap::value_parser!(u64).range(1..=4_000_000_000))]
    target_bytes: u64,
    /// Leave younger files alone: a writer that was slow to notice that another has its partition is over by then
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    min_age_seconds: u64,
    #[command(flatten)]
    output: Output,
}

fn dataset(name: &str) -> Result<Dataset, String> {
    Dataset::of_name(name).ok_or_else(|| format!("write one of {}", Dataset::ALL.map(Dataset::name).join(", ")))
}

pub async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    if config.offline.url.is_empty() {
        let advice = "there is no offline store: set offline.url, such as --set offline.url=/data/offline";
        return Err(WrongUsage(advice.to_owned()).into());
    }
    let stop = token_on_signals()?;
    let store = Store::open(&config.offline)?;
    let options =
        CompactOptions { target_bytes: args.target_bytes, min_age: Duration::from_secs(args.min_age_seconds) };
    let datasets = if args.datasets.is_empty() { Dataset::ALL.to_vec() } else { args.datasets };
    let mut done = Compacted::default();
    for dataset in datasets {
        done = done.and(store.compact(dataset, options, &|| stop.is_cancelled()).await?);
    }
    args.output.result(&Summary { done, stopped: stop.is_cancelled() })
}

/// What was done, for people or as JSON.
#[derive(Serialize)]
struct Summary {
    #[serde(flatten)]
    done: Compacted,
    /// Whether a signal ended it early; what was done is done.
    stopped: bool,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Compacted { written, removed, bytes_before, bytes_after, leftovers } = self.done;
        let stopped = if self.stopped { ", stopped before the end" } else { "" };
        writeln!(f, "written  {written} files of {bytes_after} bytes, for {bytes_before} bytes{stopped}")?;
        write!(f, "removed  {removed} files")?;
        if leftovers > 0 {
            write!(f, "\nremoved  {leftovers} unfinished files of writers that were killed")?;
        }
        Ok(())
    }
}
