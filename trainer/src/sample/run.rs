//! A sample from beginning to end: one pass over the files, the choice, a second pass only where the first held too little, the
//! output.

use super::SampleError;
use super::candidate::label_of;
use super::choice::{self, Choice};
use super::gauge::{Gauge, Glance};
use super::hash;
use super::keys::{Cell, Key};
use super::note::{self, SampleNote, SettingsNote, SourceNote, StratumNote};
use super::output::{self, OutputColumns};
use super::pool::{Pool, PoolAppender};
use super::progress::{SampleProgress, SampleStage};
use super::quota::ByClass;
use super::report::{Effort, SampleReport};
use super::request::{SampleRequest, is_own};
use super::spill::{Appender, Shards, SpillSettings};
use super::strata::{Known, Strata};
use crate::examples::Dropped;
use feature_store::offline::{Field, FileError, Partial, Passage, Place, RowRef, Scan};
use schemas::{Label, Timestamp};
use std::collections::BTreeMap;
use std::time::Instant;

/// Draws a sample, on all cores. Nothing stands at the output's path unless all of it does.
pub fn sample(request: &SampleRequest, progress: &SampleProgress) -> Result<SampleReport, SampleError> {
    let started = Instant::now();
    request.check()?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let read = request.read_options();
    let scan = Scan::open(&request.inputs, &read)?;
    if request.feedback.is_none() && !scan.has_field(Field::Label) && !scan.has_field(Field::Rating) {
        return Err(SampleError::NoLabelColumn { inputs: request.inputs_in_words() });
    }
    let mut partial = Partial::create(&request.output)?;
    let budget = Budget::new(request, threads);
    let keys = Shards::new(budget.shards, budget.keys(request));
    let pool = Pool::new(budget.shards, budget.pool(request));
    let strata = Strata::new(request.stratify.clone(), &read.extras);
    let passage = Passage { threads, selection: None, progress: &progress.scan };

    progress.begin(SampleStage::Reading);
    progress.expect(scan.total_bytes());
    let gauge = Gauge::new(request.size, budget.pool_bytes as u64);
    let (rows_seen, dropped) =
        gather(request, &scan, passage, Gathering { keys: &keys, pool: &pool, strata: &strata, gauge: &gauge })?;
    let read_seconds = started.elapsed();

    progress.begin(SampleStage::Choosing);
    let choosing = Instant::now();
    let choice = choice::choose(&keys, &strata.names(), request.size, threads)?;
    check_classes(request, sum(&choice.texts), sum(&choice.kept), &dropped.as_clause())?;
    let spilled_keys = keys.spilled_bytes();
    drop(keys);
    let choose_seconds = choosing.elapsed();

    let fetching = Instant::now();
    let is_all_held = gauge.held_up_to(&choice.highest);
    if !is_all_held {
        progress.begin(SampleStage::Fetching);
        pool.clear();
        fetch(request, &scan, Passage { selection: Some(&choice.selection), ..passage }, &pool)?;
    }
    let fetch_seconds = fetching.elapsed();

    progress.begin(SampleStage::Writing);
    let writing = Instant::now();
    let note = note_of(request, &choice);
    let shards = (0..pool.shards()).map(|shard| match progress.scan.is_stopped() {
        true => Err(FileError::Stopped.into()),
        false => pool.take(shard).map(Vec::from),
    });
    let stays = |record: &super::record::Record<'_>| choice.selection.has(record.place);
    output::write(&mut partial, &columns(request), &note, shards, stays)?;
    partial.finish()?;

    let seconds = [
        ("read", read_seconds),
        ("choose", choose_seconds),
        ("fetch", fetch_seconds),
        ("write", writing.elapsed()),
        ("total", started.elapsed()),
    ];
    let effort = Effort {
        rows_seen,
        dropped_reasons: dropped.by_name(),
        passes: if is_all_held { 1 } else { 2 },
        spilled_bytes: spilled_keys + pool.spilled_bytes(),
        seconds: BTreeMap::from(seconds.map(|(stage, time)| (stage.to_owned(), time.as_secs_f64()))),
    };
    Ok(SampleReport::new(request.output.clone(), note, effort))
}

/// How the memory limit is shared out.
pub(super) struct Budget {
    pub(super) shards: usize,
    keys_bytes: usize,
    pool_bytes: usize,
    block_bytes: usize,
}

impl Budget {
    /// As many shards that one of a hundred million keys is still small; the open blocks of all threads take an eighth.
    const SHARDS: usize = 256;

    pub(super) fn new(request: &SampleRequest, threads: usize) -> Self {
        let limit = usize::try_from(request.memory_limit_bytes).unwrap_or(usize::MAX);
        let block_bytes = (limit / 8 / (threads * 3 * Self::SHARDS)).clamp(1 << 10, 1 << 16);
        Self { shards: Self::SHARDS, keys_bytes: limit / 4, pool_bytes: limit / 8 * 3, block_bytes }
    }

    fn keys(&self, request: &SampleRequest) -> SpillSettings {
        self.settings(request, self.keys_bytes)
    }

    pub(super) fn pool(&self, request: &SampleRequest) -> SpillSettings {
        self.settings(request, self.pool_bytes)
    }

    fn settings(&self, request: &SampleRequest, memory_bytes: usize) -> SpillSettings {
        SpillSettings { folder: request.folder().to_owned(), memory_bytes, block_bytes: self.block_bytes }
    }
}

/// Where the rows of the first pass go.
#[derive(Clone, Copy)]
struct Gathering<'a> {
    keys: &'a Shards,
    pool: &'a Pool,
    strata: &'a Strata,
    gauge: &'a Gauge,
}

/// One thread's part of it.
struct Gatherer<'a> {
    keys: Appender<'a>,
    pool: PoolAppender<'a>,
    strata: Known<'a>,
    glance: Glance,
    rows: u64,
    dropped: Dropped,
}

/// Takes the key of every row with a text and a label, and holds the rows that may stay. How many rows there were, and why
/// some were left out.
fn gather(
    request: &SampleRequest,
    scan: &Scan,
    passage: Passage<'_>,
    to: Gathering<'_>,
) -> Result<(u64, Dropped), SampleError> {
    let make = || Gatherer {
        keys: to.keys.appender(),
        pool: to.pool.appender(),
        strata: to.strata.known(),
        glance: Glance::default(),
        rows: 0,
        dropped: Dropped::default(),
    };
    let gatherers = scan.run(passage, make, |gatherer: &mut Gatherer<'_>, place, row| {
        gatherer.rows += 1;
        let label = match label_of(&row, request.feedback.as_ref()) {
            Ok(label) => label,
            Err(reason) => {
                gatherer.dropped.add(reason);
                return Ok(());
            }
        };
        let stratum = gatherer.strata.of(&row)?;
        let key = key_of(&row, label, stratum, place);
        gatherer.keys.push(choice::shard_of_key(&key, to.keys.len()), |bytes| key.write(bytes))?;
        if to.gauge.see(&key, &mut gatherer.glance, to.pool) {
            gatherer.pool.push(&key, &row)?;
        }
        Ok::<_, SampleError>(())
    })?;
    let (mut rows, mut dropped) = (0, Dropped::default());
    for gatherer in gatherers {
        rows += gatherer.rows;
        dropped.merge(&gatherer.dropped);
        gatherer.keys.finish()?;
        gatherer.pool.finish()?;
    }
    Ok((rows, dropped))
}

/// Holds the rows of the passage's selection.
fn fetch(request: &SampleRequest, scan: &Scan, passage: Passage<'_>, pool: &Pool) -> Result<(), SampleError> {
    let appenders = scan.run(
        passage,
        || pool.appender(),
        |appender: &mut PoolAppender<'_>, place, row| {
            // It has both, or it would not have been selected.
            let Ok(label) = label_of(&row, request.feedback.as_ref()) else { return Ok(()) };
            appender.push(&key_of(&row, label, 0, place), &row)
        },
    )?;
    appenders.into_iter().try_for_each(PoolAppender::finish)
}

fn key_of(row: &RowRef<'_>, label: Label, stratum: u32, place: Place) -> Key {
    Key {
        hash: hash::of_text(row.text.as_deref().unwrap_or_default()),
        time: row.created_at.map_or(i64::MAX, Timestamp::epoch_millis),
        others: hash::of_columns([&row.review_id, &row.product_id, &row.user_id, &row.title]) as i64,
        cell: Cell { stratum, is_positive: label.is_positive() },
        place,
    }
}

/// Refuses what cannot be balanced; `dropped` is what became of the other rows, as the end of a sentence.
pub(super) fn check_classes(
    request: &SampleRequest,
    texts: ByClass,
    kept: ByClass,
    dropped: &str,
) -> Result<(), SampleError> {
    let (inputs, dropped) = (request.inputs_in_words(), dropped.to_owned());
    match (texts.negative, texts.positive) {
        (0, 0) => Err(SampleError::NoRows { inputs, dropped }),
        (0, texts) => Err(SampleError::OneClass { inputs, texts, class: "positive", dropped }),
        (texts, 0) => Err(SampleError::OneClass { inputs, texts, class: "negative", dropped }),
        _ if kept.total() == 0 => Err(SampleError::Setting(
            "no stratum has texts of both classes, so nothing can be balanced: stratify by another column".to_owned(),
        )),
        _ => Ok(()),
    }
}

/// The columns of the output: what is read, but for what has a column of its own already.
pub(super) fn columns(request: &SampleRequest) -> OutputColumns {
    let read = request.read_options();
    let of_sample = |name: String| (!is_own(&name)).then_some(name);
    OutputColumns { extras: read.extras.into_iter().map(of_sample).collect(), numbers: read.features }
}

fn note_of(request: &SampleRequest, choice: &Choice) -> SampleNote {
    let source = SourceNote {
        paths: SourceNote::paths(request.inputs.iter().map(|path| path.display().to_string())),
        texts: sum(&choice.texts),
        copies: choice.copies,
        contradictions: choice.contradictions,
        content: content_name(choice.content),
    };
    new_note(request, source, &choice.texts, &choice.kept)
}

/// The note of a sample whose texts, by the names of their strata, these are, and of them these stay.
pub(super) fn new_note(
    request: &SampleRequest,
    source: SourceNote,
    texts: &[(String, ByClass)],
    kept: &[(String, ByClass)],
) -> SampleNote {
    let stratum = |((name, texts), (_, rows)): (&(String, ByClass), &(String, ByClass))| {
        (name.clone(), StratumNote { texts: *texts, rows: *rows })
    };
    let is_stratified = request.stratify.is_some();
    SampleNote {
        keep_rates: note::keep_rates(sum(texts), sum(kept)),
        rows: sum(kept),
        strata: texts.iter().zip(kept).filter(|_| is_stratified).map(stratum).collect(),
        source,
        settings: SettingsNote {
            ratio: request.size.ratio,
            max_rows: request.size.rows,
            stratify: request.stratify.as_ref().map(ToString::to_string),
            conditions: request.read.conditions.iter().map(|c| format!("{}={}", c.column(), c.value())).collect(),
            since: request.read.since,
            until: request.read.until,
            hash: note::HASH.to_owned(),
        },
    }
}

/// All texts in one number, as the note has it.
pub(super) fn content_name(content: u64) -> String {
    format!("{content:016x}")
}

/// Of all strata.
pub(super) fn sum(counts: &[(String, ByClass)]) -> ByClass {
    counts.iter().fold(ByClass::default(), |sum, (_, counts)| ByClass {
        negative: sum.negative + counts.negative,
        positive: sum.positive + counts.positive,
    })
}
