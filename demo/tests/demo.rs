//! Whole demos, from training to the report.

#![expect(clippy::unwrap_used, reason = "helpers of tests may end a test")]

use demo::{Config, Generated, Input, Options, Report, Screen};
use feature_store::join::JoinConfig;
use feature_store::offline::{ColumnPair, Columns, ReadOptions};
use feature_store::views::FeaturesConfig;
use model::{FeatureConfig, FitConfig, ModelConfig, Transform};
use registry::{Reference, Registry, RegistryConfig};
use schemas::{Review, Topics};
use scorer::{GatewayConfig, StreamConfig};
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

fn config() -> Config {
    let name = str::to_owned;
    Config {
        topics: Topics {
            reviews: name("reviews"),
            predictions: name("predictions"),
            feedback: name("feedback"),
            models: name("models"),
            drift: name("drift"),
        },
        features: FeaturesConfig::default().parse().unwrap(),
        join: JoinConfig { memory_limit_bytes: 256 << 20 },
        registry: RegistryConfig { url: name("not-used"), poll_interval_ms: 1_000 },
        name: "sentiment".parse().unwrap(),
        model: ModelConfig::default(),
        fit: FitConfig::default(),
        stream: StreamConfig {
            batch_max_records: 10_000,
            batch_max_bytes: 16 << 20,
            threads: 0,
            transaction_timeout_ms: 60_000,
            stall_timeout_ms: 60_000,
        },
        gateway: GatewayConfig {
            listen: name("127.0.0.1:0"),
            max_text_characters: 5_000,
            max_batch: 1_000,
            max_body_bytes: 8 << 20,
            request_timeout_ms: 10_000,
        },
    }
}

fn options(input: Input) -> Options {
    Options { input, once: true, keep_models: false, any_port: true, partitions: 3 }
}

fn files(path: &Path) -> Input {
    Input::Files { paths: vec![path.to_owned()], read: ReadOptions::default() }
}

async fn run(input: Input) -> Result<Report, demo::Error> {
    demo::run(&config(), &options(input), &CancellationToken::new(), &mut Screen::new(true)).await
}

fn generated(training_reviews: usize, replayed_reviews: u64) -> Generated {
    Generated { seed: 1, training_reviews, replayed_reviews, reviews_per_second: 500.0 }
}

/// Rows of JSON Lines, in a folder of their own.
fn file_of(rows: impl IntoIterator<Item = serde_json::Value>) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.jsonl");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
    for row in rows {
        writeln!(file, "{row}").unwrap();
    }
    file.flush().unwrap();
    (folder, path)
}

fn reviews(count: usize) -> impl Iterator<Item = Review> {
    demo::GeneratedReviews::new(5, 0).take(count)
}

#[tokio::test(flavor = "multi_thread")]
async fn generated_reviews_get_one_prediction_each_and_most_are_right() {
    let report = run(Input::Generated(generated(4_000, 5_000))).await.unwrap();
    assert_eq!((report.records, report.predictions, report.dead_letters), (5_000, 5_000, 0));
    report.exactly_once().unwrap();
    let metrics = report.metrics.unwrap();
    assert!(metrics.accuracy > 0.85 && metrics.roc_auc.unwrap() > 0.85, "{metrics:?}");
    assert!((3_500..5_000).contains(&report.labelled), "{}", report.labelled);
    let latency = report.latency_ms.unwrap();
    assert!(latency.p50 > 0.0 && latency.p50 <= latency.p99, "{latency:?}");
    assert_eq!(report.model.unwrap().version.to_string(), "v1");
}

/// Of a model that weighs what is known of the product.
fn with_features() -> Config {
    let features = vec![FeatureConfig { name: "product_stats.rating_mean".to_owned(), transform: Transform::None }];
    Config { model: ModelConfig { features, ..ModelConfig::default() }, ..config() }
}

/// What a demo says of its second half, of which nothing tells the class but the product.
async fn metrics_of(config: &Config, input: Input) -> model::metrics::Metrics {
    let report = demo::run(config, &options(input), &CancellationToken::new(), &mut Screen::new(true)).await.unwrap();
    report.exactly_once().unwrap();
    report.metrics.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_with_features_learns_them_and_scores_with_them() {
    let row = |i: usize| {
        let time = format!("2024-{:02}-{:02}T{:02}:{:02}:00Z", 1 + i / 1000, 1 + i % 1000 / 40, i % 40 / 2, i % 60);
        serde_json::json!({"id": format!("r{i}"), "text": format!("the {} one", i % 7), "item": format!("p{}", i % 20),
            "stars": if i.is_multiple_of(2) { 5 } else { 1 }, "at": time})
    };
    let (_folder, path) = file_of((0..4_000).map(row));
    let names = ["review_id=id", "product_id=item", "rating=stars", "created_at=at"];
    let columns: Columns = names.iter().map(|pair| pair.parse::<ColumnPair>().unwrap()).collect();
    let input = || Input::Files {
        paths: vec![path.clone()],
        read: ReadOptions { columns: Clone::clone(&columns), ..ReadOptions::default() },
    };
    let without = metrics_of(&config(), input()).await;
    let with = metrics_of(&with_features(), input()).await;
    assert!(without.accuracy < 0.7 && with.accuracy > 0.95, "{without:?} {with:?}");

    let report = metrics_of(&with_features(), Input::Generated(generated(4_000, 2_000))).await;
    assert!(report.accuracy > 0.85, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feature_that_ratings_do_not_make_is_named() {
    let mut config = with_features();
    config.model.features[0].name = "shop_stats.size".to_owned();
    let options = options(Input::Generated(generated(100, 10)));
    let ended = demo::run(&config, &options, &CancellationToken::new(), &mut Screen::new(true)).await;
    let error = ended.unwrap_err();
    assert!(error.is_wrong_usage() && error.to_string().contains("shop_stats.size"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_times_is_trained_on_its_past_and_replayed_from_its_future() {
    let rows = reviews(6_000).enumerate().map(|(number, review)| {
        let mut row = serde_json::to_value(review).unwrap();
        match number {
            // In the second half: a row that is no review, one that cannot be read, and two with one id.
            5_000 => row["text"] = "".into(),
            5_001 => return serde_json::json!("no object"),
            5_002 | 5_003 => row["review_id"] = "twice".into(),
            _ => {}
        }
        if number == 5_000 {
            row["title"] = "".into();
        }
        row
    });
    let (_folder, path) = file_of(rows);
    let report = run(files(&path)).await.unwrap();
    report.exactly_once().unwrap();
    // 5,999 rows have times, and the row that is none goes by its hash.
    let skipped: u64 = report.omissions.skipped.values().sum();
    assert_eq!(report.omissions.skipped["empty"], 1);
    assert!((2_998..=3_000).contains(&report.records), "{}", report.records);
    assert!((1..=2).contains(&skipped), "{skipped}");
    assert_eq!((report.predictions, report.split), (report.records, "time"));
    assert!(report.metrics.unwrap().accuracy > 0.8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_times_or_ids_is_split_by_hash() {
    let rows = reviews(4_000).map(|review| serde_json::json!({"text": review.text, "rating": review.rating}));
    let (_folder, path) = file_of(rows);
    let report = run(files(&path)).await.unwrap();
    report.exactly_once().unwrap();
    assert_eq!(report.split, "hash");
    assert!((1_850..2_150).contains(&report.records), "{}", report.records);
}

/// One partition keeps 5 MiB, and this is more than twenty times that, with records among it that are nearly as large as the
/// broker can take, and one that is larger.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_of_twenty_times_what_a_partition_keeps() {
    const KEPT_BYTES: usize = 5 << 20;
    const LONG: usize = 6_800;
    let short = reviews(LONG).map(|review| serde_json::to_value(review).unwrap());
    let long = demo::GeneratedReviews::new(5, LONG as u64).take(LONG).enumerate().map(|(number, mut review)| {
        let bytes = match number {
            1_000 => 6 << 20,
            2_000..2_003 => 2 << 20,
            _ => 16_000,
        };
        review.text = review.text.repeat(bytes / review.text.len() + 1);
        serde_json::to_value(review).unwrap()
    });
    let (_folder, path) = file_of(short.chain(long));
    assert!(std::fs::metadata(&path).unwrap().len() as usize > 20 * KEPT_BYTES);

    let options = Options { partitions: 1, ..options(files(&path)) };
    let report = demo::run(&config(), &options, &CancellationToken::new(), &mut Screen::new(true)).await.unwrap();
    report.exactly_once().unwrap();
    assert_eq!((report.records, report.predictions), (LONG as u64 - 1, LONG as u64 - 1));
    assert_eq!(report.omissions.skipped["too_large"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_demo_serves_until_it_is_stopped_and_reports_so_far() {
    let (report, answer) = stopped_by_a_visitor(false).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"product_stats.rating_mean\""), "{answer}");
    report.exactly_once().unwrap();
    assert_eq!(report.records, report.predictions);
    assert!(!report.stopped, "there is no end that it was stopped before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_is_stopped_before_its_end_says_so() {
    let (report, _) = stopped_by_a_visitor(true).await;
    report.exactly_once().unwrap();
    assert!(report.stopped && report.records > 0, "{report}");
}

/// A demo of many more reviews than it will replay before somebody has seen a product's features, and stops it.
async fn stopped_by_a_visitor(once: bool) -> (demo::Report, String) {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut config = config();
    config.gateway.listen = address.to_string();
    let options = Options { once, ..options(Input::Generated(generated(3_000, 1_000_000_000))) };
    let stop = CancellationToken::new();
    let visitor = tokio::task::spawn_blocking({
        let stop = stop.clone();
        move || {
            let _stop_however_it_ends = stop.drop_guard();
            predict_once_the_product_is_known(address)
        }
    });
    let report = demo::run(&config, &options, &stop, &mut Screen::new(true)).await.unwrap();
    (report, visitor.await.unwrap())
}

/// The gateway's answer, once the replayed ratings have made features of one of the common products.
fn predict_once_the_product_is_known(address: SocketAddr) -> String {
    let deadline = Instant::now() + Duration::from_secs(60);
    let body = r#"{"text": "I love the handle. Would buy again.", "product_id": "product-0"}"#;
    let request = format!(
        "POST /predict HTTP/1.1\r\nhost: demo\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    loop {
        let answer = TcpStream::connect(address).and_then(|mut stream| {
            stream.write_all(request.as_bytes())?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        });
        match answer {
            Ok(answer) if answer.contains("\"present\"") => return answer,
            waiting => assert!(Instant::now() < deadline, "the gateway at {address} knows no product: {waiting:?}"),
        }
        std::thread::yield_now();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_that_is_stopped_while_it_trains_says_so() {
    let stop = CancellationToken::new();
    stop.cancel();
    let options = options(Input::Generated(generated(3_000, 10)));
    let report = demo::run(&config(), &options, &stop, &mut Screen::new(true)).await.unwrap();
    assert_eq!(report.to_string(), "stopped before the replay");
}

/// What `docker-compose.yml` depends on.
#[tokio::test(flavor = "multi_thread")]
async fn a_demo_that_keeps_its_model_leaves_it_in_production() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config();
    // The folder need not exist before.
    config.registry.url = folder.path().join("registry").to_string_lossy().into_owned();
    let options = Options { keep_models: true, ..options(Input::Generated(generated(3_000, 100))) };
    let report = demo::run(&config, &options, &CancellationToken::new(), &mut Screen::new(true)).await.unwrap();
    report.exactly_once().unwrap();

    let registry = Registry::open(&config.registry.url).unwrap();
    let production = Reference::Alias("production".parse().unwrap());
    let version = registry.resolve(&config.name, &production).await.unwrap();
    assert_eq!(version, report.model.unwrap().version);
    assert!(!registry.artifact(&config.name, version).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_is_refused_without_being_opened() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("rows.jsonl");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // On a task of its own, so that opening the pipe would fail the test in place of hanging it.
    let mut demo = JoinSet::from_iter([run(files(&pipe))]);
    let outcome = tokio::time::timeout(Duration::from_secs(20), demo.join_next()).await;
    // Whoever has opened the pipe after all goes on.
    drop(OpenOptions::new().read(true).write(true).open(&pipe));
    let error = outcome.expect("the demo does not wait for a writer").unwrap().unwrap().unwrap_err();
    let expected = "give a regular file: the demo reads its input more than once";
    assert!(error.to_string().ends_with(expected) && error.is_wrong_usage(), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_make_no_model_are_refused_in_one_sentence() {
    let cases = [
        (vec![serde_json::json!({"body": "fine", "rating": 5})], "has no column `text`", true),
        (vec![serde_json::json!({"text": "fine"}); 50], "has no column `label` and no column `rating`", true),
        (vec![serde_json::json!({"text": "fine words", "rating": 5}); 400], "rows.jsonl", false),
        (vec![], "is empty", false),
    ];
    for (rows, expected, is_wrong_usage) in cases {
        let (_folder, path) = file_of(rows);
        let error = run(files(&path)).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!error.to_string().contains('\n'), "{error}");
        assert_eq!(error.is_wrong_usage(), is_wrong_usage, "{error}");
    }
}
