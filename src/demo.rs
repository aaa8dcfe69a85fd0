//! `plaudit demo`: the whole system in one process.

use crate::config::Config;
use crate::files::RowArgs;
use crate::output::Output;
use crate::replay::above_zero;
use crate::usage::{WrongUsage, sorted};
use demo::{Error, Generated, Input, Options, Screen};
use service::shutdown::token_on_signals;
use std::path::PathBuf;

/// Partitions of each topic: enough to see that there are several.
const PARTITIONS: i32 = 4;

/// The gateway's address where nobody has chosen one: a demo takes another port when this one is taken.
const DEFAULT_LISTEN: &str = "127.0.0.1:8080";

/// See the whole system in one process: broker, training, scorer, gateway and traffic
#[derive(clap::Args)]
#[command(after_help = "\
Without --input it generates reviews, trains on the first and streams the others until Ctrl-C.
With --input it trains on the first half of the rows (by created_at where the files have it, else
by the hash of review_id), replays the second half at full speed with its labels as feedback,
and serves until Ctrl-C. Models go to a temporary folder, or to that of --registry.

Examples:
  plaudit demo
  plaudit demo --once --json
  plaudit demo --input reviews.csv --column rating=stars --once")]
pub struct Args {
    /// Parquet, CSV or JSON Lines, plain or .gz or .zst; one file or more
    #[arg(long, num_args = 1.., value_name = "FILE")]
    input: Vec<PathBuf>,
    #[command(flatten)]
    rows: RowArgs,
    /// End with the replay
    #[arg(long)]
    once: bool,
    /// Generated reviews a second; with --once they come at full speed
    #[arg(long, value_name = "N", value_parser = above_zero, conflicts_with_all = ["input", "once"])]
    rate: Option<f64>,
    /// Which reviews to generate: the same number, the same reviews
    #[arg(long, value_name = "NUMBER", conflicts_with = "input")]
    seed: Option<u64>,
    /// Where the gateway listens, as gateway.listen
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
    #[command(flatten)]
    output: Output,
}

/// Runs the verb; models are kept when the command line names a registry.
pub async fn run(args: Args, mut config: Config, keep_models: bool) -> anyhow::Result<()> {
    let any_port = args.listen.is_none() && config.gateway.listen == DEFAULT_LISTEN;
    if let Some(listen) = args.listen {
        config.gateway.listen = listen;
        config.gateway.check().map_err(WrongUsage)?;
    }
    service::metrics::install();
    scorer::metrics::describe();
    let stop = token_on_signals()?;
    let input = if args.input.is_empty() {
        let default = Generated::default();
        let seed = args.seed.unwrap_or(default.seed);
        let reviews_per_second = args.rate.unwrap_or(default.reviews_per_second);
        Input::Generated(Generated { seed, reviews_per_second, ..default })
    } else {
        Input::Files { paths: args.input, read: args.rows.options() }
    };
    let options = Options { input, once: args.once, keep_models, any_port, partitions: PARTITIONS };
    let config = demo::Config {
        model: config.model.to_train(),
        topics: config.topics,
        features: config.features.parse()?,
        join: config.join,
        registry: config.registry,
        name: config.model.name,
        fit: config.train,
        stream: config.scorer,
        gateway: config.gateway,
    };
    let mut screen = Screen::new(args.output.json);
    let report = demo::run(&config, &options, &stop, &mut screen).await;
    let report = report.map_err(|error| sorted(error, Error::is_wrong_usage))?;
    args.output.result(&report)?;
    Ok(report.exactly_once()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Verb {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn flags_of_generated_reviews_are_wrong_usage_beside_files() {
        assert!(Verb::try_parse_from("demo --rate 10 --seed 3".split(' ')).is_ok());
        assert!(Verb::try_parse_from("demo --input a.csv --column rating=stars --once".split(' ')).is_ok());
        for flags in ["--input a.csv --rate 10", "--input a.csv --seed 3", "--once --rate 10", "--input"] {
            let line = format!("demo {flags}");
            assert!(Verb::try_parse_from(line.split(' ')).is_err_and(|error| error.exit_code() == 2), "{line}");
        }
    }

    #[test]
    fn the_address_that_may_change_is_the_default() {
        let defaults: toml::Table = include_str!("default.toml").parse().unwrap();
        assert_eq!(defaults["gateway"]["listen"].as_str(), Some(DEFAULT_LISTEN));
    }
}
