//! What a join prints at its end.

use feature_store::join::{JoinReport, ViewReport};
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Serialize)]
pub struct Joined {
    output: PathBuf,
    #[serde(flatten)]
    report: JoinReport,
    seconds: f64,
    peak_rss_bytes: Option<u64>,
}

impl Joined {
    pub fn new(report: JoinReport, output: PathBuf, elapsed: Duration) -> Self {
        Self { output, report, seconds: elapsed.as_secs_f64(), peak_rss_bytes: trainer::peak_rss_bytes() }
    }
}

impl fmt::Display for Joined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let JoinReport { rows, views, spilled_bytes, .. } = &self.report;
        writeln!(f, "{rows} rows in {}, {:.1} s", self.output.display(), self.seconds)?;
        for (name, ViewReport { matched, missing, stale, no_entity, no_time }) in views {
            write!(f, "  {name}: {matched} with features, {missing} without, {stale} stale")?;
            for (count, what) in [(*no_entity, "name no entity"), (*no_time, "have no time")] {
                if count > 0 {
                    write!(f, ", {count} {what}")?;
                }
            }
            writeln!(f)?;
        }
        if *spilled_bytes > 0 {
            writeln!(f, "  {} MiB went through temporary files", spilled_bytes >> 20)?;
        }
        if let Some(bytes) = self.peak_rss_bytes {
            writeln!(f, "  peak memory {} MiB", bytes >> 20)?;
        }
        Ok(())
    }
}
