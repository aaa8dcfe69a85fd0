//! `plaudit validate`: whether files are fit to train on.

use crate::config::Config;
use crate::files::FileArgs;
use crate::output::Output;
use crate::reading::{Shown, message};
use crate::train::TestArgs;
use crate::usage::sorted;
use feature_store::offline::ScanProgress;
use registry::{Alias, Reference, Registry};
use schemas::ModelName;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use trainer::validate::{Profile, ValidateRequest, ValidationReport, profile_of_version, validate};
use trainer::{Dataset, Error, PageFile, Test};

/// Look whether files of labelled reviews are fit to train on
#[derive(clap::Args)]
#[command(after_help = "\
Looks at missing texts and labels, the balance of the classes, copies and contradictions, texts
that stand in training and test, the order of time, and how far the words are from those that the
model in production learned from. The limits are in [validation] of the configuration; `train`
looks at its data first and does not start where one is not held. Exit code 1 where one is not.

Examples:
  plaudit validate --input reviews.parquet
  plaudit validate --input golden.parquet --test 2025-01.parquet --report validation.html
  plaudit validate --input reviews.csv --column rating=stars --set validation.min_class_share=0.2")]
pub struct Args {
    #[command(flatten)]
    files: FileArgs,
    #[command(flatten)]
    test: TestArgs,
    /// Write the report as a page of HTML with charts
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

pub async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    let page = args.report.map(PageFile::create).transpose()?;
    let data = Dataset::files(args.files.input.clone(), args.files.rows.options());
    let report = of(data, args.test.test(&args.files), &config).await?;
    if let Some(page) = page {
        page.finish(&report.to_html())?;
    }
    args.output.result(&report)?;
    match report.passed {
        true => Ok(()),
        false => Err(unfit(&report).into()),
    }
}

const STAGE: &str = "looking at the data";

/// Looks at what would be trained and tested on.
pub async fn of(data: Dataset, test: Test, config: &Config) -> anyhow::Result<ValidationReport> {
    let reference = reference(config).await;
    let request = ValidateRequest { data, test, limits: config.validation.clone(), reference };
    let progress = Arc::new(ScanProgress::default());
    let of_validation = progress.clone();
    let mut validating = tokio::task::spawn_blocking(move || validate(&request, &of_validation));
    let mut shown = Shown::new();
    let mut ticks = tokio::time::interval(Duration::from_millis(200));
    // The first comes at once.
    ticks.tick().await;
    let report = loop {
        tokio::select! {
            report = &mut validating => break report?,
            _ = ticks.tick() => {}
        }
        shown.show(STAGE, message(STAGE, progress.now().0, 0, 0));
    };
    drop(shown);
    report.map_err(|error| sorted(error, Error::is_wrong_usage))
}

/// Whether files can be read twice, to look at them and then to use them: a pipe cannot.
pub fn can_read_twice<'a>(mut paths: impl Iterator<Item = &'a PathBuf>) -> bool {
    paths.all(|path| std::fs::metadata(path).map_or(true, |file| file.is_file() || file.is_dir()))
}

/// That the data is not fit, as the error of a verb that would have used it.
pub fn unfit(report: &ValidationReport) -> Error {
    Error::Unfit { data: report.figures.data.clone(), failures: report.failures() }
}

/// The words that the model in production learned from. Without one, or of a version from before they were kept, there is
/// nothing to compare with.
async fn reference(config: &Config) -> Option<(String, Profile)> {
    let registry = Registry::open(&config.registry.url).ok()?;
    let name: &ModelName = &config.model.name;
    let production: Alias = "production".parse().ok()?;
    let version = registry.resolve(name, &Reference::Alias(production)).await.ok()?;
    let manifest = registry.manifest(name, version).await.ok()?;
    Some((format!("{name} {version}"), profile_of_version(&manifest)?))
}
