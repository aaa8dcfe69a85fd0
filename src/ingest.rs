//! `plaudit ingest`: what flows through the topics to the stores, each record exactly once.

use crate::config::Config;
use crate::output::Output;
use crate::until_end::{Prepared, UntilEnd};
use feature_store::offline::store::Store;
use feature_store::online::OnlineStore;
use ingest::service::{GRACE, Ingest};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Write what flows through Kafka as Parquet and to online features, exactly once
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  plaudit ingest --set offline.url=/data/offline
  plaudit ingest --set offline.url=s3://bucket/plaudit --set redis.url=redis://localhost:6379
  plaudit ingest --until-end --json

Start as many as there are partitions: they share the work as one consumer group. SIGTERM writes what is in hand.
docs/OFFLINE.md says what the files hold and how to read them.")]
pub struct Args {
    /// Stop at the end offsets seen at the start, and print what was done
    #[arg(long)]
    until_end: bool,
    #[command(flatten)]
    output: Output,
}

/// Beyond what the service takes for what is in hand: the last commit, and leaving the group.
const LEAVING: Duration = Duration::from_secs(15);

pub async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    service::metrics::install();
    ingest::metrics::describe();
    let Args { until_end, output } = args;
    let service = UntilEnd { name: "ingest", health: config.health.clone(), until_end, output };
    let prepare = async |_: &_, health| {
        let offline = match config.offline.url.as_str() {
            "" => None,
            _ => Some(Store::open_or_create(&config.offline)?),
        };
        let online = match config.redis.is_enabled() {
            true => Some(OnlineStore::connect(&config.redis, &config.features.parse()?).await?),
            false => None,
        };
        let ingest = Ingest {
            kafka: config.kafka,
            topics: config.topics,
            config: config.ingest,
            offline,
            online,
            runtime: tokio::runtime::Handle::current(),
            until_end,
            health,
        };
        Ok(Prepared { work: move |token: &CancellationToken| ingest.run(token), grace: GRACE + LEAVING })
    };
    service.run(prepare).await
}
