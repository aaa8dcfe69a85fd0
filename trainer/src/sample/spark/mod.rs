//! The same sample drawn by Spark, over Spark Connect: it finds the rows that stay, and sends them; they are written here.

mod connect;
mod messages;
mod sql;

use super::SampleError;
use super::keys::{Cell, Key};
use super::note::SourceNote;
use super::output;
use super::pool::Pool;
use super::progress::{SampleProgress, SampleStage};
use super::quota::ByClass;
use super::report::{Effort, SampleReport};
use super::request::SampleRequest;
use super::run::{Budget, check_classes, columns, content_name, new_note, sum};
use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use connect::Session;
use feature_store::offline::Partial;
use feature_store::offline::{BatchRows, FileError, Place};
use schemas::Timestamp;
use sql::{INPUT, Questions};
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::time::Instant;

/// Draws a sample on Spark at `sc://HOST:PORT`. It reads the files, so their paths must mean the same to it, and they are
/// Parquet.
pub async fn sample_on_spark(
    request: &SampleRequest,
    address: &str,
    progress: &SampleProgress,
) -> Result<SampleReport, SampleError> {
    request.check()?;
    if request.feedback.is_some() {
        let problem =
            "--engine spark reads files of Parquet, and labels from feedback are not in them: name files by --input";
        return Err(SampleError::Setting(problem.to_owned()));
    }
    let partial = Partial::create(&request.output)?;
    let mut session = Session::open(address).await?;
    let drawn = draw(request, &mut session, address, partial, progress).await;
    session.close().await;
    drawn
}

async fn draw(
    request: &SampleRequest,
    session: &mut Session,
    address: &str,
    mut partial: Partial,
    progress: &SampleProgress,
) -> Result<SampleReport, SampleError> {
    let started = Instant::now();
    progress.begin(SampleStage::Reading);
    session.query("set spark.sql.session.timeZone = UTC".to_owned()).await?.drain().await?;
    session.view(INPUT, absolute_paths(&request.inputs)?).await?;
    let schema = session.schema(format!("select * from {INPUT} limit 0")).await?;
    let read = request.read_options();
    let source = PathBuf::from(request.inputs_in_words());
    let columns_of_input = BatchRows::new(&source, &schema, &read)?;
    let questions = Questions { schema: &schema, request };
    if !questions.has_label() {
        return Err(SampleError::NoLabelColumn { inputs: request.inputs_in_words() });
    }
    let (rows_seen, dropped_reasons) = reasons(&session.all(questions.reasons()?).await?);
    let tally = Tally::of(&session.all(questions.texts()?).await?);
    let kept = tally.kept(request);
    check_classes(request, sum(&tally.texts), sum(&kept), &in_words(&dropped_reasons))?;
    let read_seconds = started.elapsed();

    progress.begin(SampleStage::Fetching);
    let fetching = Instant::now();
    let budget = Budget::new(request, 1);
    let pool = Pool::new(budget.shards, budget.pool(request));
    let mut appender = pool.appender();
    let mut batches = session.query(questions.rows(columns_of_input.columns(), &kept)?).await?;
    let mut seen = HashSet::new();
    let mut number = 0;
    while let Some(batch) = batches.next().await? {
        if progress.scan.is_stopped() {
            return Err(FileError::Stopped.into());
        }
        let Some(hashes) = batch.column_by_name("plaudit_hash") else { continue };
        let hashes = hashes.as_primitive::<Int64Type>();
        let rows = BatchRows::new(&source, &batch.schema(), &read)?;
        rows.each(&batch, |in_batch, row| {
            let hash = hashes.value(in_batch).cast_unsigned();
            // Rows that are alike in every column that counts are all sent.
            if !seen.insert(hash) {
                return Ok(());
            }
            number += 1;
            let Ok(label) = super::candidate::label_of(&row, None) else { return Err(disagreement(address)) };
            let key = Key {
                hash,
                time: row.created_at.map_or(i64::MAX, Timestamp::epoch_millis),
                others: 0,
                cell: Cell { stratum: 0, is_positive: label.is_positive() },
                place: Place { input: 0, row: number },
            };
            appender.push(&key, &row)
        })?;
    }
    appender.finish()?;
    if number != sum(&kept).total() {
        return Err(disagreement(address));
    }
    let fetch_seconds = fetching.elapsed();

    progress.begin(SampleStage::Writing);
    let writing = Instant::now();
    let source = SourceNote {
        paths: SourceNote::paths(request.inputs.iter().map(|path| path.display().to_string())),
        texts: sum(&tally.texts),
        copies: tally.copies,
        contradictions: tally.contradictions,
        content: content_name(tally.content),
    };
    let note = new_note(request, source, &tally.texts, &kept);
    let shards = (0..pool.shards()).map(|shard| pool.take(shard).map(Vec::from));
    output::write(&mut partial, &columns(request), &note, shards, |_| true)?;
    partial.finish()?;
    let seconds =
        [("read", read_seconds), ("fetch", fetch_seconds), ("write", writing.elapsed()), ("total", started.elapsed())];
    let effort = Effort {
        rows_seen,
        dropped_reasons,
        passes: 3,
        spilled_bytes: pool.spilled_bytes(),
        seconds: BTreeMap::from(seconds.map(|(stage, time)| (stage.to_owned(), time.as_secs_f64()))),
    };
    Ok(SampleReport::new(request.output.clone(), note, effort))
}

/// What the texts of all cells come to.
#[derive(Default)]
struct Tally {
    /// By the names of their strata.
    texts: Vec<(String, ByClass)>,
    copies: u64,
    contradictions: u64,
    content: u64,
}

impl Tally {
    fn of(batches: &[RecordBatch]) -> Self {
        let mut tally = Self::default();
        let mut texts: BTreeMap<String, ByClass> = BTreeMap::new();
        for batch in batches.iter().filter(|batch| batch.num_rows() > 0) {
            let names = batch.column(0).as_string::<i32>();
            let labels = batch.column(1).as_primitive::<Int32Type>();
            let number = |column: usize| batch.column(column).as_primitive::<Int64Type>();
            for row in 0..batch.num_rows() {
                let cell = texts.entry(names.value(row).to_owned()).or_default();
                let count = number(2).value(row).cast_unsigned();
                *(if labels.value(row) == 1 { &mut cell.positive } else { &mut cell.negative }) += count;
                tally.copies += number(3).value(row).cast_unsigned();
                tally.contradictions += number(4).value(row).cast_unsigned();
                tally.content ^= number(5).value(row).cast_unsigned();
            }
        }
        tally.texts = texts.into_iter().collect();
        tally
    }

    fn kept(&self, request: &SampleRequest) -> Vec<(String, ByClass)> {
        let texts: Vec<ByClass> = self.texts.iter().map(|(_, texts)| *texts).collect();
        self.texts.iter().map(|(name, _)| name.clone()).zip(request.size.quotas(&texts)).collect()
    }
}

/// How many rows there were, and why some were left out.
fn reasons(batches: &[RecordBatch]) -> (u64, BTreeMap<String, u64>) {
    use arrow_array::Array;
    let (mut all, mut dropped) = (0, BTreeMap::new());
    for batch in batches.iter().filter(|batch| batch.num_rows() > 0) {
        let (names, counts) = (batch.column(0).as_string::<i32>(), batch.column(1).as_primitive::<Int64Type>());
        for row in 0..batch.num_rows() {
            let count = counts.value(row).cast_unsigned();
            all += count;
            if names.is_valid(row) {
                dropped.insert(names.value(row).to_owned(), count);
            }
        }
    }
    (all, dropped)
}

fn in_words(dropped: &BTreeMap<String, u64>) -> String {
    if dropped.is_empty() {
        return String::new();
    }
    let parts: Vec<String> = dropped.iter().map(|(name, rows)| format!("{rows} {}", name.replace('_', " "))).collect();
    format!("; rows left out: {}", parts.join(", "))
}

/// Paths as Spark, whose working folder is another, understands them.
fn absolute_paths(inputs: &[PathBuf]) -> Result<Vec<String>, SampleError> {
    let absolute = |path: &PathBuf| {
        let text = path.to_string_lossy();
        if text.contains("://") {
            return Ok(text.into_owned());
        }
        let absolute = std::path::absolute(path).map_err(|source| FileError::Io { path: path.clone(), source })?;
        Ok(absolute.to_string_lossy().into_owned())
    };
    inputs.iter().map(absolute).collect()
}

fn disagreement(address: &str) -> SampleError {
    let reason = "it chose rows that are not those that it counted: did the files change meanwhile?".to_owned();
    SampleError::Spark { address: address.to_owned(), reason }
}
