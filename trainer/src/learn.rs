//! The pass that learns: rows to vectors while files are read, then the fit.

use crate::dataset::Dataset;
use crate::error::Error;
use crate::examples::{DropReason, Dropped, example};
use crate::holdout::Holdout;
use crate::pass::Pass;
use crate::progress::Progress;
use crate::validate::Profile;
use feature_store::offline::{Row, RowPosition};
use model::{Corpus, Document, FitConfig, FitReport, Model, ModelConfig};
use registry::DataFingerprint;
use schemas::{Label, Timestamp};
use std::time::{Duration, Instant};

/// Fewer rows say nothing that a model could learn.
pub(crate) const MINIMUM_ROWS: u64 = 10;

/// Of more rows than these the words of one in so many are enough.
const ALL_PROFILED_ROWS: u64 = 4096;
const PROFILED_ROWS: u64 = 16;

/// What to learn from, and what to leave to the test.
pub(crate) struct Lesson<'a> {
    pub(crate) data: &'a Dataset,
    pub(crate) holdout: Option<Holdout>,
    /// Ascending.
    pub(crate) tested_rows: Vec<RowPosition>,
    pub(crate) model: ModelConfig,
    pub(crate) fit: &'a FitConfig,
}

/// A model and how it came about.
pub(crate) struct Learned {
    pub(crate) model: Model,
    pub(crate) fit: FitReport,
    pub(crate) data: DataFingerprint,
    /// Their words, with which those of later data are compared.
    pub(crate) profile: Profile,
    /// Of all rows that were read, those held out for the test included.
    pub(crate) dropped: Dropped,
    /// Rows learned from in which bytes that are not UTF-8 were replaced.
    pub(crate) repaired: u64,
    pub(crate) read: Duration,
    pub(crate) vectorize: Duration,
    pub(crate) fitting: Duration,
}

impl Lesson<'_> {
    pub(crate) fn learn(self, pass: Pass, progress: &mut dyn FnMut(Progress)) -> Result<Learned, Error> {
        let mut corpus = Corpus::new(self.model.clone(), self.fit.memory_limit_bytes)?;
        let data = DataFingerprint {
            paths: self.data.paths(),
            rows: 0,
            schema_sha256: pass.schema_sha256(),
            positives: 0,
            negatives: 0,
            first_created_at: None,
            last_created_at: None,
        };
        let mut selection =
            Selection { data, profile: Profile::default(), dropped: Dropped::default(), repaired: 0, seen: 0 };
        let mut vectorize = Duration::ZERO;
        let cannot_fit = |error| Error::Fit { data: self.data.to_string(), error };
        let read = pass.run(|rows, position| {
            let batch = self.select(rows, &mut selection);
            let start = Instant::now();
            corpus.push_batch(&batch).map_err(cannot_fit)?;
            vectorize += start.elapsed();
            let (bytes_read, total_bytes) = (position.bytes_read, position.total_bytes);
            progress(Progress::Learning { rows: selection.data.rows, bytes_read, total_bytes });
            Ok(())
        })?;
        let Selection { data, profile, dropped, repaired, seen } = selection;
        if seen == 0 {
            return Err(Error::NoRows { data: self.data.to_string() });
        }
        if data.rows < MINIMUM_ROWS {
            return Err(Error::TooFewRows {
                data: self.data.to_string(),
                rows: data.rows,
                minimum: MINIMUM_ROWS,
                dropped: dropped.as_clause(),
            });
        }
        let start = Instant::now();
        let fitted = corpus.fit(self.fit, &mut |step| progress(Progress::Fitting(step)));
        let (model, fit) = fitted.map_err(cannot_fit)?;
        Ok(Learned { model, fit, data, profile, dropped, repaired, read, vectorize, fitting: start.elapsed() })
    }

    /// The examples among rows that are learned from.
    fn select<'a>(&self, rows: &[&'a Row], selection: &mut Selection) -> Vec<(Document<'a>, Label)> {
        let Selection { data, profile, dropped, repaired, seen } = selection;
        *seen += rows.len() as u64;
        let mut batch = Vec::with_capacity(rows.len());
        for row in rows {
            match example(row) {
                Err(DropReason::UnreadableRow) => dropped.add(DropReason::UnreadableRow),
                _ if self.tested_rows.binary_search(&row.position).is_ok() => {}
                Ok(example) if self.holdout.is_some_and(|holdout| holdout.holds_document(&example.document)) => {}
                Ok(example) => {
                    data.rows += 1;
                    *repaired += u64::from(example.is_repaired);
                    match example.label {
                        Label::Positive => data.positives += 1,
                        Label::Negative => data.negatives += 1,
                    }
                    widen(data, example.created_at);
                    if data.rows <= ALL_PROFILED_ROWS || data.rows.is_multiple_of(PROFILED_ROWS) {
                        profile.add(example.document.text);
                    }
                    batch.push((example.document, example.label));
                }
                Err(reason) => dropped.add(reason),
            }
        }
        batch
    }
}

/// What became of the rows so far.
struct Selection {
    /// Of those that are learned from.
    data: DataFingerprint,
    profile: Profile,
    dropped: Dropped,
    repaired: u64,
    /// All of them.
    seen: u64,
}

fn widen(data: &mut DataFingerprint, created_at: Option<Timestamp>) {
    let Some(time) = created_at else { return };
    data.first_created_at = Some(data.first_created_at.map_or(time, |first| first.min(time)));
    data.last_created_at = Some(data.last_created_at.map_or(time, |last| last.max(time)));
}
