//! `plaudit features`: what is known of products and users, online and in history.

mod backfill;
mod compact;
mod get;
mod join;
mod join_report;

use crate::config::Config;
use crate::usage::WrongUsage;
use feature_store::offline::store::{Dataset, OfflineConfig};
use std::path::PathBuf;

/// Show the features of products and users, fill the online store, join them with reviews
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  plaudit features get product=B00005N7P0
  plaudit features compact
  plaudit features get product=B00005N7P0 user=A2M1CU2IRZG0K9 --json
  plaudit features join --input reviews.parquet --output joined.parquet")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    Get(get::Args),
    Compact(compact::Args),
    Backfill(backfill::Args),
    Join(join::Args),
}

pub async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    match args.verb {
        Verb::Get(args) => get::run(args, config).await,
        Verb::Compact(args) => compact::run(args, config).await,
        Verb::Backfill(args) => backfill::run(args, config).await,
        Verb::Join(args) => join::run(args, config).await,
    }
}

/// The files that were named, or else the reviews in the offline store.
fn inputs(named: Vec<PathBuf>, offline: &OfflineConfig) -> Result<Vec<PathBuf>, WrongUsage> {
    if !named.is_empty() {
        return Ok(named);
    }
    let problem = "there is nothing to read: name files by --input, or the store by offline.url";
    offline.path_of(Dataset::Reviews).map(|path| vec![path]).ok_or_else(|| WrongUsage(problem.to_owned()))
}
