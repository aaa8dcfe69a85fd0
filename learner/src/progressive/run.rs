//! The run: rows in, each scored and later learned from, a report out.

use super::as_of::AsOf;
use super::delay::Waiting;
use super::report::{Report, RowCounts, Scored};
use super::{Delay, Error, Progress, Request, Start};
use crate::learner::{Example, Learner, Lesson};
use feature_store::offline::{Field, FileError, ReadOptions, ReviewFiles, Row};
use feature_store::views::Views;
use model::{Document, FeatureConfig, Scratch};
use schemas::{Label, Origin, Timestamp};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// The figures.
    pub report: Report,
    /// What has been learned by the end.
    pub learner: Learner,
}

/// Rows that wait for their labels hold some hundred bytes each: about a gigabyte of reviews.
const MAX_WAITING: usize = 2_000_000;

/// Scores and learns from every row. `progress` is called with each batch.
pub fn run(request: Request, mut progress: impl FnMut(Progress)) -> Result<Outcome, Error> {
    let started = Instant::now();
    let learner = match request.start {
        Start::Cold(model) => Learner::new(request.config, *model)?,
        Start::Warm(model) => Learner::from_model(request.config, &model)?,
    };
    let features = learner.model().features.clone();
    let (mut files, as_of) = open(&request.input, request.read, &request.views, &features)?;
    if !files.has_field(Field::Label) && !files.has_field(Field::Rating) {
        return Err(Error::NoLabelColumn);
    }
    if matches!(request.delay, Delay::Millis(_)) && !files.has_field(Field::CreatedAt) {
        return Err(Error::NoTimes { delay: request.delay.to_string() });
    }
    let mut school = School {
        as_of,
        learner,
        waiting: Waiting::new(request.delay),
        now: Timestamp::from_epoch_millis(0).expect("the epoch is a moment"),
        scratch: Scratch::new(),
        scored: Scored::default(),
        counts: RowCounts::default(),
        skipped: BTreeMap::new(),
    };
    while let Some(batch) = files.next_batch()? {
        for row in batch {
            school.take(row);
        }
        if school.waiting.len() > MAX_WAITING {
            return Err(Error::TooManyWaiting { limit: MAX_WAITING, delay: request.delay.to_string() });
        }
        let (bytes_read, total_bytes) = (files.bytes_read(), files.total_bytes());
        progress(Progress { rows: school.counts.read, bytes_read, total_bytes });
    }
    school.counts.waiting = school.waiting.len() as u64;
    let School { learner, scored, counts, skipped, .. } = school;
    let seconds = started.elapsed().as_secs_f64();
    let report = Report::of(scored, request.burn_in, request.delay, counts, skipped, &learner, seconds)?;
    Ok(Outcome { report, learner })
}

/// Opens the files. Features are columns of them where they have such columns, else what the views know at each row.
fn open(
    input: &[PathBuf],
    mut read: ReadOptions,
    views: &Views,
    features: &[FeatureConfig],
) -> Result<(ReviewFiles, AsOf), Error> {
    read.features = features.iter().map(|feature| feature.name.clone()).collect();
    match ReviewFiles::open(input, &read) {
        Ok(files) => Ok((files, AsOf::brought_along(views))),
        Err(FileError::NoFeatureColumn { .. }) if AsOf::knows(views, features) => {
            read.features.clear();
            Ok((ReviewFiles::open(input, &read)?, AsOf::new(views, features)))
        }
        Err(error) => Err(error.into()),
    }
}

/// Everything that a row meets.
struct School {
    learner: Learner,
    as_of: AsOf,
    waiting: Waiting<Scheduled>,
    now: Timestamp,
    scratch: Scratch,
    scored: Scored,
    counts: RowCounts,
    skipped: BTreeMap<&'static str, u64>,
}

/// A row that was scored and whose label is to come.
struct Scheduled {
    row: Row,
    features: Vec<f64>,
    label: Label,
}

impl School {
    fn take(&mut self, row: Row) {
        self.counts.read += 1;
        let label = match label(&row) {
            Ok(label) => label,
            Err(reason) => {
                *self.skipped.entry(reason).or_default() += 1;
                self.counts.skipped += 1;
                return;
            }
        };
        let time = row.created_at.unwrap_or(self.now);
        self.counts.out_of_order += u64::from(time < self.now && self.counts.scored > 0);
        self.now = if self.counts.scored > 0 { self.now.max(time) } else { time };
        while let Some(scheduled) = self.waiting.due(self.now) {
            self.learn(&scheduled);
        }
        self.counts.scored += 1;
        let scheduled = Scheduled { features: self.as_of.values(&row, self.now), row, label };
        if self.waiting.is_immediate() {
            // Learning says what the probability was just before: a second look at the terms would say the same.
            let Lesson { probability, .. } = self.learn(&scheduled);
            self.scored.push(probability, label);
        } else {
            let probability = self.learner.probability(&scheduled.document(), &mut self.scratch);
            self.scored.push(probability, label);
            self.waiting.push(self.now, scheduled);
        }
    }

    fn learn(&mut self, scheduled: &Scheduled) -> Lesson {
        let Scheduled { row, label, .. } = scheduled;
        let example = Example {
            document: scheduled.document(),
            label: *label,
            origin: if row.label.is_some() { Origin::Annotator } else { Origin::Rating },
            user_id: row.user_id.as_deref(),
            product_id: row.product_id.as_deref(),
            time: self.now,
        };
        let lesson = self.learner.learn(&example, &mut self.scratch);
        match lesson.refusal {
            None => self.counts.learned += 1,
            Some(refusal) => {
                *self.skipped.entry(refusal.name()).or_default() += 1;
                self.counts.refused += 1;
            }
        }
        self.as_of.note(row, *label, self.now);
        lesson
    }
}

impl Scheduled {
    fn document(&self) -> Document<'_> {
        let text = self.row.text.as_deref().unwrap_or_default();
        Document { title: self.row.title.as_deref(), text, features: &self.features }
    }
}

/// What a row is, or why it can't be said.
fn label(row: &Row) -> Result<Label, &'static str> {
    if row.problems.iter().any(|problem| problem.field.is_none()) {
        return Err("unreadable_row");
    }
    let is_blank = |text: &Option<String>| text.as_deref().unwrap_or_default().trim().is_empty();
    if is_blank(&row.text) && is_blank(&row.title) {
        return Err("no_text");
    }
    let is_neutral = row.label.is_none() && row.rating.is_some();
    row.label().ok_or(if is_neutral { "neutral_rating" } else { "no_label" })
}
