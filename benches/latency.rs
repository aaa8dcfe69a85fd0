//! From the moment a review is produced to the moment a read_committed consumer has its prediction: one review at a time, and
//! at half the highest rate. The peer is the way without a scorer: the consumer reads the reviews themselves. Broker,
//! producer, scorer and consumer share the machine's cores. Needs `PLAUDIT_TEST_KAFKA`.
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
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Message, Offset, TopicPartitionList};
use schemas::{Review, ReviewId, Timestamp, Topics};
use scorer::features::Features;
use scorer::stream::{Stream, StreamReport};
use scorer::{ModelHandle, StreamConfig};
use service::health::Health;
use service::kafka::KafkaConfig;
use service::kafka::admin::{TopicSpec, create_topics};
use service::latency::{Latencies, Quantiles};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use trainer::grouped;

const PARTITIONS: i32 = 4;
/// Lone records: each is through before the next one comes.
const LONE_RATE: f64 = 100.0;
const SECONDS: f64 = 8.0;
const ROUNDS: usize = 3;
/// Records that are due within this time are sent together.
const BURST: Duration = Duration::from_millis(1);
/// What the highest rate is measured with.
const BACKLOG: usize = 400_000;

/// What the program allocates with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let Ok(brokers) = std::env::var("PLAUDIT_TEST_KAFKA") else {
        say("left out: PLAUDIT_TEST_KAFKA is not set (dev/bench sets it, after dev/services up)");
        return;
    };
    let runtime = Runtime::new().expect("a runtime can be started");
    let model = ModelHandle::fixed(Documents::load().fit());
    let reviews = values(&product_reviews());
    let highest = Bench::new(&brokers, "highest").highest_rate(&reviews, &model, &runtime);
    say(&format!("highest rate: {} records/s", grouped(highest as u64)));
    for (what, rate) in [("100 records a second", LONE_RATE), ("half the highest rate", highest / 2.0)] {
        let bench = Bench::new(&brokers, &format!("{}", rate as u64));
        let (mut scored, mut bare) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            scored.push(bench.scored(&reviews, rate, &model, &runtime));
            bare.push(bench.measure(&reviews, rate, &bench.bare, &bench.bare));
        }
        for name in ["p50", "p99"] {
            let of = |found: &Quantiles| if name == "p50" { found.p50 } else { found.p99 };
            let [ours, peer] = [&scored, &bare].map(|rounds| median(&rounds.iter().map(of).collect::<Vec<f64>>()));
            row(
                &format!("produce to read_committed consume, {what} ({}/s), {name}", grouped(rate as u64)),
                &format!("{ours:.1} ms"),
                &format!("without a scorer: {peer:.1} ms"),
                ours / peer,
            );
        }
    }
}

/// The reviews as they stand in the topic, without their ids.
fn values(reviews: &[ProductReview]) -> Vec<Vec<u8>> {
    let value = |review: &ProductReview| {
        let review = Review {
            review_id: ReviewId("0".to_owned()),
            product_id: None,
            user_id: None,
            title: review.title.clone(),
            text: review.text.clone(),
            rating: None,
            created_at: Timestamp::now(),
        };
        let json = serde_json::to_string(&review).expect("a review is JSON");
        json.strip_prefix(WITH_ID_0).expect("the id comes first").as_bytes().to_vec()
    };
    reviews.iter().map(value).collect()
}

/// How the JSON of a review with the id 0 begins.
const WITH_ID_0: &str = r#"{"review_id":"0""#;

struct Bench {
    kafka: KafkaConfig,
    topics: Topics,
    /// A topic that no scorer reads.
    bare: String,
}

impl Bench {
    /// Topics of its own.
    fn new(brokers: &str, name: &str) -> Self {
        let id = format!("latency-{}-{name}", std::process::id());
        let topic = |role: &str| format!("{id}-{role}");
        let topics = Topics {
            reviews: topic("reviews"),
            predictions: topic("predictions"),
            feedback: topic("feedback"),
            models: topic("models"),
            drift: topic("drift"),
        };
        let kafka = KafkaConfig::new(brokers, &id);
        let dead_letters = Topics::dead_letters_of(&topics.reviews);
        let bare = topic("bare");
        let specs = [&topics.reviews, &topics.predictions, &topics.drift, &dead_letters, &bare].map(|name| TopicSpec {
            name: name.clone(),
            partitions: PARTITIONS,
            replication: 1,
            config: BTreeMap::new(),
        });
        create_topics(&kafka, &specs).expect("topics can be created");
        Self { kafka, topics, bare }
    }

    fn stream(&self, model: &ModelHandle, runtime: &Runtime, until_end: bool, health: &Health) -> Stream {
        Stream {
            kafka: self.kafka.clone(),
            topics: self.topics.clone(),
            // The defaults, see `src/default.toml`.
            config: StreamConfig {
                batch_max_records: 10_000,
                batch_max_bytes: 16 << 20,
                threads: 0,
                transaction_timeout_ms: 15_000,
                stall_timeout_ms: 60_000,
            },
            model: model.clone(),
            features: Features::none(),
            runtime: runtime.handle().clone(),
            until_end,
            health: health.component("stream"),
        }
    }

    fn highest_rate(&self, reviews: &[Vec<u8>], model: &ModelHandle, runtime: &Runtime) -> f64 {
        let producer = self.producer(f64::INFINITY);
        for i in 0..BACKLOG {
            self.send(&producer, &self.topics.reviews, i, &reviews[i % reviews.len()]);
        }
        producer.flush(Duration::from_secs(60)).expect("the broker takes the reviews");
        let stream = self.stream(model, runtime, true, &Health::new());
        let report: StreamReport = stream.run(&CancellationToken::new()).expect("the stream reaches the end");
        report.records_per_second
    }

    /// Latencies with a scorer between.
    fn scored(&self, reviews: &[Vec<u8>], rate: f64, model: &ModelHandle, runtime: &Runtime) -> Quantiles {
        let health = Health::new();
        let (stream, stop) = (self.stream(model, runtime, false, &health), CancellationToken::new());
        std::thread::scope(|scope| {
            let token = stop.clone();
            let scorer = scope.spawn(move || stream.run(&token));
            while !health.is_ready() {
                assert!(!scorer.is_finished(), "the scorer ended before it was ready");
                std::thread::park_timeout(Duration::from_millis(10));
            }
            let quantiles = self.measure(reviews, rate, &self.topics.reviews, &self.topics.predictions);
            stop.cancel();
            scorer.join().expect("the scorer does not panic").expect("the scorer ends well");
            quantiles
        })
    }

    /// Produces reviews at a rate into one topic, and reads the one in which they, or what came of them, appear.
    fn measure(&self, reviews: &[Vec<u8>], rate: f64, source: &str, topic: &str) -> Quantiles {
        let consumer: BaseConsumer = self.kafka.consumer("latency").create().expect("a consumer");
        let mut partitions = TopicPartitionList::new();
        for partition in 0..PARTITIONS {
            let (_, end) =
                consumer.fetch_watermarks(topic, partition, Duration::from_secs(10)).expect("the topic's end");
            partitions.add_partition_offset(topic, partition, Offset::Offset(end)).expect("an offset");
        }
        consumer.assign(&partitions).expect("partitions can be assigned");
        let records = (rate * SECONDS) as usize;
        let began = Instant::now() + Duration::from_secs(1);
        let due = |i: usize| began + Duration::from_secs_f64(i as f64 / rate);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let producer = self.producer(rate);
                for i in 0..records {
                    if Instant::now() < due(i) {
                        producer.poll(Duration::ZERO);
                        // Under load what is due comes in bursts: to wake for each record would take a core of its own.
                        let due_or_burst = due(i).max(Instant::now() + BURST);
                        while Instant::now() < due_or_burst {
                            std::thread::park_timeout(due_or_burst.saturating_duration_since(Instant::now()));
                        }
                    }
                    self.send(&producer, source, i, &reviews[i % reviews.len()]);
                }
                producer.flush(Duration::from_secs(60)).expect("the broker takes the reviews");
            });
            let mut latencies = Latencies::new();
            let mut seen = 0;
            while seen < records {
                let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
                let message = message.expect("the topic can be read");
                let key = std::str::from_utf8(message.key().expect("records have keys")).expect("keys are numbers");
                // From when it should have been produced: a producer that is held up hides nothing.
                latencies.push(due(key.parse().expect("keys are numbers")).elapsed());
                seen += 1;
            }
            latencies.quantiles().expect("records came")
        })
    }

    /// A producer that waits for more records before a request only where many are on their way, as librdkafka's own default
    /// has it.
    fn producer(&self, rate: f64) -> BaseProducer {
        let mut settings = self.kafka.producer();
        if rate > LONE_RATE {
            settings.set("linger.ms", "5");
        }
        settings.create().expect("a producer")
    }

    /// Sends the review as the one with the id `i`, by which its prediction is known again.
    fn send(&self, producer: &BaseProducer, topic: &str, i: usize, review: &[u8]) {
        let key = i.to_string();
        let value = [br#"{"review_id":""#, key.as_bytes(), b"\"", review].concat();
        let mut unsent = BaseRecord::to(topic).key(&key).payload(&value);
        while let Err((_, record)) = producer.send(unsent) {
            producer.poll(Duration::from_millis(10));
            unsent = record;
        }
    }
}
