//! `plaudit monitor`: quality, drift and alerts, from what flows through the topics.

use crate::config::Config;
use crate::files::moment;
use crate::output::Output;
use crate::until_end::{Prepared, UntilEnd};
use registry::Registry;
use schemas::Timestamp;
use tokio_util::sync::CancellationToken;
use trainer::monitoring::{GRACE, Monitor, Span, metrics};

/// Watch quality and drift: join labels with predictions, compare with what was normal, raise alerts
#[derive(clap::Args)]
#[command(after_help = "\
Reads reviews, predictions and feedback. Figures of the labelled predictions are metrics and stand
in --json; what changes beyond chance is an alert on the topic drift, one for each episode. Each
version of the model is compared with what was normal when it was trained. Start one: it sees all
partitions, and a second one of the same kafka.group takes over from the first.

Examples:
  plaudit monitor --set health.listen=0.0.0.0:9100
  plaudit monitor --once --json
  plaudit monitor --once --since 7d
  plaudit monitor --until-end

docs/DRIFT.md says what the figures mean; the section monitor of `plaudit config` has the thresholds.")]
pub struct Args {
    /// Look at what the topics hold, from the beginning or --since to their ends; print it, and leave no trace
    #[arg(long, conflicts_with = "until_end")]
    once: bool,
    /// Only records of this time or later: a date, RFC 3339, or so long ago, such as 90d or 36h
    #[arg(long, value_name = "TIME", value_parser = moment, requires = "once")]
    since: Option<Timestamp>,
    /// Stop at the end offsets seen at the start, and print what is known
    #[arg(long)]
    until_end: bool,
    #[command(flatten)]
    output: Output,
}

impl Args {
    fn span(&self) -> Span {
        match (self.once, self.until_end) {
            (true, _) => Span::Once(self.since),
            (false, true) => Span::UntilEnd,
            (false, false) => Span::Service,
        }
    }
}

pub async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    service::metrics::install();
    metrics::describe();
    let span = args.span();
    let Args { output, .. } = args;
    let service = UntilEnd { name: "monitor", health: config.health.clone(), until_end: span != Span::Service, output };
    let prepare = async |_: &_, health| {
        let monitor = Monitor {
            kafka: config.kafka,
            topics: config.topics,
            config: config.monitor,
            registry: Registry::open(&config.registry.url)?,
            name: config.model.name,
            alias: config.model.alias,
            runtime: tokio::runtime::Handle::current(),
            span,
            health,
        };
        Ok(Prepared { work: move |token: &CancellationToken| monitor.run(token), grace: GRACE })
    };
    service.run(prepare).await
}
