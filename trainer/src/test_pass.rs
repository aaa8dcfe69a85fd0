//! The pass that tests: rows to probabilities on all cores, by the function that serves.

use crate::dataset::Dataset;
use crate::error::Error;
use crate::evaluation::{Examiner, Findings, Inquiry};
use crate::examples::{DropReason, Dropped, Example, example};
use crate::holdout::Holdout;
use crate::monitoring::Gathering;
use crate::pass::Pass;
use crate::progress::Progress;
use feature_store::offline::Row;
use model::Model;
use model::metrics::Metrics;
use monitor::Reference;
use std::time::{Duration, Instant};

/// What a test showed.
pub(crate) struct Tested {
    pub(crate) metrics: Metrics,
    pub(crate) findings: Findings,
    /// What was normal, where that was to be gathered.
    pub(crate) reference: Option<Reference>,
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
    /// What to find out.
    pub(crate) inquiry: &'a Inquiry,
    /// Where what is normal for the model is gathered.
    pub(crate) gathering: Option<Gathering>,
}

impl<'a> Exam<'a> {
    /// All rows of a dataset that nobody has learned from.
    pub(crate) fn open(dataset: &'a Dataset, inquiry: &'a Inquiry) -> Result<Self, Error> {
        let pass = Pass::open(dataset)?;
        check_slices(dataset, &pass, inquiry)?;
        Ok(Self { dataset, pass, holdout: None, trained_files: Vec::new(), inquiry, gathering: None })
    }
}

/// Scores the rows.
pub(crate) fn test(model: &Model, exam: Exam<'_>, progress: &mut dyn FnMut(Progress)) -> Result<Tested, Error> {
    let Exam { dataset, pass, holdout, trained_files, inquiry, mut gathering } = exam;
    let is_counted = |row: &Row, reason| {
        holdout.is_some() || (reason == DropReason::UnreadableRow && trained_files.contains(&row.position.file))
    };
    let start = Instant::now();
    let mut examiners = examiners(model, inquiry);
    let mut dropped = Dropped::default();
    let (mut repaired, mut seen, mut tested) = (0, 0, 0);
    let read = pass.run(|rows, position| {
        seen += rows.len();
        let mut examples = Vec::with_capacity(rows.len());
        for row in rows {
            match example(row) {
                Ok(example) if holdout.is_none_or(|holdout| holdout.holds_document(&example.document)) => {
                    repaired += u64::from(example.is_repaired);
                    examples.push((*row, example));
                }
                Ok(_) => {}
                Err(reason) if is_counted(row, reason) => {}
                Err(reason) => dropped.add(reason),
            }
        }
        examine(&mut examiners, model, &examples);
        if let Some(gathering) = &mut gathering {
            examples.iter().for_each(|(_, example)| gathering.add(model, example));
        }
        tested += examples.len() as u64;
        let (bytes_read, total_bytes) = (position.bytes_read, position.total_bytes);
        progress(Progress::Testing { rows: tested, bytes_read, total_bytes });
        Ok(())
    })?;
    if seen == 0 {
        return Err(Error::NoRows { data: dataset.to_string() });
    }
    let no_rows = || Error::NoTestRows { data: dataset.to_string(), dropped: dropped.as_clause() };
    let whole = examiners.into_iter().reduce(|mut whole, part| {
        whole.merge(part);
        whole
    });
    let found = whole.map(|whole| whole.finish(inquiry)).transpose()?.flatten();
    let (metrics, findings) = found.ok_or_else(no_rows)?;
    let reference = gathering.map(Gathering::finish);
    Ok(Tested { metrics, findings, reference, rows: tested, dropped, repaired, read, total: start.elapsed() })
}

/// One for each core.
fn examiners(model: &Model, inquiry: &Inquiry) -> Vec<Examiner> {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    (0..cores).map(|_| Examiner::new(model, inquiry)).collect()
}

fn examine(examiners: &mut [Examiner], model: &Model, examples: &[(&Row, Example<'_>)]) {
    let share = examples.len().div_ceil(examiners.len()).max(1);
    std::thread::scope(|scope| {
        for (examples, examiner) in examples.chunks(share).zip(examiners) {
            scope.spawn(move || examples.iter().for_each(|(row, example)| examiner.examine(model, row, example)));
        }
    });
}

/// Whether the rows have what they are to be put together by.
fn check_slices(dataset: &Dataset, pass: &Pass, inquiry: &Inquiry) -> Result<(), Error> {
    for by in &inquiry.slices {
        if let Some(field) = by.field().filter(|&field| !pass.has_field(field)) {
            let (data, column, by) = (dataset.to_string(), field.name(), by.to_string());
            return Err(Error::NoSliceColumn { data, column, by });
        }
    }
    Ok(())
}
