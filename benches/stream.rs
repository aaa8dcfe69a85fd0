//! The exactly-once stream on Apache Kafka, against a pass-through: the same consumer and producer settings, full batches, the
//! same transactions with as many records of the same size, but nothing is decoded or scored. The two take turns on one
//! topic of reviews. Broker, client and scoring share the machine's cores. Needs `PLAUDIT_TEST_KAFKA`.
#![expect(clippy::print_stdout, reason = "a measurement's output")]

#[path = "support/documents.rs"]
mod documents;
#[path = "support/figures.rs"]
mod figures;
#[path = "support/product_reviews.rs"]
mod product_reviews;

use documents::Documents;
use figures::{median, row, say};
use product_reviews::{ProductReview, product_reviews};
use rdkafka::Message;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::FromClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use schemas::{
    FeaturesStatus, ModelRef, ModelVersion, Prediction, Rating, Review, ReviewId, Source, Timestamp, Topics,
};
use scorer::features::Features;
use scorer::stream::Stream;
use scorer::{ModelHandle, StreamConfig};
use service::health::Health;
use service::kafka::admin::{TopicSpec, create_topics};
use service::kafka::{KafkaConfig, NextOffsets, TransactionalProducer};
use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};
use tokio::runtime::{Handle, Runtime};
use tokio_util::sync::CancellationToken;
use trainer::grouped;

/// A round takes some seconds.
const TEXT_BYTES: usize = 400 << 20;
const MAX_RECORDS: usize = 800_000;
const PARTITIONS: i32 = 4;
const ROUNDS: usize = 3;
/// The role in the consumer group's name, as the scorer has it.
const ROLE: &str = "score";

/// The defaults, see `src/default.toml`.
const CONFIG: StreamConfig =
    StreamConfig { batch_max_records: 10_000, batch_max_bytes: 16 << 20, threads: 0, transaction_timeout_ms: 15_000 };

fn main() {
    let Ok(brokers) = std::env::var("PLAUDIT_TEST_KAFKA") else {
        say("left out: PLAUDIT_TEST_KAFKA is not set (dev/bench sets it, after dev/services up)");
        return;
    };
    let documents = Documents::load();
    let model = ModelHandle::fixed(documents.fit());
    let runtime = Runtime::new().expect("a runtime can be started");
    service::metrics::install();
    scorer::metrics::describe();
    let long = documents.test.into_iter().map(|(text, _)| ProductReview { title: None, text }).collect();
    for (what, texts) in [("IMDb-sized texts", long), ("product reviews", product_reviews())] {
        compare(what, &texts, &brokers, &model, &runtime);
    }
}

fn compare(what: &str, texts: &[ProductReview], brokers: &str, model: &ModelHandle, runtime: &Runtime) {
    let bench = Bench::prepare(brokers, texts);
    let (mut streams, mut pass_throughs) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let rate = bench.pass_through(round);
        say(&format!("{what}, round {round}: pass-through {} records/s", grouped(rate as u64)));
        pass_throughs.push(rate);
        let rate = bench.stream(round, model, runtime.handle());
        say(&format!("{what}, round {round}: stream       {} records/s", grouped(rate as u64)));
        streams.push(rate);
    }
    runtime.block_on(bench.delete_topics());
    let (stream, pass_through) = (median(&streams), median(&pass_throughs));
    row(
        &format!("exactly-once stream on Kafka, {what}, records of {} bytes", bench.record_bytes),
        &format!("{} records/s", grouped(stream as u64)),
        &format!("the same transactions without decoding or scoring: {} records/s", grouped(pass_through as u64)),
        stream / pass_through,
    );
}

struct Bench {
    brokers: String,
    topics: Topics,
    records: usize,
    record_bytes: usize,
    /// Records that the pass-through writes: as large as predictions, and as hard to compress.
    predictions: Vec<Vec<u8>>,
}

impl Bench {
    /// Fills a topic of its own with reviews.
    fn prepare(brokers: &str, texts: &[ProductReview]) -> Self {
        let id = format!("bench-{}-{}", std::process::id(), texts.len());
        let topic = |role: &str| format!("{id}-{role}");
        let topics = Topics {
            reviews: topic("reviews"),
            predictions: topic("predictions"),
            feedback: topic("feedback"),
            models: topic("models"),
            drift: topic("drift"),
        };
        let text_bytes: usize = texts.iter().map(|review| review.text.len()).sum();
        let mut bench = Self {
            brokers: brokers.to_owned(),
            records: (TEXT_BYTES / (text_bytes / texts.len())).min(MAX_RECORDS),
            record_bytes: 0,
            predictions: (0..CONFIG.batch_max_records).map(|i| prediction(i, &topics.reviews)).collect(),
            topics,
        };
        let kafka = bench.kafka("setup");
        let specs: Vec<TopicSpec> = bench
            .topics_in_use()
            .map(|name| TopicSpec { name, partitions: PARTITIONS, replication: 1, config: BTreeMap::new() })
            .into();
        create_topics(&kafka, &specs).expect("topics can be created");
        bench.record_bytes = bench.produce(&kafka, texts) / bench.records;
        say(&format!("{} reviews of {} bytes in {PARTITIONS} partitions", bench.records, bench.record_bytes));
        bench
    }

    fn topics_in_use(&self) -> [String; 3] {
        let Topics { reviews, predictions, .. } = &self.topics;
        [reviews.clone(), predictions.clone(), Topics::dead_letters_of(reviews)]
    }

    fn kafka(&self, group: &str) -> KafkaConfig {
        KafkaConfig::new(&self.brokers, format!("{}-{group}", self.topics.reviews))
    }

    /// Writes the reviews; answers how many bytes their values have.
    fn produce(&self, kafka: &KafkaConfig, texts: &[ProductReview]) -> usize {
        let producer: BaseProducer = kafka.producer().create().expect("a producer");
        let mut bytes = 0;
        for (i, ProductReview { title, text }) in texts.iter().cycle().take(self.records).enumerate() {
            let review = Review {
                review_id: review_id(i),
                product_id: Some(format!("product-{}", i % 5_000)),
                user_id: Some(format!("user-{}", i % 40_000)),
                title: title.clone(),
                text: text.clone(),
                rating: Rating::new([1.0, 4.0, 5.0][i % 3]),
                created_at: Timestamp::now(),
            };
            let value = serde_json::to_vec(&review).expect("a review is JSON");
            bytes += value.len();
            let mut unsent = BaseRecord::to(&self.topics.reviews).key(&review.review_id.0).payload(&value);
            while let Err((error, record)) = producer.send(unsent) {
                assert_eq!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::QueueFull), "{error}");
                producer.poll(Duration::from_millis(10));
                unsent = record;
            }
        }
        producer.flush(Duration::from_secs(60)).expect("the broker takes the reviews");
        bytes
    }

    /// Records a second through the scorer's worker.
    fn stream(&self, round: usize, model: &ModelHandle, runtime: &Handle) -> f64 {
        let stream = Stream {
            kafka: self.kafka(&format!("stream-{round}")),
            topics: self.topics.clone(),
            config: CONFIG,
            model: model.clone(),
            features: Features::none(),
            runtime: runtime.clone(),
            until_end: true,
            health: Health::new().component("stream"),
        };
        let report = stream.run(&CancellationToken::new()).expect("the stream reaches the end");
        assert_eq!(report.predictions, self.records as u64);
        report.records_per_second
    }

    /// Records a second through a loop that only copies.
    fn pass_through(&self, round: usize) -> f64 {
        let kafka = self.kafka(&format!("pass-through-{round}"));
        let timeout = Duration::from_millis(CONFIG.transaction_timeout_ms);
        let producer = TransactionalProducer::new(&kafka, &kafka.group, timeout).expect("a producer");
        let mut settings = kafka.consumer(ROLE);
        settings.set("enable.partition.eof", "true");
        let consumer = BaseConsumer::from_config(&settings).expect("a consumer");
        consumer.subscribe(&[&self.topics.reviews]).expect("the topic exists");

        let started = Instant::now();
        let mut copied = 0;
        let mut ended = HashSet::new();
        while ended.len() < PARTITIONS as usize {
            let mut batch = Vec::with_capacity(CONFIG.batch_max_records);
            let mut bytes = 0;
            while batch.len() < CONFIG.batch_max_records
                && bytes < CONFIG.batch_max_bytes
                && ended.len() < PARTITIONS as usize
            {
                match consumer.poll(Duration::from_millis(100)) {
                    None => {}
                    Some(Ok(message)) => {
                        bytes += message.payload_len() + message.key_len();
                        batch.push(message);
                    }
                    Some(Err(KafkaError::PartitionEOF(partition))) => {
                        ended.insert(partition);
                    }
                    Some(Err(error)) => panic!("cannot read reviews: {error}"),
                }
            }
            copied += batch.len();
            self.transact(&producer, &consumer, &batch);
        }
        assert_eq!(copied, self.records);
        copied as f64 / started.elapsed().as_secs_f64()
    }

    fn transact(&self, producer: &TransactionalProducer, consumer: &BaseConsumer, batch: &[BorrowedMessage<'_>]) {
        let mut offsets = NextOffsets::new();
        producer.begin().expect("a transaction can be begun");
        for (message, prediction) in batch.iter().zip(&self.predictions) {
            let key = message.key().expect("reviews have keys");
            let record = BaseRecord::to(&self.topics.predictions).key(key).payload(prediction);
            producer.send(record).expect("the client takes the record");
            offsets.done(&self.topics.reviews, message.partition(), message.offset());
        }
        let group = consumer.group_metadata().expect("the consumer has a group");
        producer.commit(&offsets, &group).expect("the transaction can be committed");
    }

    async fn delete_topics(&self) {
        let settings = self.kafka("setup").producer();
        let client: AdminClient<DefaultClientContext> = AdminClient::from_config(&settings).expect("an admin client");
        let topics = self.topics_in_use();
        let names: Vec<&str> = topics.iter().map(String::as_str).collect();
        let deleted = client.delete_topics(&names, &AdminOptions::new()).await;
        deleted.expect("the broker answers");
    }
}

fn review_id(i: usize) -> ReviewId {
    ReviewId(format!("review-{i}"))
}

fn prediction(i: usize, topic: &str) -> Vec<u8> {
    // Any 53 bits that look random.
    let unit = ((i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64 / (1_u64 << 53) as f64;
    let prediction = Prediction {
        review_id: review_id(i),
        sentiment: if unit >= 0.5 { "positive" } else { "negative" }.to_owned(),
        confidence: unit.max(1.0 - unit),
        probability: unit,
        model: ModelRef { name: "sentiment".parse().expect("a model's name"), version: ModelVersion(1), update: 0 },
        features: BTreeMap::new(),
        features_status: FeaturesStatus::None,
        source: Source { topic: topic.to_owned(), partition: i as i32 % PARTITIONS, offset: i as i64 },
        created_at: Timestamp::now(),
        scored_at: Timestamp::now(),
    };
    serde_json::to_vec(&prediction).expect("a prediction is JSON")
}
