//! The exactly-once stream on Apache Kafka, against two others that take turns with it. *Without scoring*: the same worker on
//! records of the same bytes, whose text stands in a field that no review has, so that it is read over and one word is scored.
//! *Copying*: a loop with the same consumer and producer settings, full batches and the same transactions of as many records
//! of the same size, in which nothing is decoded, scored or encoded. And against itself *with features*: those of each
//! review's product and user from a Redis of its own, four of them in the model. Broker, client, Redis and scoring share the
//! machine's cores. Needs `PLAUDIT_TEST_KAFKA`.
#![expect(clippy::print_stdout, reason = "a measurement's output")]

#[path = "support/documents.rs"]
mod documents;
#[path = "support/figures.rs"]
mod figures;
#[path = "support/product_reviews.rs"]
mod product_reviews;
#[path = "support/redis.rs"]
mod redis;

use documents::Documents;
use feature_store::online::{OnlineStore, RedisConfig, ReviewEntities, Update};
use feature_store::views::FeaturesConfig;
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
use serde::Serialize;
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
const PRODUCTS: usize = 5_000;
const USERS: usize = 40_000;
/// All that the default views have.
const FEATURES: [&str; 4] =
    ["product_stats.rating_count", "product_stats.rating_mean", "user_stats.rating_count", "user_stats.rating_mean"];
const ROUNDS: usize = 3;
/// What the program allocates with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The role in the consumer group's name, as the scorer has it.
const ROLE: &str = "score";

/// The defaults, see `src/default.toml`.
const CONFIG: StreamConfig = StreamConfig {
    batch_max_records: 10_000,
    batch_max_bytes: 16 << 20,
    threads: 0,
    transaction_timeout_ms: 15_000,
    stall_timeout_ms: 60_000,
};

fn main() {
    let Ok(brokers) = std::env::var("PLAUDIT_TEST_KAFKA") else {
        say("left out: PLAUDIT_TEST_KAFKA is not set (dev/bench sets it, after dev/services up)");
        return;
    };
    let documents = Documents::load();
    let runtime = Runtime::new().expect("a runtime can be started");
    service::metrics::install();
    scorer::metrics::describe();
    let redis = redis::Server::start();
    let plain = Scoring { model: ModelHandle::fixed(documents.fit()), features: Features::none() };
    let with_features = Scoring {
        model: ModelHandle::fixed(documents.fit_with(&FEATURES)),
        features: Features::from_store(runtime.block_on(filled(&redis))),
    };
    let long = documents.test.into_iter().map(|(text, _)| ProductReview { title: None, text }).collect();
    for (what, texts) in [("IMDb-sized texts", long), ("product reviews", product_reviews())] {
        compare(what, &texts, &brokers, [&plain, &with_features], &runtime);
    }
}

/// What records are scored with.
struct Scoring {
    model: ModelHandle,
    features: Features,
}

/// A store that knows every product and user of the records.
async fn filled(redis: &redis::Server) -> OnlineStore {
    let views = FeaturesConfig::default().parse().expect("the defaults are sound");
    let config = RedisConfig { url: redis.url(), ..RedisConfig::default() };
    let store = OnlineStore::connect(&config, &views).await.expect("the server answers");
    for offset in 0..PRODUCTS.max(USERS) {
        let record = Source { topic: "ratings".to_owned(), partition: 0, offset: offset as i64 };
        let (product, user) = (product_id(offset), user_id(offset));
        let entities = ReviewEntities { product_id: Some(&product), user_id: Some(&user) };
        let rating = Rating::new(1.0 + (offset % 5) as f64).expect("1 to 5");
        let updates: Vec<_> = Update::of_rating(entities, rating, Timestamp::now(), &record).collect();
        store.apply(&updates).await.expect("the server answers");
    }
    store
}

fn compare(what: &str, texts: &[ProductReview], brokers: &str, [plain, rich]: [&Scoring; 2], runtime: &Runtime) {
    let bench = Bench::prepare(brokers, texts);
    let (mut streams, mut unscored, mut copies, mut with_features) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        copies.push(bench.copy(round));
        unscored.push(bench.stream(&bench.unscored, &format!("unscored-{round}"), plain, runtime.handle()));
        streams.push(bench.stream(&bench.topics.reviews, &format!("plain-{round}"), plain, runtime.handle()));
        with_features.push(bench.stream(&bench.topics.reviews, &format!("rich-{round}"), rich, runtime.handle()));
        let rates = [&streams, &with_features, &unscored, &copies].map(|rates| grouped(rates[round - 1] as u64));
        say(&format!(
            "{what}, round {round}: stream {}, with features {}, without scoring {}, copying {} records/s",
            rates[0], rates[1], rates[2], rates[3]
        ));
    }
    runtime.block_on(bench.delete_topics());
    let stream = median(&streams);
    for (peer, rates) in [("without scoring", &unscored), ("copying", &copies)] {
        let peer_rate = median(rates);
        row(
            &format!("exactly-once stream on Kafka, {what}, records of {} bytes", bench.record_bytes),
            &format!("{} records/s", grouped(stream as u64)),
            &format!("the same transactions, {peer}: {} records/s", grouped(peer_rate as u64)),
            stream / peer_rate,
        );
    }
    let rich = median(&with_features);
    let failed = failed_reads();
    if failed > 0 {
        say(&format!("{failed} batches went without features: the store did not answer in time"));
    }
    row(
        &format!("the same with features of product and user, {what}"),
        &format!("{} records/s", grouped(rich as u64)),
        &format!("without features: {} records/s", grouped(stream as u64)),
        rich / stream,
    );
}

/// How many reads of features failed so far.
fn failed_reads() -> u64 {
    let metrics = service::metrics::render();
    let line = metrics.lines().find_map(|line| line.strip_prefix("plaudit_feature_read_failures_total "));
    line.and_then(|count| count.parse().ok()).unwrap_or(0)
}

struct Bench {
    brokers: String,
    topics: Topics,
    /// The topic whose records have their texts in a field that is read over.
    unscored: String,
    records: usize,
    record_bytes: usize,
    /// Records that copying writes: as large as predictions, and as hard to compress.
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
            unscored: topic("unscored"),
            topics,
        };
        let kafka = bench.kafka("setup");
        let specs: Vec<TopicSpec> = bench
            .topics_in_use()
            .map(|name| TopicSpec { name, partitions: PARTITIONS, replication: 1, config: BTreeMap::new() })
            .into();
        create_topics(&kafka, &specs).expect("topics can be created");
        bench.record_bytes = bench.produce(&kafka, &bench.topics.reviews, texts, |review| review) / bench.records;
        bench.produce(&kafka, &bench.unscored, texts, without_text);
        say(&format!("{} reviews of {} bytes in {PARTITIONS} partitions", bench.records, bench.record_bytes));
        bench
    }

    fn topics_in_use(&self) -> [String; 6] {
        let Topics { reviews, predictions, drift, .. } = &self.topics;
        let dead_letters = [reviews, &self.unscored].map(|topic| Topics::dead_letters_of(topic));
        let [one, other] = dead_letters;
        [reviews.clone(), self.unscored.clone(), predictions.clone(), drift.clone(), one, other]
    }

    fn kafka(&self, group: &str) -> KafkaConfig {
        KafkaConfig::new(&self.brokers, format!("{}-{group}", self.topics.reviews))
    }

    /// Writes the reviews in the form that they are given; answers how many bytes their values have.
    fn produce<R: Serialize>(
        &self,
        kafka: &KafkaConfig,
        topic: &str,
        texts: &[ProductReview],
        form: impl Fn(Review) -> R,
    ) -> usize {
        let producer: BaseProducer = kafka.producer().create().expect("a producer");
        let mut bytes = 0;
        for (i, ProductReview { title, text }) in texts.iter().cycle().take(self.records).enumerate() {
            let review = Review {
                review_id: review_id(i),
                product_id: Some(product_id(i)),
                user_id: Some(user_id(i)),
                title: title.clone(),
                text: text.clone(),
                rating: Rating::new([1.0, 4.0, 5.0][i % 3]),
                created_at: Timestamp::now(),
            };
            let key = review.review_id.0.clone();
            let value = serde_json::to_vec(&form(review)).expect("a review is JSON");
            bytes += value.len();
            let mut unsent = BaseRecord::to(topic).key(&key).payload(&value);
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
    fn stream(&self, reviews: &str, group: &str, scoring: &Scoring, runtime: &Handle) -> f64 {
        let stream = Stream {
            kafka: self.kafka(group),
            topics: Topics { reviews: reviews.to_owned(), ..self.topics.clone() },
            config: CONFIG,
            model: scoring.model.clone(),
            features: scoring.features.clone(),
            runtime: runtime.clone(),
            until_end: true,
            health: Health::new().component("stream"),
        };
        let report = stream.run(&CancellationToken::new()).expect("the stream reaches the end");
        assert_eq!(report.predictions, self.records as u64);
        report.records_per_second
    }

    /// Records a second through a loop that only copies.
    fn copy(&self, round: usize) -> f64 {
        let kafka = self.kafka(&format!("copy-{round}"));
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

/// A review of as many bytes and one word; what it says is nothing to the worker.
fn without_text(review: Review) -> impl Serialize {
    #[derive(Serialize)]
    struct Padded {
        #[serde(flatten)]
        review: Review,
        padding: String,
    }
    let padding = review.title.unwrap_or_default() + &review.text;
    Padded { review: Review { title: None, text: "good".to_owned(), ..review }, padding }
}

fn product_id(i: usize) -> String {
    format!("product-{}", i % PRODUCTS)
}

fn user_id(i: usize) -> String {
    format!("user-{}", i % USERS)
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
