//! `plaudit features`: what is known of products and users, online and in history.

mod get;

use crate::config::Config;

/// Show the features of products and users
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  plaudit features get product=B00005N7P0
  plaudit features get product=B00005N7P0 user=A2M1CU2IRZG0K9 --json")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    Get(get::Args),
}

pub async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    match args.verb {
        Verb::Get(args) => get::run(args, config).await,
    }
}
