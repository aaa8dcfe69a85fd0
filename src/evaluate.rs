//! `plaudit evaluate`: a registered model on files of labelled reviews.

use crate::config::Config;
use crate::files::FileArgs;
use crate::inquiry::InquiryArgs;
use crate::output::Output;
use crate::progress;
use crate::usage::sorted;
use registry::{Reference, Registry};
use trainer::{Dataset, Error, EvaluateRequest};

/// Test a registered model on files of labelled reviews
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  plaudit evaluate --input reviews.parquet --where split=test
  plaudit evaluate --input reviews.parquet --slice-by category --slice-by month --report test.html
  plaudit evaluate --input reviews.parquet --threshold-for precision=0.95
  plaudit evaluate --input may.csv --column rating=stars --model v3 --json")]
pub struct Args {
    #[command(flatten)]
    files: FileArgs,
    /// Which version to test
    #[arg(long, value_name = "VERSION or ALIAS", default_value = "production")]
    model: Reference,
    #[command(flatten)]
    inquiry: InquiryArgs,
    #[command(flatten)]
    output: Output,
}

pub async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    let registry = Registry::open(&config.registry.url)?;
    let page = args.inquiry.page()?;
    let request = EvaluateRequest {
        name: config.model.name,
        reference: args.model,
        data: Dataset::files(args.files.input.clone(), args.files.rows.options()),
        inquiry: args.inquiry.inquiry(config.train.seed, true),
    };
    let report = trainer::evaluate(&registry, request, progress::show()).await;
    let report = report.map_err(|error| sorted(error, Error::is_wrong_usage))?;
    if let Some(page) = page {
        page.finish(&report.to_html())?;
    }
    args.output.result(&report)
}
