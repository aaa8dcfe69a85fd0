//! `plaudit score`: the stream worker, reviews in, predictions out, exactly once.

use crate::config::Config;
use crate::model_in_use;
use crate::output::Output;
use registry::Reference;
use scorer::features::Features;
use scorer::stream::{Stream, StreamReport};
use serde::Serialize;
use service::health::{Component, Health};
use service::shutdown::token_on_signals;
use service::supervisor::{Policy, Supervisor};
use std::fmt;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Score reviews from Kafka into predictions, exactly once
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  plaudit score --brokers localhost:9092
  plaudit score --until-end --json
  plaudit score --model v3 --set health.listen=0.0.0.0:9100

Start as many as there are partitions: they share the work as one consumer group. SIGTERM
finishes the open transaction; what is not committed is left to the others.")]
pub struct Args {
    /// Stop at the end offsets seen at the start, and print what was done
    #[arg(long)]
    until_end: bool,
    /// Which version scores, as model.alias; an alias is followed when it moves
    #[arg(long, value_name = "VERSION or ALIAS")]
    model: Option<Reference>,
    #[command(flatten)]
    output: Output,
}

pub async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    service::metrics::install();
    scorer::metrics::describe();
    let stop = token_on_signals()?;
    let health = Health::new();
    let component = health.component("stream");
    let output = args.output;
    let summary = tokio::select! {
        summary = work(args, config, &stop, &health, component) => summary?,
        () = stopped_while_starting(&stop, &health) => Summary::of_nothing(),
    };
    output.result(&summary)
}

/// A broker or a store that does not answer must not hold up the end: until the stream begins, there is nothing to finish.
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
    // The supervisor cancels its own token when the stream ends, however it ends; the outer one tells of a signal.
    let supervisor = Supervisor::new(stop.child_token());
    let token = supervisor.token().clone();

    let model = model_in_use::follow(&config, args.model, &supervisor).await?;
    let features = Features::connect(&config.redis, &config.features.parse()?).await?;

    if !config.health.listen.is_empty() {
        let listener = service::health::bind(&config.health.listen, "health.listen").await?;
        supervisor.spawn("health", Policy::Essential, service::health::serve(listener, health.router(), token.clone()));
    }
    // The open transaction may take its whole time, and its abort as much.
    let grace = Duration::from_millis(2 * config.scorer.transaction_timeout_ms) + Duration::from_secs(5);
    let stream = Stream {
        kafka: config.kafka,
        topics: config.topics,
        config: config.scorer,
        model,
        features,
        runtime: tokio::runtime::Handle::current(),
        until_end: args.until_end,
        health: component,
    };
    let (sender, summary) = tokio::sync::oneshot::channel();
    let signal = stop.clone();
    supervisor.spawn_blocking("stream", Policy::Essential, move || {
        stream.run(&token).map(|report| {
            // Without an end to reach, a signal is how it ends.
            let stopped = args.until_end && signal.is_cancelled();
            // Nobody waits for it when the supervisor has given up.
            let _ = sender.send(Summary { report, stopped });
        })
    })?;
    supervisor.join_all(grace).await?;
    Ok(summary.await?)
}

/// The report, for people or as JSON.
#[derive(Serialize)]
struct Summary {
    #[serde(flatten)]
    report: StreamReport,
    /// Whether a signal ended the run before the end that it was to reach.
    stopped: bool,
}

impl Summary {
    /// Of a run that was stopped before it began.
    fn of_nothing() -> Self {
        let report = StreamReport {
            records: 0,
            predictions: 0,
            dead_letters: 0,
            lost_records: 0,
            seconds: 0.0,
            records_per_second: 0.0,
            latency_ms: None,
            metrics: None,
        };
        Self { report, stopped: true }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { report, stopped } = self;
        let stopped = if *stopped { ", stopped before the end" } else { "" };
        writeln!(f, "records       {}{stopped}", report.records)?;
        writeln!(f, "predictions   {}", report.predictions)?;
        writeln!(f, "dead letters  {}", report.dead_letters)?;
        writeln!(f, "seconds       {:.3}", report.seconds)?;
        writeln!(f, "records/s     {:.0}", report.records_per_second)?;
        if let Some(latency) = report.latency_ms {
            writeln!(f, "latency       p50 {:.1} ms, p99 {:.1} ms from read to committed", latency.p50, latency.p99)?;
        }
        if let Some(metrics) = &report.metrics {
            let auc = metrics.roc_auc.map_or("none".to_owned(), |auc| format!("{auc:.4}"));
            writeln!(f, "accuracy      {:.4}   macro F1 {:.4}   ROC AUC {auc}", metrics.accuracy, metrics.macro_f1)?;
        }
        Ok(())
    }
}
