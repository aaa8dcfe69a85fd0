//! `plaudit status`: a person's view of the running system, read from Kafka, Redis, the stores and the registry alone: no
//! service is asked, so that it tells of those that are dead too.

mod alerts;
mod answer;
mod cluster;
mod group;
mod letters;
mod look;
mod model;
mod predictions;
mod report;
mod stores;
mod text;

use crate::config::Config;
use crate::output::{self, Output};
use report::Report;
use std::io::IsTerminal;
use std::time::Duration;

/// Show the running system: topics, lag, dead letters, models in use, stores, alerts
#[derive(clap::Args)]
#[command(after_help = "\
Asks Kafka, the stores and the registry, and none of the services, so that it tells of those that are
dead too. All are asked at once, and what does not answer within --timeout is said to be not reached;
the exit code is 1 only where that is Kafka.

LAG is what a group has not worked off, and BEHIND how long the first of these records waits. Only
groups that have ever read are shown. MODEL IN USE is what made the last prediction of the partitions
that a scorer has, which Kafka tells of the classic protocol. Alerts are the last of each monitor: a
topic says when they began, not that they are over.

With --watch the picture is drawn anew until SIGINT; with --json too, each is a document on a line of
its own.

Examples:
  plaudit status --brokers kafka:9092
  plaudit status --watch
  plaudit status --json | jq '.groups[] | {group, topics}'")]
pub struct Args {
    /// Draw it anew every so many seconds, 2 where no number is given
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2", value_parser = seconds)]
    watch: Option<Duration>,
    /// Wait so long for answers, all together
    #[arg(long, value_name = "SECONDS", default_value = "1.8", value_parser = seconds)]
    timeout: Duration,
    #[command(flatten)]
    output: Output,
}

/// From a tenth of a second to an hour.
fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.1..=3600.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("give seconds from 0.1 to 3600".to_owned()),
    }
}

pub async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    let Args { watch, timeout, output } = args;
    if let Some(pause) = watch {
        return tokio::select! {
            outcome = redraw(&config, timeout, pause, output) => outcome,
            signal = tokio::signal::ctrl_c() => Ok(signal?),
        };
    }
    let report = look::look(&config, timeout).await;
    output.result(&report)?;
    match report.kafka.unreached() {
        Some(unreached) => anyhow::bail!("{unreached}"),
        None => Ok(()),
    }
}

/// Looks again and again. What is away now may be there at the next look.
async fn redraw(config: &Config, timeout: Duration, pause: Duration, output: Output) -> anyhow::Result<()> {
    loop {
        let report = look::look(config, timeout).await;
        draw(&report, output)?;
        tokio::time::sleep(pause).await;
    }
}

fn draw(report: &Report, output: Output) -> anyhow::Result<()> {
    if output.json {
        return output::line(&serde_json::to_string(report)?);
    }
    let text = report.to_string();
    if std::io::stdout().is_terminal() {
        // From the top left; each line is cleared behind its end, and the screen behind the last.
        return output::line(&format!("\x1b[H{}\x1b[J", text.replace('\n', "\x1b[K\n")));
    }
    output::line(&text)
}
