//! What sampling came to: one JSON document, or a page for people.

use super::note::{SampleNote, StratumNote};
use super::quota::ByClass;
use crate::report::grouped;
use model::KeepRates;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// The result of [`sample`](super::sample()).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SampleReport {
    /// The file that was written.
    pub output: PathBuf,
    /// How many rows it has.
    pub rows: ByClass,
    /// How many rows were looked at.
    pub rows_seen: u64,
    /// Different texts with a label.
    pub texts: ByClass,
    /// The share of them that stayed.
    pub keep_rates: KeepRates,
    /// Rows whose text an earlier row has.
    pub copies: u64,
    /// Those of them whose label is another than that of the first.
    pub contradictions: u64,
    /// Rows left out because they have no text or no label, by reason.
    pub dropped_reasons: BTreeMap<String, u64>,
    /// By stratum, where the sample is stratified.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub strata: BTreeMap<String, StratumNote>,
    /// All texts in one number.
    pub content: String,
    /// How often the input was read: once, or a second time for rows that memory had not held.
    pub passes: u32,
    /// Bytes that went through temporary files.
    pub spilled_bytes: u64,
    /// How long it took, by stage.
    pub seconds: BTreeMap<String, f64>,
    /// The most memory that the process has needed so far, where the system tells.
    pub peak_rss_bytes: Option<u64>,
}

/// What an engine knows beside the note.
pub(super) struct Effort {
    pub(super) rows_seen: u64,
    pub(super) dropped_reasons: BTreeMap<String, u64>,
    pub(super) passes: u32,
    pub(super) spilled_bytes: u64,
    pub(super) seconds: BTreeMap<String, f64>,
}

impl SampleReport {
    pub(super) fn new(output: PathBuf, note: SampleNote, effort: Effort) -> Self {
        let Effort { rows_seen, dropped_reasons, passes, spilled_bytes, seconds } = effort;
        Self {
            output,
            rows: note.rows,
            rows_seen,
            texts: note.source.texts,
            keep_rates: note.keep_rates,
            copies: note.source.copies,
            contradictions: note.source.contradictions,
            dropped_reasons,
            strata: note.strata,
            content: note.source.content,
            passes,
            spilled_bytes,
            seconds,
            peak_rss_bytes: crate::peak_rss_bytes(),
        }
    }
}

/// Strata beyond these are in the JSON alone.
const SHOWN_STRATA: usize = 40;

impl fmt::Display for SampleReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let classes = |counts: ByClass| {
            format!("{} negative and {} positive", grouped(counts.negative), grouped(counts.positive))
        };
        writeln!(
            f,
            "sample     {}: {} rows, {}",
            self.output.display(),
            grouped(self.rows.total()),
            classes(self.rows)
        )?;
        writeln!(f, "of         {} rows with {} texts", grouped(self.rows_seen), classes(self.texts))?;
        writeln!(f, "           {} copies left out", grouped(self.copies))?;
        if self.contradictions > 0 {
            writeln!(f, "           {} of them with the other label", grouped(self.contradictions))?;
        }
        for (reason, count) in &self.dropped_reasons {
            writeln!(f, "           {} {}", grouped(*count), reason.replace('_', " "))?;
        }
        let KeepRates { negative, positive } = self.keep_rates;
        writeln!(f, "kept       {negative:.4} of the negative and {positive:.4} of the positive texts")?;
        for (name, stratum) in self.strata.iter().take(SHOWN_STRATA) {
            let name = if name.is_empty() { "(none)" } else { name };
            writeln!(f, "           {name}: {} of {}", classes(stratum.rows), classes(stratum.texts))?;
        }
        if self.strata.len() > SHOWN_STRATA {
            writeln!(f, "           and {} strata more", self.strata.len() - SHOWN_STRATA)?;
        }
        let stages = ["read", "choose", "fetch", "write", "total"];
        let stages = stages.iter().filter_map(|stage| Some(format!("{stage} {:.2}", self.seconds.get(*stage)?)));
        write!(f, "seconds    {}", stages.collect::<Vec<_>>().join(", "))?;
        if let Some(bytes) = self.peak_rss_bytes {
            write!(f, "\nmemory     {} MiB at most", grouped(bytes >> 20))?;
        }
        if self.spilled_bytes > 0 {
            write!(f, ", {} MiB through temporary files", grouped(self.spilled_bytes >> 20))?;
        }
        Ok(())
    }
}
