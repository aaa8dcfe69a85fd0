//! `plaudit score`: the stream worker, reviews in, predictions out, exactly once.

use crate::config::Config;
use crate::model_in_use;
use crate::output::Output;
use registry::Reference;
use scorer::features::Features;
use scorer::stream::{Stream, StreamReport};
use serde::Serialize;
use service::health::Health;
use service::shutdown::token_on_signals;
use service::supervisor::{Policy, Supervisor};
use std::fmt;
use std::time::Duration;

/// Score reviews from Kafka into predictions, exactly once
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  plaudit score --brokers localhost:9092
  plaudit score --until-end --json
  plaudit score --model v3 --set health.listen=0.0.0.0:9100

Start as many as there are partitions: they share the work as one consumer group. SIGTERM finishes the batches in flight.")]
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
    let supervisor = Supervisor::new(token_on_signals()?);
    let token = supervisor.token().clone();

    let model = model_in_use::follow(&config, args.model, &supervisor).await?;
    let features = Features::connect(&config.redis, &config.features).await?;
    let health = Health::new();

    if !config.health.listen.is_empty() {
        let listener = service::health::bind(&config.health.listen, "health.listen").await?;
        supervisor.spawn("health", Policy::Essential, service::health::serve(listener, health.router(), token.clone()));
    }
    // The open transaction may take its whole time, and what is scored by then another one.
    let grace = Duration::from_millis(2 * config.scorer.transaction_timeout_ms) + Duration::from_secs(5);
    let stream = Stream {
        kafka: config.kafka,
        topics: config.topics,
        config: config.scorer,
        model,
        features,
        runtime: tokio::runtime::Handle::current(),
        until_end: args.until_end,
        health: health.component("stream"),
    };
    let (sender, report) = tokio::sync::oneshot::channel();
    supervisor.spawn_blocking("stream", Policy::Essential, move || {
        stream.run(&token).map(|report| {
            // Nobody waits for it when the supervisor has given up.
            let _ = sender.send(report);
        })
    })?;
    supervisor.join_all(grace).await?;
    args.output.result(&Summary(report.await?))
}

/// The report, for people or as JSON.
#[derive(Serialize)]
#[serde(transparent)]
struct Summary(StreamReport);

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = &self.0;
        writeln!(f, "records       {}", report.records)?;
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
