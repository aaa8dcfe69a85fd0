//! The pass that looks at the data, on all cores.

use super::config::ValidationConfig;
use super::findings::{Figures, FirstRow, Months, ValidationReport};
use super::profile::Profile;
use crate::dataset::{Dataset, Source};
use crate::error::Error;
use crate::examples::{DropReason, Dropped, Example, example};
use crate::holdout::Holdout;
use crate::overlap::shared_rows;
use crate::train::Test;
use feature_store::offline::{Field, Passage, Row, RowPosition, RowProblem, Scan, ScanProgress};
use schemas::{Label, Timestamp};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use twox_hash::XxHash64;

/// Beyond so many different texts only a share of them is compared, the same on both sides.
const TEXTS_COMPARED: usize = 8_000_000;
/// Of the threshold by chance, which is not looked at here: data for training is meant to differ, within a fixed limit.
const ALPHA: f64 = 0.001;

/// What to look at.
#[derive(Debug, Clone)]
pub struct ValidateRequest {
    /// What would be learned from.
    pub data: Dataset,
    /// What would be tested on.
    pub test: Test,
    /// The limits.
    pub limits: ValidationConfig,
    /// The words that the model in production learned from, and its name.
    pub reference: Option<(String, Profile)>,
}

/// Looks at the data. Whether its limits are held is in the report; an error is that it cannot be read at all.
pub fn validate(request: &ValidateRequest, progress: &ScanProgress) -> Result<ValidationReport, Error> {
    let holdout = if let Test::Holdout(holdout) = request.test { Some(holdout) } else { None };
    // Rows of the training data that the test has too are not learned from.
    let tested = if let Test::On(test) = &request.test { shared_rows(&request.data, test)? } else { Vec::new() };
    let is_learned_from = |row: &Row, example: &Example<'_>| {
        tested.binary_search(&row.position).is_err()
            && holdout.is_none_or(|holdout: Holdout| !holdout.holds_document(&example.document))
    };
    let train = Side::read(&request.data, is_learned_from, progress)?;
    let test = match &request.test {
        Test::On(dataset) => Some(Side::read(dataset, |_, _| true, progress)?),
        // Held out by the text: none of them is learned from, whatever the data.
        Test::Holdout(_) | Test::None => None,
    };
    let copies = train.texts.values().map(|seen| u64::from(seen.rows) - 1).sum::<u64>();
    let contradictions = train.texts.values().filter(|seen| seen.labels == 3).count() as u64;
    let leaked = test.as_ref().map(|test| test.leaked_from(&train));
    let late = test.as_ref().and_then(|test| test.older_than_newest_of(&train));
    let shift = request
        .reference
        .as_ref()
        .and_then(|(name, of)| Some((name.clone(), train.profile.shift_from(of, ALPHA)?.value)));
    let paths = request.data.paths();
    let figures = Figures {
        data: request.data.to_string(),
        test: test.as_ref().map(|test| test.data.clone()),
        rows: train.rows,
        usable: train.negatives + train.positives,
        negatives: train.negatives,
        positives: train.positives,
        test_rows: test.as_ref().map(|test| test.negatives + test.positives),
        dropped: train.dropped.by_name(),
        first_dropped: train
            .firsts
            .iter()
            .map(|(reason, first)| (reason.name().to_owned(), first.of(&paths)))
            .collect(),
        repaired: train.repaired,
        first_repaired: train.first_repaired.map(|first| first.of(&paths)),
        compared: train.texts.values().map(|seen| u64::from(seen.rows)).sum(),
        different: train.texts.len() as u64,
        copies,
        contradictions,
        leaked,
        late,
        first: train.first,
        last: train.last,
        months: train.months,
        lengths: train.lengths,
        profile: train.profile,
        shift,
    };
    Ok(ValidationReport::new(figures, &request.limits))
}

/// A text, as far as copies go.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    rows: u32,
    /// Bit 0 for negative, bit 1 for positive.
    labels: u8,
}

/// The first row of some kind that a thread or all have seen.
#[derive(Debug, Clone)]
struct First {
    position: RowPosition,
    problem: String,
}

impl First {
    fn of_problem(row: &Row, problem: Option<&RowProblem>) -> Self {
        Self { position: row.position, problem: problem.map(|problem| problem.message.clone()).unwrap_or_default() }
    }

    fn of(&self, paths: &[String]) -> FirstRow {
        let file = paths.get(self.position.file).cloned().unwrap_or_default();
        FirstRow { file, row: self.position.row, problem: self.problem.clone() }
    }
}

fn note_first(of_reason: Entry<'_, DropReason, First>, row: &Row, reason: DropReason) {
    if let Entry::Occupied(known) = &of_reason
        && known.get().position <= row.position
    {
        return;
    }
    let field = match reason {
        DropReason::UnreadableText => Some(Field::Text),
        DropReason::UnreadableLabel => Some(Field::Label),
        DropReason::UnreadableRating => Some(Field::Rating),
        _ => None,
    };
    of_reason.insert_entry(First::of_problem(row, row.problems.iter().find(|problem| problem.field == field)));
}

/// Training or test, as one thread or all have seen it.
#[derive(Default)]
struct Side {
    data: String,
    rows: u64,
    negatives: u64,
    positives: u64,
    dropped: Dropped,
    firsts: BTreeMap<DropReason, First>,
    repaired: u64,
    first_repaired: Option<First>,
    /// By the hash of the text; only hashes up to `bound` where there are too many.
    texts: HashMap<u64, Seen>,
    bound: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    months: Months,
    /// Texts by their length in powers of two.
    lengths: Vec<u64>,
    profile: Profile,
    /// Times of the rows, by day: rows.
    days: HashMap<i64, u64>,
}

impl Side {
    fn read(
        dataset: &Dataset,
        takes: impl Fn(&Row, &Example<'_>) -> bool + Sync,
        progress: &ScanProgress,
    ) -> Result<Self, Error> {
        let data = dataset.to_string();
        let Source::Files { paths, options } = &dataset.source else {
            return Ok(Self { data, bound: u64::MAX, ..Self::default() });
        };
        let scan = Scan::open(paths, options)?;
        if !scan.has_field(Field::Label) && !scan.has_field(Field::Rating) {
            return Err(Error::NoLabelColumn { data });
        }
        progress.begin_again();
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let bound = AtomicU64::new(u64::MAX);
        let make = || Self { bound: u64::MAX, ..Self::default() };
        let parts = scan.run(Passage { threads, selection: None, progress }, make, |side: &mut Self, _, row| {
            side.add(&row.into(), &takes, &bound, threads);
            Ok::<_, Error>(())
        })?;
        let bound = bound.into_inner();
        let mut all = Self { data, bound, ..Self::default() };
        parts.into_iter().for_each(|part| all.merge(part));
        all.texts.retain(|hash, _| *hash <= bound);
        Ok(all)
    }

    fn add(&mut self, row: &Row, takes: &impl Fn(&Row, &Example<'_>) -> bool, bound: &AtomicU64, threads: usize) {
        let example = match example(row) {
            Ok(example) if !takes(row, &example) => return,
            Ok(example) => example,
            Err(reason) => {
                self.rows += 1;
                self.dropped.add(reason);
                note_first(self.firsts.entry(reason), row, reason);
                return;
            }
        };
        let label = example.label;
        self.rows += 1;
        if example.is_repaired {
            self.repaired += 1;
            let of_text = row.problems.iter().find(|problem| matches!(problem.field, Some(Field::Title | Field::Text)));
            let first = self.first_repaired.take().filter(|first| first.position <= row.position);
            self.first_repaired = first.or_else(|| Some(First::of_problem(row, of_text)));
        }
        *(if label.is_positive() { &mut self.positives } else { &mut self.negatives }) += 1;
        let is_blank = example.document.text.trim().is_empty();
        let text = example.document.title.filter(|_| is_blank).unwrap_or(example.document.text);
        let power = text.len().max(1).ilog2() as usize;
        if self.lengths.len() <= power {
            self.lengths.resize(power + 1, 0);
        }
        self.lengths[power] += 1;
        self.profile.add(text);
        self.see(XxHash64::oneshot(42, text.as_bytes()), label, bound, threads);
        if let Some(time) = example.created_at {
            self.first = Some(self.first.map_or(time, |first| first.min(time)));
            self.last = Some(self.last.map_or(time, |last| last.max(time)));
            *self.days.entry(time.epoch_millis().div_euclid(86_400_000)).or_default() += 1;
            self.months.add(time, label);
        }
    }

    fn see(&mut self, hash: u64, label: Label, bound: &AtomicU64, threads: usize) {
        let highest = bound.load(Ordering::Relaxed);
        if hash > highest {
            return;
        }
        let seen = self.texts.entry(hash).or_default();
        seen.rows = seen.rows.saturating_add(1);
        seen.labels |= if label.is_positive() { 2 } else { 1 };
        if self.texts.len() > TEXTS_COMPARED / threads {
            let lower = highest / 2;
            bound.fetch_min(lower, Ordering::Relaxed);
            self.texts.retain(|hash, _| *hash <= lower);
        }
    }

    fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.negatives += other.negatives;
        self.positives += other.positives;
        self.dropped.merge(&other.dropped);
        for (reason, first) in other.firsts {
            match self.firsts.get(&reason) {
                Some(own) if own.position <= first.position => {}
                _ => drop(self.firsts.insert(reason, first)),
            }
        }
        self.repaired += other.repaired;
        let repaired = [self.first_repaired.take(), other.first_repaired].into_iter().flatten();
        self.first_repaired = repaired.min_by_key(|first| first.position);
        for (hash, seen) in other.texts {
            let own = self.texts.entry(hash).or_default();
            own.rows = own.rows.saturating_add(seen.rows);
            own.labels |= seen.labels;
        }
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = [self.last, other.last].into_iter().flatten().max();
        self.months.merge(other.months);
        if self.lengths.len() < other.lengths.len() {
            self.lengths.resize(other.lengths.len(), 0);
        }
        self.lengths.iter_mut().zip(other.lengths).for_each(|(own, other)| *own += other);
        self.profile.merge(&other.profile);
        for (day, rows) in other.days {
            *self.days.entry(day).or_default() += rows;
        }
    }

    /// The share of these rows whose text is among those of the training.
    fn leaked_from(&self, train: &Self) -> f64 {
        let bound = self.bound.min(train.bound);
        let compared = self.texts.iter().filter(|(hash, _)| **hash <= bound);
        let (mut rows, mut leaked) = (0_u64, 0_u64);
        for (hash, seen) in compared {
            rows += u64::from(seen.rows);
            leaked += if train.texts.contains_key(hash) { u64::from(seen.rows) } else { 0 };
        }
        leaked as f64 / rows.max(1) as f64
    }

    /// The share of these rows that are of a day before the newest of the training's; none where either has no times.
    fn older_than_newest_of(&self, train: &Self) -> Option<f64> {
        let newest = train.last?.epoch_millis().div_euclid(86_400_000);
        let rows: u64 = self.days.values().sum();
        let older: u64 = self.days.iter().filter(|(day, _)| **day < newest).map(|(_, rows)| rows).sum();
        (rows > 0).then(|| older as f64 / rows as f64)
    }
}
