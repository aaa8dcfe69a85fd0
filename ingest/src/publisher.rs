//! Records to Kafka: an idempotent producer whose queue is bounded, which waits when the queue is full, and which tells of
//! every record that the broker did not take. Order per key is kept.

use crate::Error;
use rdkafka::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer};
use schemas::{Feedback, Review, Topics};
use service::kafka::{Access, KafkaConfig};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// A record that no broker has taken within a minute is an error, not a hope. `[kafka.properties]` may say otherwise.
const MESSAGE_TIMEOUT: (&str, &str) = ("message.timeout.ms", "60000");

/// What became of a record that was handed to the producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It is on its way.
    Queued,
    /// It is larger than the client's `message.max.bytes` or than its whole queue, and was not sent.
    TooLarge,
}

/// Sends reviews and feedback.
pub struct Publisher {
    producer: ThreadedProducer<Deliveries>,
    progress: Arc<Progress>,
    topics: Topics,
    queued: u64,
}

impl Publisher {
    /// A producer for the topics `reviews` and `feedback`. Does not wait for the broker.
    pub fn new(kafka: &KafkaConfig, topics: &Topics) -> Result<Self, Error> {
        let mut config = kafka.producer();
        let (key, value) = MESSAGE_TIMEOUT;
        if !kafka.properties.contains_key(key) {
            config.set(key, value);
        }
        let progress = Arc::new(Progress::new(topics.reviews.clone()));
        let producer = config
            .create_with_context(Deliveries(Arc::clone(&progress)))
            .map_err(|source| service::kafka::Error::client("create a producer", source))?;
        Ok(Self { producer, progress, topics: topics.clone(), queued: 0 })
    }

    /// Sends a review, waiting while the queue is full.
    pub async fn send_review(&mut self, review: &Review) -> Result<Sent, Error> {
        let value = serde_json::to_vec(review).expect("a review is plain data");
        let topic = self.topics.reviews.clone();
        self.send(&topic, &review.review_id.0, &value).await
    }

    /// Sends a label, waiting while the queue is full.
    pub async fn send_feedback(&mut self, feedback: &Feedback) -> Result<Sent, Error> {
        let value = serde_json::to_vec(feedback).expect("feedback is plain data");
        let topic = self.topics.feedback.clone();
        self.send(&topic, &feedback.review_id.0, &value).await
    }

    /// Sends bytes as they are, waiting while the queue is full.
    pub async fn send(&mut self, topic: &str, key: &str, value: &[u8]) -> Result<Sent, Error> {
        let mut record = BaseRecord::to(topic).key(key).payload(value);
        loop {
            let place = self.progress.changed.notified();
            if self.progress.failed.load(Ordering::Relaxed) > 0 {
                return Err(self.failure().expect("a failure that is counted is also kept"));
            }
            match self.producer.send(record) {
                Ok(()) => {
                    self.queued += 1;
                    return Ok(Sent::Queued);
                }
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), refused)) => {
                    if self.producer.in_flight_count() == 0 {
                        return Ok(Sent::TooLarge);
                    }
                    record = refused;
                    // The deadline is for a delivery that came between the attempt and the wait.
                    let _ = tokio::time::timeout(Duration::from_millis(20), place).await;
                }
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::MessageSizeTooLarge), _)) => {
                    return Ok(Sent::TooLarge);
                }
                Err((source, _)) => {
                    return Err(Error::Send { topic: topic.to_owned(), reason: self.reason(topic, source) });
                }
            }
        }
    }

    /// Waits until the broker has answered for every record. Ends, because each record has a deadline.
    pub async fn flush(&self) -> Result<(), Error> {
        while self.progress.answered() < self.queued {
            let change = self.progress.changed.notified();
            let _ = tokio::time::timeout(Duration::from_millis(5), change).await;
        }
        match self.failure() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Reviews that the broker acknowledged.
    pub fn reviews_delivered(&self) -> u64 {
        self.progress.reviews.load(Ordering::Relaxed)
    }

    /// Labels that the broker acknowledged.
    pub fn feedback_delivered(&self) -> u64 {
        self.progress.others.load(Ordering::Relaxed)
    }

    /// Records that the broker refused because they are larger than their topic's `max.message.bytes`.
    pub fn refused_as_too_large(&self) -> u64 {
        self.progress.too_large.load(Ordering::Relaxed)
    }

    fn failure(&self) -> Option<Error> {
        let first = self.progress.first_error.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let acknowledged = self.reviews_delivered() + self.feedback_delivered();
        // What is too large was refused for certain.
        let unacknowledged = self.queued - acknowledged - self.refused_as_too_large();
        first.map(|(topic, source)| {
            let reason = self.reason(&topic, source);
            Error::Delivery { topic, reason, acknowledged, unacknowledged }
        })
    }

    /// Why a record was not taken. When the producer has broken down, its records' own errors don't say.
    fn reason(&self, topic: &str, source: KafkaError) -> Box<service::kafka::Error> {
        let source = self.producer.client().fatal_error().map_or(source, |(code, _)| KafkaError::Global(code));
        service::kafka::Error::refused_or_client("send a record", source, &[Access::write_topic(topic)]).into()
    }
}

/// What the broker has answered so far.
struct Progress {
    reviews_topic: String,
    reviews: AtomicU64,
    others: AtomicU64,
    too_large: AtomicU64,
    failed: AtomicU64,
    first_error: Mutex<Option<(String, KafkaError)>>,
    changed: Notify,
}

impl Progress {
    fn new(reviews_topic: String) -> Self {
        Self {
            reviews_topic,
            reviews: AtomicU64::new(0),
            others: AtomicU64::new(0),
            too_large: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            first_error: Mutex::new(None),
            changed: Notify::new(),
        }
    }

    fn answered(&self) -> u64 {
        [&self.reviews, &self.others, &self.too_large, &self.failed]
            .map(|count| count.load(Ordering::Relaxed))
            .iter()
            .sum()
    }
}

/// Receives librdkafka's delivery reports on the producer's own thread.
struct Deliveries(Arc<Progress>);

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let progress = &self.0;
        match result {
            Ok(message) if message.topic() == progress.reviews_topic => &progress.reviews,
            Ok(_) => &progress.others,
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::MessageSizeTooLarge), _)) => &progress.too_large,
            Err((error, message)) => {
                let mut first = progress.first_error.lock().unwrap_or_else(PoisonError::into_inner);
                first.get_or_insert_with(|| (message.topic().to_owned(), error.clone()));
                &progress.failed
            }
        }
        .fetch_add(1, Ordering::Relaxed);
        progress.changed.notify_waiters();
    }
}
