//! `plaudit retrain`: production's settings on the reviews of the last months, once or on a schedule.

mod history;

use crate::config::Config;
use crate::files::moment;
use crate::output::{Output, line};
use crate::usage::{WrongUsage, sorted};
use crate::{mlflow, progress, who};
use history::History;
use registry::{Refusal, Registry, Trigger};
use schemas::Timestamp;
use service::health::Health;
use service::shutdown::token_on_signals;
use service::supervisor::{Policy, Supervisor};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use trainer::retrain::{
    AlertReader, RetrainError, RetrainOrder, RetrainReport, RetrainService, Retrained, Retrainer, Schedule,
};

/// Train production's successor on the latest reviews, and promote it if it holds the gates
#[derive(clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Learns from the reviews and the feedback in the offline store (offline.url) with the settings of the
version in production; where there is none, with those of the configuration. The newest rows are
left out, and both versions are compared on them: if the gates of [promotion] hold, the new one
takes the alias production, else it is kept beside it. One run at a time, whatever the number of
processes; --schedule and --on-drift run until they are stopped. [retrain] has the rest.

The exit code is 0 when a version was made: `outcome` in --json is promoted or kept.

Examples:
  plaudit retrain --since 90d --dry-run
  plaudit retrain --since 90d --json
  plaudit retrain --full --trials 50
  plaudit retrain --schedule '0 3 * * *' --timezone Europe/Berlin
  plaudit retrain --on-drift --set 'retrain.on_drift=[\"words\"]'
  plaudit retrain history"
)]
pub struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    order: OrderArgs,
    #[command(flatten)]
    service: ServiceArgs,
    #[command(flatten)]
    output: Output,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Show the runs that there were: when, what for, how they ended and why
    #[command(after_help = "\
Examples:
  plaudit retrain history
  plaudit retrain history --last 100 --json")]
    History {
        /// So many runs, the latest ones
        #[arg(long, value_name = "NUMBER", default_value_t = 30)]
        last: usize,
    },
}

#[derive(clap::Args)]
struct OrderArgs {
    /// Reviews of this time or later: a date, RFC 3339, or so long ago, such as 90d or 36h; without it, retrain.window_days
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// Reviews before this; without it, now
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
    /// Search for better settings first, beginning with production's
    #[arg(long)]
    full: bool,
    /// How many settings to try
    #[arg(long, value_name = "N", default_value_t = 30, requires = "full", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    trials: u32,
    /// Whose settings are used
    #[arg(long, value_enum, default_value = "production")]
    settings: SettingsOf,
    /// Say what would be used, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// The reason, for the log
    #[arg(long, visible_alias = "reason", value_name = "TEXT", default_value = "", hide_default_value = true)]
    why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum SettingsOf {
    /// Those of the version in production, where there is one
    Production,
    /// Those of the configuration
    Config,
}

#[derive(clap::Args)]
struct ServiceArgs {
    /// Go on, and retrain at these times: minute, hour, day of the month, month, day of the week
    #[arg(long, value_name = "CRON", conflicts_with_all = ["since", "until", "settings", "dry_run", "why"])]
    schedule: Option<String>,
    /// The zone of these times; without it, retrain.timezone
    #[arg(long, value_name = "ZONE", requires = "schedule")]
    timezone: Option<String>,
    /// Go on, and retrain when a monitor of retrain.on_drift raises an alert
    #[arg(long, conflicts_with_all = ["since", "until", "settings", "dry_run", "why"])]
    on_drift: bool,
}

/// A version that is there when a signal comes is compared within this time.
const GRACE: Duration = Duration::from_secs(60);

pub async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    let retrainer = retrainer(&config)?;
    if let Some(Verb::History { last }) = args.verb {
        let runs = retrainer.history(Some(last)).await?;
        return args.output.result(&History::new(retrainer.name, runs, Timestamp::now()));
    }
    if args.service.schedule.is_some() || args.service.on_drift {
        return serve(args, config, retrainer).await;
    }
    let stop = token_on_signals()?;
    let order = args.order.order();
    let wrong = |error| sorted(error, RetrainError::is_wrong_usage);
    if args.order.dry_run {
        let plan = retrainer.plan(&order, &stop).await.map_err(wrong)?;
        return args.output.result(&plan);
    }
    match retrainer.run(&order, &stop, progress::show()).await.map_err(wrong)? {
        Retrained::Done(report) => {
            tell_mlflow(&config, &retrainer.registry, &report).await;
            args.output.result(&*report)
        }
        Retrained::Refused(Refusal::Never(reason)) => anyhow::bail!("not retrained: {reason}"),
        Retrained::Refused(Refusal::Until(time)) => anyhow::bail!("not retrained: not before {time}"),
    }
}

impl OrderArgs {
    fn order(&self) -> RetrainOrder {
        RetrainOrder {
            trigger: Trigger::Manual,
            since: self.since,
            until: self.until,
            trials: self.full.then_some(self.trials),
            configured: self.settings == SettingsOf::Config,
            why: self.why.clone(),
        }
    }
}

fn retrainer(config: &Config) -> anyhow::Result<Retrainer> {
    Ok(Retrainer {
        registry: Registry::open(&config.registry.url)?,
        name: config.model.name.clone(),
        alias: "production".parse().expect("production is an alias"),
        model: config.model.to_train(),
        fit: config.train.clone(),
        offline: config.offline.clone(),
        views: config.features.parse()?,
        sample_memory_bytes: config.sample.memory_limit_bytes,
        join_memory_bytes: config.join.memory_limit_bytes,
        config: config.retrain.clone(),
        validation: config.validation.clone(),
        promotion: config.promotion.clone(),
        who: who::user(),
    })
}

/// Retrains at its times and on alerts, until a signal.
async fn serve(args: Args, config: Config, retrainer: Retrainer) -> anyhow::Result<()> {
    let schedule = args.service.schedule(&config)?;
    let monitors = config.retrain.on_drift.clone();
    if args.service.on_drift && monitors.is_empty() {
        let problem = "retrain.on_drift names no monitor: --set 'retrain.on_drift=[\"words\"]' names one";
        return Err(WrongUsage(problem.to_owned()).into());
    }
    // It would fail each time, and nobody would look.
    retrainer.check_store().map_err(|error| sorted(error, RetrainError::is_wrong_usage))?;
    service::metrics::install();
    let health = Health::new();
    let component = health.component("retrain");
    let supervisor = Supervisor::new(token_on_signals()?);
    let token = supervisor.token().clone();
    // What has begun stops also where the rest cannot begin.
    let _stopping = token.clone().drop_guard();
    if !config.health.listen.is_empty() {
        let listener = service::health::bind(&config.health.listen, "health.listen").await?;
        supervisor.spawn("health", Policy::Essential, service::health::serve(listener, health.router(), token.clone()));
    }
    let alerts = if monitors.is_empty() {
        None
    } else {
        let (reader, alerts) = AlertReader::new(config.kafka.clone(), config.topics.drift.clone(), monitors);
        let stop = token.clone();
        supervisor.spawn_blocking("alerts", Policy::Essential, move || reader.run(&stop))?;
        Some(alerts)
    };
    if let Some(schedule) = &schedule {
        let next = schedule.next(Timestamp::now()).map_or("never".to_owned(), |slot| slot.to_string());
        tracing::info!("retrains \"{}\" at {schedule}, next at {next}", retrainer.name);
    }
    let trials = args.order.full.then_some(args.order.trials);
    let service = RetrainService { retrainer, schedule, alerts, trials };
    component.ready();
    supervisor.spawn("retrain", Policy::Essential, work(service, config, args.output, token));
    supervisor.join_all(GRACE).await?;
    Ok(())
}

async fn work(
    service: RetrainService,
    config: Config,
    output: Output,
    stop: CancellationToken,
) -> Result<(), RetrainError> {
    let registry = service.retrainer.registry.clone();
    let shown = |report: RetrainReport| {
        let (config, registry) = (&config, &registry);
        async move {
            tell_mlflow(config, registry, &report).await;
            // Each is a document in one line, as programs read what comes piece by piece. A closed stdout ends nothing.
            let text =
                if output.json { serde_json::to_string(&report).unwrap_or_default() } else { report.to_string() };
            let _ = line(&text);
        }
    };
    service.run(&stop, progress::show, shown).await
}

impl ServiceArgs {
    fn schedule(&self, config: &Config) -> Result<Option<Schedule>, WrongUsage> {
        let zone = self.timezone.as_ref().unwrap_or(&config.retrain.timezone);
        self.schedule.as_ref().map(|cron| Schedule::parse(cron, zone)).transpose().map_err(WrongUsage)
    }
}

async fn tell_mlflow(config: &Config, registry: &Registry, report: &RetrainReport) {
    if config.mlflow.is_enabled() {
        mlflow::send(config, registry, &report.model.name, report.model.version).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn an_order_is_what_the_flags_say() {
        let args =
            Line::parse_from(["retrain", "--full", "--trials", "7", "--settings", "config", "--why", "new"]).args;
        let order = args.order.order();
        assert_eq!((order.trials, order.configured, order.why.as_str()), (Some(7), true, "new"));
        assert_eq!(Line::parse_from(["retrain"]).args.order.order().trials, None);
    }

    #[test]
    fn flags_that_contradict_each_other_are_wrong_usage() {
        for line in [
            "retrain --since yesterday",
            "retrain --trials 3",
            "retrain --timezone UTC",
            "retrain --schedule x --dry-run",
            "retrain --on-drift --since 3d",
            "retrain --since 90d history",
        ] {
            let parsed = Line::try_parse_from(line.split(' '));
            assert!(parsed.is_err_and(|error| error.exit_code() == 2), "{line}");
        }
    }
}
