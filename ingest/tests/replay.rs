//! Replays of small files into the in-process broker, read back from its topics.

#![expect(clippy::unwrap_used, reason = "helpers of tests may end a test")]

use feature_store::offline::ReadOptions;
use ingest::replay::{self, ReplayProgress, ReplayReport, ReplaySettings};
use ingest::{Error, Publisher, Speed};
use rdkafka::message::{Message, OwnedMessage};
use schemas::{Feedback, Label, Origin, Review, ReviewId, Timestamp, Topics};
use service::kafka::{EmbeddedBroker, KafkaConfig, read_to_end};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const DEADLINE: Duration = Duration::from_secs(20);

struct Harness {
    broker: EmbeddedBroker,
    folder: TempDir,
}

impl Harness {
    fn new() -> Self {
        let topics: Vec<(&str, i32)> = vec![("reviews", 2), ("feedback", 2)];
        Self { broker: EmbeddedBroker::start(&topics).unwrap(), folder: tempfile::tempdir().unwrap() }
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    fn settings(&self, input: PathBuf) -> ReplaySettings {
        ReplaySettings {
            input: vec![input],
            read: ReadOptions::default(),
            kafka: self.broker.config("test"),
            topics: topics(),
            feedback: false,
            speed: Speed::Full,
        }
    }

    fn records(&self, topic: &str) -> Vec<OwnedMessage> {
        read_to_end(&self.broker.config("reader"), topic, DEADLINE).unwrap()
    }

    fn reviews(&self) -> Vec<Review> {
        let decode = |record: &OwnedMessage| {
            let review = Review::decode(record.payload().unwrap()).unwrap();
            assert_eq!(record.key(), Some(review.review_id.0.as_bytes()));
            review
        };
        let mut reviews: Vec<Review> = self.records("reviews").iter().map(decode).collect();
        reviews.sort_by(|a, b| a.review_id.cmp(&b.review_id));
        reviews
    }
}

fn topics() -> Topics {
    let name = str::to_owned;
    Topics {
        reviews: name("reviews"),
        predictions: name("predictions"),
        feedback: name("feedback"),
        models: name("models"),
        drift: name("drift"),
    }
}

async fn run(settings: &ReplaySettings) -> Result<ReplayReport, Error> {
    replay::run(settings, &CancellationToken::new(), &mut |_| {}).await
}

#[tokio::test(flavor = "multi_thread")]
async fn feedback_of_a_file_without_labels_is_refused_before_anything_is_sent() {
    let harness = Harness::new();
    let unwanted = harness.settings(harness.file("unlabelled.csv", "review_id,text,stars\na,good,5\n"));
    let error = run(&ReplaySettings { feedback: true, ..unwanted.clone() }).await.unwrap_err();
    let message = error.to_string();
    assert!(error.is_wrong_usage() && message.contains("unlabelled.csv has no column `label` and no column `rating`"));
    assert!(message.contains("--column rating=COLUMN, or leave out --feedback"), "{message}");
    assert!(harness.reviews().is_empty());

    let unwanted = run(&unwanted).await.unwrap();
    assert_eq!((unwanted.records, unwanted.feedback, unwanted.unlabelled), (1, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_is_sent_or_counted() {
    let harness = Harness::new();
    let file = harness.file(
        "mixed.csv",
        "review_id,title,text,rating,created_at,label\n\
         a,Great,I love it,5,2024-05-01T10:00:00Z,\n\
         b,,Broke at once,1,1714557600000,\n\
         b,,Broke at once,1,1714557600000,\n\
         c,,So so,3,2024-05-01,\n\
         d,,Who knows,5,2024-05-01,neg\n\
         e,,,5,2024-05-01,\n\
         f,,Undated,5,yesterday,\n\
         g,,Nine stars,9,2024-05-01,\n\
         ,,No name,,,\n",
    );
    let report = run(&ReplaySettings { feedback: true, ..harness.settings(file) }).await.unwrap();

    assert_eq!((report.records, report.feedback, report.unlabelled, report.stopped), (7, 4, 3, false));
    let skipped: Vec<_> = report.omissions.skipped.iter().map(|(reason, n)| (reason.as_str(), *n)).collect();
    assert_eq!(skipped, [("empty", 1), ("unreadable_created_at", 1)]);
    assert_eq!(report.omissions.flawed["rating"], 1);

    let reviews = harness.reviews();
    let ids: Vec<_> = reviews.iter().map(|review| review.review_id.0.as_str()).collect();
    assert_eq!(ids, ["a", "b", "b", "c", "d", "g", "mixed-9"]);
    assert_eq!(reviews[0].created_at, reviews[1].created_at, "both forms of a time are one time");

    let mut feedback: Vec<_> = harness
        .records("feedback")
        .iter()
        .map(|record| Feedback::decode(record.payload().unwrap()).unwrap())
        .map(|feedback| (feedback.review_id.0, feedback.label, feedback.origin))
        .collect();
    feedback.sort();
    let expected = [
        ("a", Label::Positive, Origin::Rating),
        ("b", Label::Negative, Origin::Rating),
        ("b", Label::Negative, Origin::Rating),
        ("d", Label::Negative, Origin::Annotator),
    ];
    assert_eq!(feedback, expected.map(|(id, label, origin)| (id.to_owned(), label, origin)));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_feedback_only_reviews_are_sent() {
    let harness = Harness::new();
    let file = harness.file("r.jsonl", "{\"review_id\": \"a\", \"text\": \"fine\", \"rating\": 5}\n");
    let report = run(&harness.settings(file)).await.unwrap();
    assert_eq!((report.records, report.feedback), (1, 0));
    assert!(harness.records("feedback").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_flushes_what_was_sent_and_reports_it() {
    let harness = Harness::new();
    let rows: String = (0..1_000).map(|i| format!("{{\"review_id\": \"{i}\", \"text\": \"fine\"}}\n")).collect();
    let settings = ReplaySettings { speed: Speed::Rate(50.0), ..harness.settings(harness.file("r.jsonl", &rows)) };
    let stop = CancellationToken::new();
    let mut stop_after_ten = |progress: ReplayProgress| {
        if progress.records >= 10 {
            stop.cancel();
        }
    };
    let report = replay::run(&settings, &stop, &mut stop_after_ten).await.unwrap();
    assert!(report.stopped);
    assert!((10..1_000).contains(&report.records), "{}", report.records);
    assert_eq!(harness.reviews().len() as u64, report.records);
}

/// A pipe without a writer, and its path.
fn pipe(harness: &Harness) -> PathBuf {
    let path = harness.folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

/// Opened for reading too, a pipe keeps nobody waiting; dropping it ends the wait of a thread that reads it.
fn both_ends(pipe: &Path) -> File {
    OpenOptions::new().read(true).write(true).open(pipe).unwrap()
}

/// Ends the wait of a thread that opens the pipe to read it, be it now or in a moment: the runtime waits for that thread.
fn release_reader(pipe: &Path) {
    let pipe = pipe.to_owned();
    std::thread::spawn(move || OpenOptions::new().write(true).open(pipe));
}

/// Runs a replay on a task of its own, so that one that blocks its thread fails the test in place of hanging it.
fn spawned(settings: ReplaySettings, stop: &CancellationToken) -> JoinSet<Result<ReplayReport, Error>> {
    let stop = stop.clone();
    let replay = async move { replay::run(&settings, &stop, &mut |_| {}).await };
    JoinSet::from_iter([replay])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_is_seen_while_a_pipe_is_silent() {
    let harness = Harness::new();
    let pipe = pipe(&harness);
    let mut writer = both_ends(&pipe);
    let stop = CancellationToken::new();
    let mut replay = spawned(harness.settings(pipe), &stop);
    // One batch and a part of the next, which waits for more.
    let rows: String = (0..1_100).map(|i| format!("{{\"review_id\": \"{i}\", \"text\": \"fine\"}}\n")).collect();
    let (writer, written) = tokio::task::spawn_blocking(move || {
        let outcome = writer.write_all(rows.as_bytes());
        (writer, outcome)
    })
    .await
    .unwrap();
    written.unwrap();
    let deadline = Instant::now() + DEADLINE;
    while harness.records("reviews").len() < 1_024 {
        assert!(Instant::now() < deadline, "the first batch does not arrive");
    }
    stop.cancel();
    let report = tokio::time::timeout(DEADLINE, replay.join_next()).await;
    drop(writer);
    let report = report.expect("the replay stops").unwrap().unwrap().unwrap();
    assert_eq!((report.records, report.stopped), (1_024, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_is_seen_while_a_pipe_has_no_writer() {
    let harness = Harness::new();
    let pipe = pipe(&harness);
    let stop = CancellationToken::new();
    let mut replay = spawned(harness.settings(pipe.clone()), &stop);
    stop.cancel();
    let report = tokio::time::timeout(DEADLINE, replay.join_next()).await;
    release_reader(&pipe);
    let report = report.expect("the replay stops").unwrap().unwrap().unwrap();
    assert_eq!((report.records, report.stopped), (0, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_beyond_the_limit_is_counted_and_the_rest_is_sent() {
    let harness = Harness::new();
    let long = "x".repeat(5_000);
    let rows = format!("review_id,text\na,short\nb,{long}\nc,short\n");
    let mut settings = harness.settings(harness.file("r.csv", &rows));
    settings.kafka.properties.insert("message.max.bytes".into(), "2000".into());
    let report = run(&settings).await.unwrap();
    assert_eq!((report.records, report.omissions.skipped["too_large"]), (2, 1));
    assert_eq!(harness.reviews().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_is_kept() {
    let harness = Harness::new();
    let rows: String = (0..21).map(|i| format!("{{\"review_id\": \"{i}\", \"text\": \"fine\"}}\n")).collect();
    let settings = ReplaySettings { speed: Speed::Rate(40.0), ..harness.settings(harness.file("r.jsonl", &rows)) };
    let start = Instant::now();
    run(&settings).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(500), "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absent_broker_is_named_in_one_sentence() {
    let harness = Harness::new();
    let mut settings = harness.settings(harness.file("r.csv", "review_id,text\na,fine\n"));
    settings.kafka = KafkaConfig::new("127.0.0.1:1", "test");
    settings.kafka.connect_timeout_ms = 500;
    let error = run(&settings).await.unwrap_err().to_string();
    assert!(error.starts_with("no Kafka broker answers at 127.0.0.1:1"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_topic_is_named() {
    let harness = Harness::new();
    let mut settings = harness.settings(harness.file("r.csv", "review_id,text\na,fine\n"));
    settings.topics.reviews = "elsewhere".to_owned();
    let error = run(&settings).await.unwrap_err().to_string();
    assert!(error.starts_with("topic \"elsewhere\" does not exist"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_broker_takes_is_an_error_with_its_count() {
    let mut kafka = KafkaConfig::new("127.0.0.1:1", "test");
    kafka.properties.insert("message.timeout.ms".into(), "300".into());
    let mut publisher = Publisher::new(&kafka, &topics()).unwrap();
    let review = Review {
        review_id: ReviewId("a".into()),
        product_id: None,
        user_id: None,
        title: None,
        text: "fine".into(),
        rating: None,
        created_at: Timestamp::now(),
    };
    publisher.send_review(&review).await.unwrap();
    let error = publisher.flush().await.unwrap_err().to_string();
    assert!(
        error.starts_with(
            "the replay stopped: 0 records were acknowledged, 1 were not and may or may not have arrived; the first error \
             was on topic reviews"
        ),
        "{error}"
    );
}
