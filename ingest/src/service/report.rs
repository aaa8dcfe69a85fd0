//! What a run did.

use super::online::UpdateCounts;
use feature_store::offline::store::FinishedPart;
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// What a run did, in the words of the command line.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct IngestReport {
    /// Records that were written.
    pub records: u64,
    /// Those among them that could not be decoded, and stand in the files as they came.
    pub malformed: u64,
    /// Files that were created.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What became of online features, where they are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updates: Option<UpdateCounts>,
    /// From the start to the end.
    pub seconds: f64,
    /// Records over seconds.
    pub records_per_second: f64,
}

/// What was written so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) records: u64,
    malformed: u64,
    files: u64,
    bytes: u64,
}

impl Tally {
    pub(super) fn file(&mut self, part: &FinishedPart, malformed: u64) {
        self.records += part.rows();
        self.malformed += malformed;
        self.files += 1;
        self.bytes += part.size_bytes() as u64;
    }

    pub(super) fn finish(self, updates: Option<UpdateCounts>, elapsed: Duration) -> IngestReport {
        let Self { records, malformed, files, bytes } = self;
        let seconds = elapsed.as_secs_f64();
        let records_per_second = if seconds > 0.0 { records as f64 / seconds } else { 0.0 };
        IngestReport { records, malformed, files, bytes, updates, seconds, records_per_second }
    }
}

impl fmt::Display for IngestReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { records, malformed, files, bytes, updates, seconds, records_per_second } = self;
        writeln!(f, "records    {records}")?;
        if *malformed > 0 {
            writeln!(f, "malformed  {malformed}, kept with their bytes: see the column `malformed`")?;
        }
        writeln!(f, "files      {files} of {bytes} bytes")?;
        if let Some(UpdateCounts { applied, replayed, unusable, labels_without_review, future }) = updates {
            writeln!(
                f,
                "updates    {applied} of products and users, {replayed} were there, {unusable} found no place"
            )?;
            if *labels_without_review > 0 {
                writeln!(f, "labels     {labels_without_review} of reviews that the online store does not remember")?;
            }
            if *future > 0 {
                writeln!(
                    f,
                    "future     {future} ratings and labels are dated a day after their records, and count for nobody"
                )?;
            }
        }
        writeln!(f, "seconds    {seconds:.3}")?;
        write!(f, "records/s  {records_per_second:.0}")
    }
}
