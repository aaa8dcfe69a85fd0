//! The one binary. Reads the command line and the configuration, starts telemetry and hands over to a verb; every verb is a
//! file of its own that turns arguments into one call of a library and the answer into output.

mod arguments;
mod completions;
mod config;
mod config_verb;
mod demo;
mod dlq;
mod evaluate;
mod features;
mod files;
mod ingest;
mod inquiry;
mod learn;
mod man;
mod mlflow;
mod model_in_use;
mod models;
mod monitor;
mod output;
mod predict;
mod preset;
mod progress;
mod reading;
mod replay;
mod retrain;
mod sample;
mod score;
mod serve;
mod size;
mod status;
mod topics;
mod train;
mod tune;
mod until_end;
mod usage;
mod validate;
mod who;

use clap::{CommandFactory, Parser, Subcommand};
use config::{Config, Settings};
use service::config::Layer;
use std::process::ExitCode;
use usage::Failure;

/// Records are read in one thread, scored in a second and freed in a third, which glibc's allocator serves more slowly: the
/// stream on short reviews is a tenth faster with this one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Scores text the moment it lands in Kafka, and never loses or repeats a prediction.
#[derive(Parser)]
#[command(version = env!("PLAUDIT_VERSION"), max_term_width = 100, arg_required_else_help = true, after_help = AFTER_HELP)]
struct Cli {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    verb: Verb,
}

const AFTER_HELP: &str = "\
Examples:
  plaudit demo
  plaudit train --input reviews.csv --promote
  plaudit score --brokers kafka:9092

Configuration: built-in defaults < --config FILE < PLAUDIT__SECTION__KEY in the environment < flags.
`plaudit config` shows every key with its value.

Exit codes: 0 done, 1 failed, 2 wrong usage.";

/// One line per verb; the order is the order of `--help`.
#[derive(Subcommand)]
enum Verb {
    Demo(demo::Args),
    Sample(sample::Args),
    Validate(validate::Args),
    Train(train::Args),
    Evaluate(evaluate::Args),
    Retrain(retrain::Args),
    Predict(predict::Args),
    Replay(replay::Args),
    Score(score::Args),
    Serve(serve::Args),
    Ingest(ingest::Args),
    Learn(learn::Args),
    Monitor(monitor::Args),
    Models(models::Args),
    Features(features::Args),
    Status(status::Args),
    Topics(topics::Args),
    Dlq(dlq::Args),
    Config(config_verb::Args),
    Completions(completions::Args),
    Man(man::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse_from(arguments::settings_last(std::env::args_os()));
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::Failed(error.into()).report(),
    };
    let outcome = runtime.block_on(run(cli));
    // A verb has waited for everything whose end matters; a thread that still reads stdin must not hold up the exit.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

async fn run(cli: Cli) -> Result<(), Failure> {
    let preset = if let Verb::Train(args) = &cli.verb { args.preset() } else { None };
    let effective = cli.settings.merge(preset).map_err(Failure::Usage)?;
    let mut config = Config::read(&effective).map_err(Failure::Usage)?;
    if matches!(cli.verb, Verb::Demo(_)) && effective.origin("telemetry.log") == Layer::Defaults {
        // The demo shows what its parts do; their own lines would run through its picture.
        config.telemetry.log = "warn".to_owned();
    }
    // Held to the end: dropping it sends the last spans.
    let _telemetry =
        service::telemetry::init(&config.telemetry, "plaudit").map_err(|error| Failure::Usage(error.into()))?;
    let outcome = match cli.verb {
        Verb::Demo(args) => demo::run(args, config, cli.settings.names_registry()).await,
        Verb::Sample(args) => sample::run(args, config).await,
        Verb::Validate(args) => validate::run(args, config).await,
        Verb::Train(args) => train::run(args, config).await,
        Verb::Evaluate(args) => evaluate::run(args, config).await,
        Verb::Retrain(args) => retrain::run(args, config).await,
        Verb::Predict(args) => predict::run(args, config).await,
        Verb::Replay(args) => replay::run(args, config).await,
        Verb::Score(args) => score::run(args, config).await,
        Verb::Serve(args) => serve::run(args, config).await,
        Verb::Ingest(args) => ingest::run(args, config).await,
        Verb::Learn(args) => learn::run(args, config).await,
        Verb::Monitor(args) => monitor::run(args, config).await,
        Verb::Models(args) => models::run(args, config).await,
        Verb::Features(args) => features::run(args, config).await,
        Verb::Status(args) => status::run(args, config).await,
        Verb::Topics(args) => topics::run(args, config).await,
        Verb::Dlq(args) => dlq::run(args, config).await,
        Verb::Config(args) => config_verb::run(&args, &effective),
        Verb::Completions(args) => completions::run(&args, Cli::command()),
        Verb::Man(args) => man::run(&args, Cli::command()),
    };
    outcome.map_err(Failure::of)
}
