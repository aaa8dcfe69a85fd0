//! `plaudit sample`: of any amount of skewed reviews a balanced sample, each text once.

use crate::config::Config;
use crate::files::RowArgs;
use crate::output::Output;
use crate::reading::{self, Shown};
use crate::usage::{WrongUsage, sorted};
use anyhow::Context;
use clap::ValueEnum;
use feature_store::offline::store::{Dataset, Store};
use service::shutdown::token_on_signals;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use trainer::sample::{
    FeedbackLabels, SampleError, SampleProgress, SampleReport, SampleRequest, SampleStage, Size, Stratify, sample,
    sample_on_spark,
};

/// Draw a balanced sample of labelled reviews, each text once
#[derive(clap::Args)]
#[command(after_help = "\
All texts of the smaller class stay, and of the larger one as many as --ratio allows: those with
the least hashes, so that the same rows stay whatever the order of the files and whatever engine
reads them. Of the copies of a text the earliest stays. Rows without a text or a label are left
out. The output is Parquet with our fields under our names, shuffled; its footer says which share
of each class stayed, and a model that is trained on it undoes that when it scores.

Without --input, the reviews in the offline store (offline.url), with the labels in its feedback;
where there is none, with those that follow from ratings.

Memory stays below the limit whatever the sizes: what it does not hold goes to --temp-dir.

Examples:
  plaudit sample --input reviews-*.parquet --output golden.parquet
  plaudit sample --output golden.parquet --since 90d --stratify month
  plaudit sample --input 2024.csv.gz --column rating=stars --rows 200000 --ratio 2 --output golden.parquet
  plaudit sample --input /data/reviews.parquet --engine spark --spark sc://spark:15002 --output golden.parquet")]
pub struct Args {
    /// Parquet, CSV or JSON Lines, plain or .gz or .zst; one file or more. Without it, the offline store
    #[arg(long, num_args = 1.., value_name = "FILE")]
    input: Vec<PathBuf>,
    #[command(flatten)]
    rows: RowArgs,
    /// The Parquet file to write
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    size: SizeArgs,
    /// A further column that the sample has, as text; repeat for more
    #[arg(long, value_name = "COLUMN")]
    keep: Vec<String>,
    /// A further column of numbers that the sample has, such as a feature; repeat for more
    #[arg(long, value_name = "COLUMN")]
    feature: Vec<String>,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    json: Output,
}

#[derive(clap::Args)]
struct SizeArgs {
    /// Rows of the larger class for each of the smaller one
    #[arg(long, value_name = "NUMBER", default_value_t = 1.0, allow_negative_numbers = true)]
    ratio: f64,
    /// Rows at most, in the same proportion
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    rows: Option<u64>,
    /// Balance each month, or each value of a column, apart
    #[arg(long, value_name = "month|COLUMN")]
    stratify: Option<Stratify>,
}

#[derive(clap::Args)]
struct EngineArgs {
    /// What reads the files
    #[arg(long, value_enum, default_value = "local")]
    engine: Engine,
    /// The address of Spark Connect
    #[arg(long, value_name = "sc://HOST:PORT", required_if_eq("engine", "spark"))]
    spark: Option<String>,
    /// Memory for rows, such as 256MiB or 1GiB; without it, sample.memory_limit_bytes
    #[arg(long, value_name = "SIZE", value_parser = crate::size::bytes)]
    memory_limit: Option<u64>,
    /// Folder for what memory does not hold; without it, that of the output
    #[arg(long, value_name = "FOLDER")]
    temp_dir: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Engine {
    /// This process, on all cores
    Local,
    /// Spark, over Spark Connect: it must see the files under the same paths
    Spark,
}

pub async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    let stop = token_on_signals()?;
    let memory_limit_bytes = args.engine.memory_limit.unwrap_or(config.sample.memory_limit_bytes);
    let (inputs, feedback) = match args.input.is_empty() {
        false => (args.input, None),
        true => {
            let problem = "there is nothing to sample: name files by --input, or the store by offline.url";
            let reviews = config.offline.path_of(Dataset::Reviews).ok_or_else(|| WrongUsage(problem.to_owned()))?;
            let store = Store::open(&config.offline).context("cannot open the offline store")?;
            let feedback = FeedbackLabels::read(&store, memory_limit_bytes / 2).await?;
            (vec![reviews], Some(feedback))
        }
    };
    let request = SampleRequest {
        inputs,
        read: feature_store::offline::ReadOptions { features: args.feature, ..args.rows.options() },
        feedback,
        output: args.output,
        size: Size { ratio: args.size.ratio, rows: args.size.rows },
        stratify: args.size.stratify,
        keep: args.keep,
        temp_dir: args.engine.temp_dir,
        memory_limit_bytes,
    };
    let progress = Arc::new(SampleProgress::default());
    let of_sample = progress.clone();
    let spark = args.engine.spark.filter(|_| args.engine.engine == Engine::Spark);
    let mut sampling: Sampling = match spark {
        Some(address) => Box::pin(async move { sample_on_spark(&request, &address, &of_sample).await }),
        None => Box::pin(async move {
            let sampling = tokio::task::spawn_blocking(move || sample(&request, &of_sample));
            sampling.await.expect("sampling doesn't panic, and isn't cancelled")
        }),
    };
    let mut shown = Shown::new();
    let mut ticks = tokio::time::interval(Duration::from_millis(200));
    let report = loop {
        tokio::select! {
            report = &mut sampling => break report,
            () = stop.cancelled() => progress.stop(),
            _ = ticks.tick() => {}
        }
        let (stage, message) = now(&progress);
        shown.show(stage, message);
    };
    drop(shown);
    args.json.result(&report.map_err(|error| sorted(error, SampleError::is_wrong_usage))?)
}

type Sampling = Pin<Box<dyn Future<Output = Result<SampleReport, SampleError>> + Send>>;

/// What it is doing, for people.
fn now(progress: &SampleProgress) -> (&'static str, String) {
    let (stage, rows, done, total) = progress.now();
    let message = match stage {
        SampleStage::Reading | SampleStage::Fetching => reading::message(stage.name(), rows, done, total),
        SampleStage::Choosing | SampleStage::Writing => stage.name().to_owned(),
    };
    (stage.name(), message)
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
    fn flags_that_contradict_each_other_are_wrong_usage() {
        for line in [
            "sample --input a.csv",
            "sample --input a.csv --output b.parquet --engine spark",
            "sample --input a.csv --output b.parquet --engine flink",
            "sample --input a.csv --output b.parquet --since yesterday",
            "sample --input a.csv --output b.parquet --rows -5",
        ] {
            assert!(Verb::try_parse_from(line.split(' ')).is_err_and(|error| error.exit_code() == 2), "{line}");
        }
        let line =
            "sample --input a.csv --output b.parquet --stratify month --rows 10 --memory-limit 64MiB --since 90d";
        let args = Verb::parse_from(line.split(' ')).args;
        assert_eq!(args.size.stratify, Some(Stratify::Month));
        assert_eq!(args.engine.memory_limit, Some(64 << 20));
        assert!(args.rows.options().since.is_some());
    }
}
