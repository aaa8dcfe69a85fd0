//! `plaudit features backfill`: history into the online store.

use super::inputs;
use crate::config::Config;
use crate::files::RowArgs;
use crate::output::Output;
use crate::usage::{WrongUsage, sorted};
use feature_store::backfill::{BackfillError, BackfillReport, BackfillRequest, backfill};
use feature_store::offline::{FileError, files_below};
use feature_store::online::OnlineStore;
use feature_store::views::EventSource;
use schemas::Timestamp;
use serde::Serialize;
use service::shutdown::token_on_signals;
use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Fill the online store with the ratings of files of reviews
#[derive(clap::Args)]
#[command(after_help = "\
Doing it twice changes nothing the second time, and ingest may run meanwhile. Rows with the columns
source_topic, source_partition and source_offset, as `plaudit ingest` writes them, are the records
of Kafka that they name: between ingest and backfill each counts once. The rows of any other file
belong to that file's content: those that are in Kafka too count twice, as do those of a file that
was changed; --before leaves out what ingest has counted.

Examples:
  plaudit features backfill --input history.parquet --set redis.url=redis://localhost:6379
  plaudit features backfill --input offline/reviews
  plaudit features backfill --set offline.url=s3://bucket/plaudit
  plaudit features backfill --input history.parquet --before 2026-11-01
  plaudit features backfill --input 2023.csv.gz 2024.csv.gz --column rating=stars")]
pub struct Args {
    /// Parquet, CSV or JSON Lines, files or an address such as s3://bucket/reviews; without it, the reviews of offline.url
    #[arg(long, num_args = 1.., value_name = "FILE")]
    input: Vec<PathBuf>,
    #[command(flatten)]
    rows: RowArgs,
    /// Only what happened before: a date, RFC 3339, or epoch milliseconds
    #[arg(long, value_name = "TIME", value_parser = moment)]
    before: Option<Timestamp>,
    #[command(flatten)]
    output: Output,
}

fn moment(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text)
        .ok_or_else(|| "write a date or a time, such as 2026-11-01 or 2026-11-01T10:00:00Z".to_owned())
}

/// What came of it, for people or as JSON.
#[derive(Serialize)]
struct Filled {
    #[serde(flatten)]
    report: BackfillReport,
    seconds: f64,
}

pub async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    let stop = token_on_signals()?;
    if !config.redis.is_enabled() {
        let advice = "there is no online store: set redis.url, such as --set redis.url=redis://localhost:6379";
        return Err(WrongUsage(advice.to_owned()).into());
    }
    let views = config.features.parse()?;
    if !views.uses(EventSource::Reviews) {
        return Err(
            WrongUsage("no view of features.views is made of reviews: there is nothing to fill".to_owned()).into()
        );
    }
    let started = Instant::now();
    let mut input = Vec::new();
    for path in inputs(args.input, &config.offline)? {
        input.extend(files_below(&path).map_err(|error| sorted(error, FileError::is_wrong_usage))?);
    }
    let store = OnlineStore::connect(&config.redis, &views).await?;
    let mut last = Instant::now();
    let goes_on = |report: &BackfillReport| {
        if last.elapsed() >= Duration::from_secs(5) {
            last = Instant::now();
            // A closed stderr must not end the work.
            let _ = writeln!(std::io::stderr(), "{} rows, {} updates applied", report.rows, report.applied);
        }
        !stop.is_cancelled()
    };
    let request = BackfillRequest { input, read: args.rows.options(), before: args.before };
    let report = backfill(&store, &request, goes_on).await;
    let report = report.map_err(|error| sorted(error, BackfillError::is_wrong_usage))?;
    args.output.result(&Filled { report, seconds: started.elapsed().as_secs_f64() })?;
    if stop.is_cancelled() {
        anyhow::bail!("stopped before the end: run the same again, what was applied is not applied twice");
    }
    Ok(())
}

impl fmt::Display for Filled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BackfillReport { rows, skipped, later, applied, replayed, unusable } = self.report;
        writeln!(f, "{rows} rows, {skipped} of them without rating, time or entity, {:.1} s", self.seconds)?;
        if later > 0 {
            writeln!(f, "  {later} rows left out: they are not from before the time asked for")?;
        }
        writeln!(f, "  {applied} updates applied, {replayed} had been applied before")?;
        if unusable > 0 {
            writeln!(f, "  {unusable} updates lost: their keys in Redis hold something else than a hash")?;
        }
        Ok(())
    }
}
