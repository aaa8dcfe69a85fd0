//! Reviews from Kafka to Parquet by `plaudit ingest`, against a bare writer of Arrow's that makes one file of the same bytes,
//! which it has in memory: no Kafka, no checks, no metadata, no filters for ids. The two take turns.
#![expect(clippy::print_stdout, reason = "a measurement's output")]

#[path = "support/figures.rs"]
mod figures;
#[path = "support/product_reviews.rs"]
mod product_reviews;

use arrow_array::builder::{Float64Builder, StringBuilder, TimestampMillisecondBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use figures::{median, row, say};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde::Deserialize;
use service::kafka::KafkaConfig;
use service::kafka::admin::{TopicSpec, create_topics};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use trainer::grouped;

const RECORDS: usize = 1_000_000;
const PARTITIONS: i32 = 3;
const ROUNDS: usize = 3;
const BATCH_ROWS: usize = 8192;

fn main() {
    let brokers = std::env::var("PLAUDIT_TEST_KAFKA").expect("PLAUDIT_TEST_KAFKA names a broker: run dev/bench ingest");
    let records = records();
    let bytes: usize = records.iter().map(Vec::len).sum();
    say(&format!("{} records of {} bytes on average", grouped(RECORDS as u64), bytes / RECORDS));
    let id = format!("bench-ingest-{}", std::process::id());
    let kafka = KafkaConfig::new(brokers, &id);
    produce(&kafka, &id, &records);

    let folder = tempfile::tempdir().expect("a folder can be made");
    let (mut ours, mut theirs, mut peak) = (Vec::new(), Vec::new(), 0);
    for round in 1..=ROUNDS {
        let run = ingest(&kafka, &id, round, folder.path());
        say(&format!(
            "round {round}: plaudit ingest {} records/s, {} files, {:.0} MB, {} MB resident at most",
            grouped(run.rate as u64),
            run.files,
            run.megabytes,
            run.peak_rss_bytes / 1_000_000
        ));
        say(&format!("round {round}: seconds of processor by thread: {}", run.threads));
        ours.push(run.rate);
        peak = run.peak_rss_bytes.max(peak);
        let rate = bare(&records, &folder.path().join("bare.parquet"));
        say(&format!("round {round}: bare writer {} records/s", grouped(rate as u64)));
        theirs.push(rate);
    }
    let (ours, theirs) = (median(&ours), median(&theirs));
    row(
        &format!("ingest to Parquet, {PARTITIONS} partitions, at most {} MB resident", peak / 1_000_000),
        &format!("{} reviews/s ({:.0} MB/s of JSON)", grouped(ours as u64), ours * (bytes / RECORDS) as f64 / 1e6),
        &format!("bare Arrow writer, JSON in memory: {} reviews/s", grouped(theirs as u64)),
        ours / theirs,
    );
}

/// Reviews as they stand in Kafka.
fn records() -> Vec<Vec<u8>> {
    let reviews = product_reviews::product_reviews();
    let record = |i: usize| {
        let review = &reviews[i % reviews.len()];
        let value = serde_json::json!({
            "review_id": format!("r{i}"),
            "product_id": format!("p{}", i.wrapping_mul(7_919) % 15_000),
            "user_id": format!("u{}", i.wrapping_mul(104_729) % 90_000),
            "title": review.title,
            "text": review.text,
            "rating": 1 + i % 5,
            "created_at": 1_700_000_000_000_i64 + i as i64 * 1000,
        });
        serde_json::to_vec(&value).expect("plain data")
    };
    (0..RECORDS).map(record).collect()
}

fn produce(kafka: &KafkaConfig, id: &str, records: &[Vec<u8>]) {
    let topic = |role: &str| TopicSpec {
        name: format!("{id}-{role}"),
        partitions: PARTITIONS,
        replication: 1,
        config: BTreeMap::new(),
    };
    create_topics(kafka, &["reviews", "feedback", "predictions"].map(topic)).expect("topics can be created");
    let producer: BaseProducer = kafka.producer().create().expect("a producer can be made");
    let topic = format!("{id}-reviews");
    for (i, value) in records.iter().enumerate() {
        let mut record = BaseRecord::<str, [u8]>::to(&topic).partition(i as i32 % PARTITIONS).payload(value);
        while let Err((_, again)) = producer.send(record) {
            record = again;
            producer.poll(Duration::from_millis(1));
        }
    }
    producer.flush(Duration::from_secs(60)).expect("the broker takes all");
}

struct Run {
    rate: f64,
    files: u64,
    megabytes: f64,
    peak_rss_bytes: u64,
    threads: String,
}

fn ingest(kafka: &KafkaConfig, id: &str, round: usize, folder: &Path) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plaudit"));
    command.args(["ingest", "--until-end", "--json", "--brokers", &kafka.brokers]);
    for setting in [
        format!("kafka.group={id}-{round}"),
        format!("topics.reviews={id}-reviews"),
        format!("topics.feedback={id}-feedback"),
        format!("topics.predictions={id}-predictions"),
        format!("offline.url={}/{round}", folder.display()),
        "telemetry.log=warn".to_owned(),
    ] {
        command.args(["--set", &setting]);
    }
    // Those of dev/services would have it write to Redis too.
    for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("PLAUDIT__")) {
        command.env_remove(key);
    }
    let mut running = command.stdout(Stdio::piped()).spawn().expect("plaudit runs");
    let (mut peak_rss_bytes, mut threads) = (0, BTreeMap::new());
    while running.try_wait().expect("it can be asked").is_none() {
        peak_rss_bytes = peak_of(running.id()).unwrap_or(peak_rss_bytes);
        threads.extend(threads_of(running.id()));
        std::thread::park_timeout(Duration::from_millis(20));
    }
    let output = running.wait_with_output().expect("it ends");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a report");
    assert_eq!(report["records"], RECORDS, "every record is written");
    Run {
        rate: report["records_per_second"].as_f64().expect("a number"),
        files: report["files"].as_u64().expect("a number"),
        megabytes: report["bytes"].as_f64().expect("a number") / 1e6,
        peak_rss_bytes,
        threads: busiest(threads),
    }
}

/// The most memory that a process has held so far.
fn peak_of(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

/// The ticks of processor time that each thread of a process has had, by its number, and its name.
fn threads_of(pid: u32) -> BTreeMap<String, (String, u64)> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let of_task = |task: std::fs::DirEntry| {
        let stat = std::fs::read_to_string(task.path().join("stat")).ok()?;
        let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
        let mut fields = rest.split_whitespace().skip(11).map(|field| field.parse::<u64>().ok());
        let ticks = fields.next()?? + fields.next()??;
        Some((task.file_name().to_string_lossy().into_owned(), (name.to_owned(), ticks)))
    };
    tasks.filter_map(of_task).collect()
}

/// Those that had most, the others left out.
fn busiest(threads: BTreeMap<String, (String, u64)>) -> String {
    let mut threads: Vec<(String, u64)> = threads.into_values().filter(|(_, ticks)| *ticks >= 10).collect();
    threads.sort_by_key(|(_, ticks)| std::cmp::Reverse(*ticks));
    // A tick is a hundredth of a second.
    let each = threads.iter().map(|(name, ticks)| format!("{name} {:.1}", *ticks as f64 / 100.0));
    each.collect::<Vec<_>>().join(", ")
}

#[derive(Deserialize)]
struct Plain {
    review_id: String,
    product_id: String,
    user_id: String,
    title: Option<String>,
    text: String,
    rating: f64,
    created_at: i64,
}

/// Records a second of a writer that does nothing but write.
fn bare(records: &[Vec<u8>], path: &Path) -> f64 {
    let started = Instant::now();
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
    let mut writer: Option<ArrowWriter<File>> = None;
    for chunk in records.chunks(BATCH_ROWS) {
        let mut texts: [StringBuilder; 5] = std::array::from_fn(|_| StringBuilder::new());
        let mut rating = Float64Builder::new();
        let mut created_at = TimestampMillisecondBuilder::new();
        for record in chunk {
            let plain: Plain = serde_json::from_slice(record).expect("a review");
            let [review_id, product_id, user_id, title, text] = &mut texts;
            review_id.append_value(plain.review_id);
            product_id.append_value(plain.product_id);
            user_id.append_value(plain.user_id);
            title.append_option(plain.title);
            text.append_value(plain.text);
            rating.append_value(plain.rating);
            created_at.append_value(plain.created_at);
        }
        let names = ["review_id", "product_id", "user_id", "title", "text"];
        let texts =
            names.into_iter().zip(texts).map(|(name, mut column)| (name, Arc::new(column.finish()) as ArrayRef));
        let others: [(&str, ArrayRef); 2] =
            [("rating", Arc::new(rating.finish())), ("created_at", Arc::new(created_at.finish()))];
        // Nullable in each batch, also where a batch has none.
        let columns = texts.chain(others).map(|(name, column)| (name, column, true));
        let batch = RecordBatch::try_from_iter_with_nullable(columns).expect("columns of one length");
        let writer = writer.get_or_insert_with(|| {
            let file = File::create(path).expect("a file can be made");
            ArrowWriter::try_new(file, batch.schema(), Some(properties.clone())).expect("a schema that Parquet has")
        });
        writer.write(&batch).expect("rows can be written");
    }
    let mut file = writer.expect("there are records").into_inner().expect("the file can be ended");
    std::io::Write::flush(&mut file).and_then(|()| file.sync_all()).expect("the file can be synced");
    records.len() as f64 / started.elapsed().as_secs_f64()
}
