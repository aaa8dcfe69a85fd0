//! `plaudit replay --verify`: stored predictions made again.

use crate::config::Config;
use crate::output::Output;
use registry::Registry;
use scorer::verify::{Difference, Verify, VerifyReport};
use serde::Serialize;
use service::shutdown::token_on_signals;
use std::fmt;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// On a terminal and elsewhere alike, a line now and then.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);

pub async fn run(output: Output, config: Config) -> anyhow::Result<()> {
    let stop = token_on_signals()?;
    let registry = Registry::open(&config.registry.url)?;
    let runtime = tokio::runtime::Handle::current();
    let verify = Verify { kafka: config.kafka, predictions: config.topics.predictions, registry, runtime };
    let mut last = Instant::now();
    let mut progress = move |predictions: u64| {
        if last.elapsed() >= PROGRESS_INTERVAL
            || (std::io::stderr().is_terminal() && last.elapsed() >= Duration::from_secs(1))
        {
            last = Instant::now();
            // A closed stderr must not end it.
            let _ = writeln!(std::io::stderr(), "{predictions} predictions");
        }
    };
    let report = tokio::task::spawn_blocking(move || verify.run(&stop, &mut progress)).await??;
    let different = report.different;
    output.result(&Report(report))?;
    match different {
        0 => Ok(()),
        1 => anyhow::bail!("1 prediction came out different"),
        different => anyhow::bail!("{different} predictions came out different"),
    }
}

/// The report for people.
#[derive(Serialize)]
#[serde(transparent)]
struct Report(VerifyReport);

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(report) = self;
        writeln!(f, "predictions       {}", report.predictions)?;
        writeln!(f, "verified          {}", report.verified)?;
        writeln!(f, "different         {}", report.different)?;
        writeln!(f, "not reproducible  {}", report.not_reproducible.values().sum::<u64>())?;
        for (reason, predictions) in &report.not_reproducible {
            writeln!(f, "  {predictions}: {}", reason.as_str())?;
        }
        write!(f, "seconds           {:.3}", report.seconds)?;
        for Difference { review_id, source, model, stored, found } in &report.differences {
            let (topic, partition, offset) = (&source.topic, source.partition, source.offset);
            write!(
                f,
                "\n{review_id} ({topic}/{partition}@{offset}): {stored} was stored, and {} update {} says {found}",
                model.version, model.update
            )?;
        }
        if report.stopped { f.write_str("\nstopped before the end") } else { Ok(()) }
    }
}
