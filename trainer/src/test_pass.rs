//! The pass that tests: rows to probabilities on all cores, by the function that serves.

use crate::dataset::Dataset;
use crate::error::Error;
use crate::examples::{DropReason, Dropped, Example, example};
use crate::holdout::Holdout;
use crate::pass::Pass;
use crate::progress::Progress;
use feature_store::offline::Row;
use model::metrics::{Evaluation, Metrics};
use model::{Model, Scratch};
use std::time::{Duration, Instant};

/// What a test showed.
pub(crate) struct Tested {
    pub(crate) metrics: Metrics,
    pub(crate) rows: u64,
    pub(crate) dropped: Dropped,
    /// Rows tested in which bytes that are not UTF-8 were replaced.
    pub(crate) repaired: u64,
    /// Reading alone, which overlaps with scoring.
    pub(crate) read: Duration,
    /// From the first row to the last figure.
    pub(crate) total: Duration,
}

/// What to test on, checked and open.
pub(crate) struct Exam<'a> {
    pub(crate) dataset: &'a Dataset,
    pub(crate) pass: Pass,
    /// Only what this holds is tested. Learning from the rest has counted the rows that nobody can use.
    pub(crate) holdout: Option<Holdout>,
    /// The files that have been learned from. No condition applies to a row that cannot be read at all, so learning has
    /// counted those.
    pub(crate) trained_files: Vec<usize>,
}

impl<'a> Exam<'a> {
    /// All rows of a dataset that nobody has learned from.
    pub(crate) fn open(dataset: &'a Dataset) -> Result<Self, Error> {
        Ok(Self { dataset, pass: Pass::open(dataset)?, holdout: None, trained_files: Vec::new() })
    }
}

/// Scores the rows.
pub(crate) fn test(model: &Model, exam: Exam<'_>, progress: &mut dyn FnMut(Progress)) -> Result<Tested, Error> {
    let Exam { dataset, pass, holdout, trained_files } = exam;
    let is_counted = |row: &Row, reason| {
        holdout.is_some() || (reason == DropReason::UnreadableRow && trained_files.contains(&row.position.file))
    };
    let start = Instant::now();
    let mut scorers = Scorers::new();
    let mut evaluation = Evaluation::new();
    let mut dropped = Dropped::default();
    let (mut repaired, mut seen) = (0, 0);
    let read = pass.run(|rows, position| {
        seen += rows.len();
        let mut examples = Vec::with_capacity(rows.len());
        for row in rows {
            match example(row) {
                Ok(example) if holdout.is_none_or(|holdout| holdout.holds_document(&example.document)) => {
                    repaired += u64::from(example.is_repaired);
                    examples.push(example);
                }
                Ok(_) => {}
                Err(reason) if is_counted(row, reason) => {}
                Err(reason) => dropped.add(reason),
            }
        }
        scorers.score(model, &examples, &mut evaluation);
        let (bytes_read, total_bytes) = (position.bytes_read, position.total_bytes);
        progress(Progress::Testing { rows: evaluation.len() as u64, bytes_read, total_bytes });
        Ok(())
    })?;
    if seen == 0 {
        return Err(Error::NoRows { data: dataset.to_string() });
    }
    let no_rows = || Error::NoTestRows { data: dataset.to_string(), dropped: dropped.as_clause() };
    let metrics = evaluation.metrics().ok_or_else(no_rows)?;
    Ok(Tested { metrics, rows: evaluation.len() as u64, dropped, repaired, read, total: start.elapsed() })
}

/// One set of buffers per core.
struct Scorers(Vec<Scratch>);

impl Scorers {
    fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        Self((0..cores).map(|_| Scratch::new()).collect())
    }

    fn score(&mut self, model: &Model, examples: &[Example<'_>], evaluation: &mut Evaluation) {
        let share = examples.len().div_ceil(self.0.len()).max(1);
        let parts: Vec<Evaluation> = std::thread::scope(|scope| {
            let parts: Vec<_> = examples
                .chunks(share)
                .zip(&mut self.0)
                .map(|(examples, scratch)| scope.spawn(move || evaluate(model, examples, scratch)))
                .collect();
            parts.into_iter().map(|part| part.join().expect("scoring doesn't panic")).collect()
        });
        parts.into_iter().for_each(|part| evaluation.merge(part));
    }
}

fn evaluate(model: &Model, examples: &[Example<'_>], scratch: &mut Scratch) -> Evaluation {
    let mut evaluation = Evaluation::new();
    for example in examples {
        evaluation.push(model.probability(&example.document, scratch), example.label);
    }
    evaluation
}
