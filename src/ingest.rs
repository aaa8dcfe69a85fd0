//! `plaudit ingest`: what flows through the topics to the stores, each record exactly once.

use crate::config::Config;
use crate::output::Output;
use feature_store::offline::store::Store;
use feature_store::online::OnlineStore;
use ingest::service::{Ingest, IngestReport};
use serde::Serialize;
use service::health::{Component, Health};
use service::shutdown::token_on_signals;
use service::supervisor::{Policy, Supervisor};
use std::fmt;
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

/// What is in hand is written within this time after a signal; what is not stays in Kafka.
const GRACE: Duration = Duration::from_secs(60);

pub async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    service::metrics::install();
    ingest::metrics::describe();
    let stop = token_on_signals()?;
    let health = Health::new();
    let component = health.component("ingest");
    let output = args.output;
    let summary = tokio::select! {
        summary = work(args, config, &stop, &health, component) => summary?,
        () = stopped_while_starting(&stop, &health) => Summary { report: IngestReport::default(), stopped: true },
    };
    output.result(&summary)
}

/// A broker or a store that does not answer must not hold up the end: until the work begins, there is nothing to finish.
async fn stopped_while_starting(stop: &CancellationToken, health: &Health) {
    stop.cancelled().await;
    if !health.is_starting() {
        std::future::pending::<()>().await;
    }
}

async fn work(
    args: Args,
    config: Config,
    stop: &CancellationToken,
    health: &Health,
    component: Component,
) -> anyhow::Result<Summary> {
    // The supervisor cancels its own token when the work ends, however it ends; the outer one tells of a signal.
    let supervisor = Supervisor::new(stop.child_token());
    let token = supervisor.token().clone();
    let offline = match config.offline.url.as_str() {
        "" => None,
        _ => Some(Store::open_or_create(&config.offline)?),
    };
    let online = match config.redis.is_enabled() {
        true => Some(OnlineStore::connect(&config.redis, &config.features.parse()?).await?),
        false => None,
    };
    if !config.health.listen.is_empty() {
        let listener = service::health::bind(&config.health.listen, "health.listen").await?;
        supervisor.spawn("health", Policy::Essential, service::health::serve(listener, health.router(), token.clone()));
    }
    let ingest = Ingest {
        kafka: config.kafka,
        topics: config.topics,
        config: config.ingest,
        offline,
        online,
        runtime: tokio::runtime::Handle::current(),
        until_end: args.until_end,
        health: component,
    };
    let (sender, summary) = tokio::sync::oneshot::channel();
    let signal = stop.clone();
    supervisor.spawn_blocking("ingest", Policy::Essential, move || {
        ingest.run(&token).map(|report| {
            // Without an end to reach, a signal is how it ends.
            let stopped = args.until_end && signal.is_cancelled();
            // Nobody waits for it when the supervisor has given up.
            let _ = sender.send(Summary { report, stopped });
        })
    })?;
    supervisor.join_all(GRACE).await?;
    Ok(summary.await?)
}

/// The report, for people or as JSON.
#[derive(Serialize)]
struct Summary {
    #[serde(flatten)]
    report: IngestReport,
    /// Whether a signal ended the run before the end that it was to reach.
    stopped: bool,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stopped = if self.stopped { "\nstopped before the end" } else { "" };
        write!(f, "{}{stopped}", self.report)
    }
}
