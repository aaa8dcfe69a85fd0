//! `plaudit score`: the stream worker, reviews in, predictions out, exactly once.

use crate::config::Config;
use crate::model_in_use::{self, InUse};
use crate::output::Output;
use crate::until_end::{Prepared, UntilEnd};
use registry::Reference;
use scorer::features::Features;
use scorer::stream::{Stream, StreamReport};
use serde::Serialize;
use service::health::Component;
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

/// The first batch waits so long for what an online learner has made of the model.
const UPDATES_WITHIN: Duration = Duration::from_secs(5);

pub async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    service::metrics::install();
    scorer::metrics::describe();
    let Args { until_end, model, output } = args;
    let service = UntilEnd { name: "stream", health: config.health.clone(), until_end, output };
    let prepare = async |supervisor: &_, health: Component| {
        let loading = health.beside("model");
        loading.starting("no model: it is being loaded");
        let InUse { model, updated } = model_in_use::follow(&config, model, supervisor).await?;
        if let Some(updated) = updated {
            // What is not to be had in this time comes between batches.
            let _ = tokio::time::timeout(UPDATES_WITHIN, updated).await;
        }
        loading.ready();
        let features = Features::connect(&config.redis, &config.features.parse()?).await?;
        let grace = config.scorer.grace(&config.kafka);
        let stream = Stream {
            kafka: config.kafka,
            topics: config.topics,
            config: config.scorer,
            model,
            features,
            runtime: tokio::runtime::Handle::current(),
            until_end,
            health,
        };
        Ok(Prepared { work: move |token: &CancellationToken| stream.run(token).map(Report), grace })
    };
    service.run(prepare).await
}

/// The report for people.
#[derive(Default, Serialize)]
#[serde(transparent)]
struct Report(StreamReport);

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(report) = self;
        writeln!(f, "records       {}", report.records)?;
        writeln!(f, "predictions   {}", report.predictions)?;
        writeln!(f, "dead letters  {}", report.dead_letters)?;
        writeln!(f, "seconds       {:.3}", report.seconds)?;
        write!(f, "records/s     {:.0}", report.records_per_second)?;
        if let Some(latency) = report.latency_ms {
            write!(f, "\nlatency       p50 {:.1} ms, p99 {:.1} ms from read to committed", latency.p50, latency.p99)?;
        }
        if let Some(metrics) = &report.metrics {
            let auc = metrics.roc_auc.map_or("none".to_owned(), |auc| format!("{auc:.4}"));
            write!(f, "\naccuracy      {:.4}   macro F1 {:.4}   ROC AUC {auc}", metrics.accuracy, metrics.macro_f1)?;
        }
        Ok(())
    }
}
