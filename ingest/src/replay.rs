//! The verb `replay`: rows of files to `reviews`, and with `feedback` their labels to `feedback`. What was sent and what was
//! not stands in the report; a stop flushes what is on its way and reports just the same.

use crate::Error;
use crate::outgoing::{Omissions, Outgoing, RowConverter};
use crate::pace::{Pace, Speed};
use crate::publisher::{Publisher, Sent};
use crate::row_batches::RowBatches;
use feature_store::offline::{Field, ReadOptions, ReviewFiles};
use schemas::Topics;
use serde::Serialize;
use service::kafka::KafkaConfig;
use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// What to replay, where to and how fast.
#[derive(Debug, Clone)]
pub struct ReplaySettings {
    /// The files, in this order.
    pub input: Vec<PathBuf>,
    /// Their columns, and which rows count.
    pub read: ReadOptions,
    /// The cluster.
    pub kafka: KafkaConfig,
    /// The topics' names.
    pub topics: Topics,
    /// Whether labels go to `feedback`.
    pub feedback: bool,
    /// How fast.
    pub speed: Speed,
}

/// What a replay did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReplayReport {
    /// Reviews that the broker acknowledged.
    pub records: u64,
    /// Labels that the broker acknowledged.
    pub feedback: u64,
    /// Where labels are sent: reviews that were sent without one, as their rows have none.
    pub unlabelled: u64,
    /// What was not sent, and why.
    #[serde(flatten)]
    pub omissions: Omissions,
    /// From the first row to the last acknowledgement.
    pub seconds: f64,
    /// Reviews a second.
    pub records_per_second: f64,
    /// Whether a signal ended the replay before the files did.
    pub stopped: bool,
}

/// How far a replay is.
#[derive(Debug, Clone, Copy)]
pub struct ReplayProgress {
    /// Reviews that the broker acknowledged.
    pub records: u64,
    /// Rows that were skipped.
    pub skipped: u64,
    /// Bytes of the files read.
    pub bytes_read: u64,
    /// Bytes of the files.
    pub total_bytes: u64,
}

/// How often progress is told.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

/// Replays files until they end or `stop` is cancelled, telling progress a few times a second.
pub async fn run(
    settings: &ReplaySettings,
    stop: &CancellationToken,
    progress: &mut (dyn FnMut(ReplayProgress) + Send),
) -> Result<ReplayReport, Error> {
    // A pipe may keep its reader waiting as long as it likes, from the moment it is opened; a stop must not wait with it.
    let files = tokio::select! {
        biased;
        files = open(settings) => files?,
        () = stop.cancelled() => return Ok(ReplayReport::stopped_early()),
    };
    if settings.feedback && !files.has_field(Field::Label) && !files.has_field(Field::Rating) {
        return Err(Error::NoLabelColumn { files: names(&settings.input) });
    }
    let total_bytes = files.total_bytes();
    let Some(checked) = stop.run_until_cancelled(check_topics(settings)).await else {
        return Ok(ReplayReport::stopped_early());
    };
    checked?;
    let publisher = Publisher::new(&settings.kafka, &settings.topics)?;
    let mut replay = Replay {
        converter: RowConverter::new(&settings.input),
        publisher,
        pace: Pace::start(settings.speed),
        feedback: settings.feedback,
        unlabelled: 0,
    };
    let start = Instant::now();
    let mut batches = RowBatches::new(files);
    let mut told = start;
    let mut stopped = false;

    'files: loop {
        let rows = tokio::select! {
            biased;
            () = stop.cancelled() => {
                stopped = true;
                break;
            }
            rows = batches.next() => rows?,
        };
        let Some(rows) = rows else { break };
        for row in rows {
            let Some(outgoing) = replay.converter.convert(row) else { continue };
            tokio::select! {
                biased;
                () = stop.cancelled() => {
                    stopped = true;
                    break 'files;
                }
                sent = replay.send(outgoing) => sent?,
            }
            if told.elapsed() >= PROGRESS_INTERVAL {
                told = Instant::now();
                progress(replay.progress(batches.bytes_read(), total_bytes));
            }
        }
    }
    replay.publisher.flush().await?;
    replay.converter.omissions_mut().skip_too_large(replay.publisher.refused_as_too_large());
    progress(replay.progress(batches.bytes_read(), total_bytes));

    let seconds = start.elapsed().as_secs_f64();
    let records = replay.publisher.reviews_delivered();
    tracing::info!(messaging.destination.name = %settings.topics.reviews, "replayed {records} reviews");
    Ok(ReplayReport {
        records,
        feedback: replay.publisher.feedback_delivered(),
        unlabelled: replay.unlabelled,
        omissions: replay.converter.omissions().clone(),
        seconds,
        records_per_second: records as f64 / seconds.max(1e-9),
        stopped,
    })
}

/// Opening reads the first bytes, which a pipe may not have yet.
async fn open(settings: &ReplaySettings) -> Result<ReviewFiles, Error> {
    let (input, read) = (settings.input.clone(), settings.read.clone());
    Ok(tokio::task::spawn_blocking(move || ReviewFiles::open(&input, &read)).await??)
}

/// `a.csv and 2 more`.
fn names(paths: &[PathBuf]) -> String {
    match paths {
        [] => "no file".to_owned(),
        [one] => one.display().to_string(),
        [first, others @ ..] => format!("{} and {} more", first.display(), others.len()),
    }
}

/// One sentence at the start in place of a minute of retries.
async fn check_topics(settings: &ReplaySettings) -> Result<(), Error> {
    let (kafka, topics, feedback) = (settings.kafka.clone(), settings.topics.clone(), settings.feedback);
    let check = move || {
        let mut needed = vec![topics.reviews.as_str()];
        if feedback {
            needed.push(&topics.feedback);
        }
        kafka.check_topics(&needed, "create it with plaudit topics create")
    };
    Ok(tokio::task::spawn_blocking(check).await??)
}

struct Replay {
    converter: RowConverter,
    publisher: Publisher,
    pace: Pace,
    feedback: bool,
    unlabelled: u64,
}

impl Replay {
    async fn send(&mut self, outgoing: Outgoing) -> Result<(), Error> {
        self.pace.wait(outgoing.has_time.then_some(outgoing.review.created_at)).await;
        if self.publisher.send_review(&outgoing.review).await? == Sent::TooLarge {
            self.converter.omissions_mut().skip_too_large(1);
            return Ok(());
        }
        match &outgoing.feedback {
            Some(feedback) if self.feedback => _ = self.publisher.send_feedback(feedback).await?,
            None if self.feedback => self.unlabelled += 1,
            _ => {}
        }
        Ok(())
    }

    fn progress(&self, bytes_read: u64, total_bytes: u64) -> ReplayProgress {
        ReplayProgress {
            records: self.publisher.reviews_delivered(),
            skipped: self.converter.omissions().skipped_rows(),
            bytes_read,
            total_bytes,
        }
    }
}

impl ReplayReport {
    fn stopped_early() -> Self {
        Self {
            records: 0,
            feedback: 0,
            unlabelled: 0,
            omissions: Omissions::default(),
            seconds: 0.0,
            records_per_second: 0.0,
            stopped: true,
        }
    }
}

impl fmt::Display for ReplayReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { records, feedback, unlabelled, omissions, seconds, records_per_second, stopped } = self;
        let stopped = if *stopped { ", stopped before the end" } else { "" };
        writeln!(f, "reviews   {records} in {seconds:.2} s, {records_per_second:.0} a second{stopped}")?;
        write!(f, "feedback  {feedback}")?;
        if *unlabelled > 0 {
            write!(f, ", none for {unlabelled} reviews: neither a label nor a rating that stands for one")?;
        }
        for (reason, rows) in &omissions.skipped {
            write!(f, "\nnot sent  {rows} rows: {}", reason.replace('_', " "))?;
        }
        for (field, rows) in &omissions.flawed {
            write!(f, "\nflawed    {rows} rows: {field}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_what_was_sent_and_what_was_not() {
        let mut omissions = Omissions::default();
        omissions.skip_too_large(2);
        let report = ReplayReport {
            records: 10,
            feedback: 4,
            unlabelled: 6,
            omissions,
            seconds: 2.0,
            records_per_second: 5.0,
            stopped: true,
        };
        let page = report.to_string();
        assert_eq!(
            page,
            "reviews   10 in 2.00 s, 5 a second, stopped before the end\n\
             feedback  4, none for 6 reviews: neither a label nor a rating that stands for one\n\
             not sent  2 rows: too large"
        );
        let labelled = ReplayReport { unlabelled: 0, ..report.clone() }.to_string();
        assert!(labelled.contains("\nfeedback  4\n"), "{labelled}");
        let json = serde_json::to_value(report).unwrap();
        assert_eq!((&json["skipped"]["too_large"], &json["records"]), (&2.into(), &10.into()));
    }
}
