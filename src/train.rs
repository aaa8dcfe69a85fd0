//! `plaudit train`: files of labelled reviews to a registered model version.

use crate::config::Config;
use crate::files::{FileArgs, moment};
use crate::inquiry::InquiryArgs;
use crate::mlflow;
use crate::output::Output;
use crate::preset::Preset;
use crate::tune::TuneArgs;
use crate::usage::{WrongUsage, sorted};
use crate::validate;
use crate::{progress, who};
use feature_store::offline::{Condition, ReadOptions};
use registry::Registry;
use schemas::Timestamp;
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;
use trainer::{Dataset, Error, Holdout, Promotion, Test, TrainRequest};

/// Train a model on files of labelled reviews, test it and register it
#[derive(clap::Args)]
#[command(after_help = "\
The label is the column `label` (0/1, neg/pos, negative/positive, false/true); where there is
none, ratings from 4 up are positive and up to 2 negative. Rows that are tested are never
learned from.

Examples:
  plaudit train --input reviews.parquet --holdout 0.2 --promote
  plaudit train --input reviews.parquet --preset accurate --holdout 0.2
  plaudit train --input reviews.parquet --where split=train --test-where split=test
  plaudit train --input reviews.parquet --until 2025-01-01 --test-since 2025-01-01
  plaudit train --input 2024-*.csv.gz --test 2025-01.csv.gz --column rating=stars --set train.c=10
  plaudit train --input reviews.parquet --holdout 0.2 --tune --trials 50 --report test.html")]
pub struct Args {
    #[command(flatten)]
    files: FileArgs,
    #[command(flatten)]
    test: TestArgs,
    #[command(flatten)]
    inquiry: InquiryArgs,
    /// Settings that go well together; --config, the environment and --set may change some of them
    #[arg(long, value_name = "fast|accurate")]
    preset: Option<Preset>,
    #[command(flatten)]
    tune: TuneArgs,
    /// Make the alias production stand for the new version, if it holds the gates of the section `promotion`
    #[arg(long)]
    promote: bool,
    /// Promote it even if a gate does not hold
    #[arg(long, requires_all = ["promote", "reason"])]
    force: bool,
    /// Why it is promoted, for the log
    #[arg(long, visible_alias = "why", value_name = "TEXT", requires = "promote")]
    reason: Option<String>,
    #[command(flatten)]
    output: Output,
}

impl Args {
    /// The preset that the configuration is to be laid over.
    pub fn preset(&self) -> Option<Preset> {
        self.preset
    }
}

#[derive(clap::Args)]
pub struct TestArgs {
    /// Files to test on; with --test-where, those of their rows
    #[arg(long, num_args = 1.., value_name = "FILE")]
    test: Vec<PathBuf>,
    /// Test on the rows whose column has this value; of several, all must hold
    #[arg(long, value_name = "COL=VALUE")]
    test_where: Vec<Condition>,
    /// Test on the rows whose created_at is this or later; --since and --until are about what is learned from alone
    #[arg(long, value_name = "TIME", value_parser = moment)]
    test_since: Option<Timestamp>,
    /// Test on the rows whose created_at is before this
    #[arg(long, value_name = "TIME", value_parser = moment)]
    test_until: Option<Timestamp>,
    /// Test on this share of the rows, chosen by the hash of the text, so that copies of a text stay together
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true, conflicts_with_all = ["test", "test_where", "test_since", "test_until"])]
    holdout: Option<Holdout>,
}

impl TestArgs {
    fn picks_rows(&self) -> bool {
        !self.test_where.is_empty() || self.test_since.is_some() || self.test_until.is_some()
    }

    /// What is tested on, beside these files.
    pub fn test(&self, files: &FileArgs) -> Test {
        let paths = if self.test.is_empty() { &files.input } else { &self.test };
        match self.holdout {
            Some(holdout) => Test::Holdout(holdout),
            None if self.test.is_empty() && !self.picks_rows() => Test::None,
            None => {
                let options = files.rows.options_where(&self.test_where);
                let options = ReadOptions { since: self.test_since, until: self.test_until, ..options };
                Test::On(Dataset::files(paths.clone(), options))
            }
        }
    }
}

pub async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    let registry = Registry::open(&config.registry.url)?;
    let promotion = args.promote.then(|| Promotion {
        alias: "production".parse().expect("production is an alias"),
        who: who::user(),
        why: args.reason.clone().unwrap_or_else(|| "train --promote".to_owned()),
        gates: config.promotion.clone(),
        force: args.force,
    });
    let test = args.test.test(&args.files);
    if matches!(test, Test::None) && args.inquiry.is_asked() {
        let reason =
            "--report, --slice-by and --threshold-for are about a test: add --test FILE, --test-where or --holdout";
        return Err(WrongUsage(reason.to_owned()).into());
    }
    let page = args.inquiry.page()?;
    let data = Dataset::files(args.files.input.clone(), args.files.rows.options());
    let read = args.files.input.iter().chain(&args.test.test);
    if config.validation.before_training && validate::can_read_twice(read) {
        let report = validate::of(data.clone(), test.clone(), &config).await?;
        if !report.passed {
            return Err(validate::unfit(&report).into());
        }
    }
    let request = TrainRequest {
        inquiry: args.inquiry.inquiry(config.train.seed, false),
        tune: args.tune.request(),
        model: config.model.to_train(),
        name: config.model.name.clone(),
        fit: config.train.clone(),
        data,
        test,
        promotion,
        stop: CancellationToken::new(),
    };
    let report = trainer::train(&registry, request, progress::show()).await;
    let report = report.map_err(|error| sorted(error, Error::is_wrong_usage))?;
    if config.mlflow.is_enabled() {
        mlflow::send(&config, &registry, &report.model.name, report.model.version).await;
    }
    if let Some(page) = page {
        page.finish(&report.to_html())?;
    }
    args.output.result(&report)
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

    fn test_of(line: &str) -> String {
        let args = Verb::parse_from(line.split(' ')).args;
        format!("{:?}", args.test.test(&args.files))
    }

    #[test]
    fn the_test_is_what_the_flags_say() {
        assert_eq!(test_of("train --input a.csv --where x=1"), "None");
        assert_eq!(test_of("train --input a.csv --holdout 0.2"), "Holdout(Holdout(0.2))");
        assert_eq!(test_of("train --input a.csv --where s=a --test-where s=b"), "On(Dataset(a.csv where s=b))");
        assert_eq!(test_of("train --input a.csv --where s=a --test b.csv"), "On(Dataset(b.csv))");
        assert_eq!(test_of("train --input a.csv --test b.csv --test-where s=b"), "On(Dataset(b.csv where s=b))");
        let since = "On(Dataset(a.csv since 2024-05-01T00:00:00.000Z))";
        assert_eq!(test_of("train --input a.csv --until 2024-05-01 --test-since 2024-05-01"), since);
        assert_eq!(test_of("train --input a.csv --until 2024-05-01"), "None");
    }

    #[test]
    fn a_holdout_beside_another_test_is_wrong_usage() {
        for line in [
            "train --input a.csv --holdout 0.2 --test b.csv",
            "train --input a.csv --holdout 0.2 --test-where s=b",
            "train --input a.csv --holdout 20",
            "train --input a.csv --holdout -0.2",
            "train --holdout 0.2",
        ] {
            assert!(Verb::try_parse_from(line.split(' ')).is_err_and(|error| error.exit_code() == 2), "{line}");
        }
    }
}
