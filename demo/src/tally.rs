//! The bookkeeping: reads every topic back, keeps the online features, joins predictions with labels, and counts one
//! outcome per source offset. It reads to the very end before it answers, so that a prediction too many is seen as surely
//! as one too few.

use crate::Error;
use crate::ledger::Ledger;
use crate::outcomes::Outcomes;
use crate::quality::Quality;
use feature_store::online::{Entity, MemoryStore, RatingUpdate};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{BorrowedMessage, Message};
use schemas::{Feedback, Label, Prediction, Review, Source, Topics};
use service::kafka::{ErrorKind, KafkaConfig, NextOffset, NextOffsets, headers};
use service::latency::Latencies;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

const POLL: Duration = Duration::from_millis(20);

/// How long the last records may take to be read, once everything else has stopped.
const LAST_RECORDS: Duration = Duration::from_secs(20);

/// Latest predictions that are kept for the screen.
const LATEST: usize = 8;

/// What was counted so far. Clones share it.
#[derive(Clone)]
pub(crate) struct Counts(Arc<Mutex<State>>);

/// The counts themselves.
pub(crate) struct State {
    pub(crate) predictions: u64,
    pub(crate) dead_letters: u64,
    pub(crate) outcomes: Outcomes,
    pub(crate) latencies: Latencies,
    pub(crate) quality: Quality,
    pub(crate) latest: VecDeque<Latest>,
}

/// A prediction as the screen shows it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Latest {
    pub(crate) sentiment: String,
    pub(crate) confidence: f64,
    pub(crate) excerpt: String,
}

impl Counts {
    pub(crate) fn new(quality: Quality) -> Self {
        Self(Arc::new(Mutex::new(State {
            predictions: 0,
            dead_letters: 0,
            outcomes: Outcomes::default(),
            latencies: Latencies::new(),
            quality,
            latest: VecDeque::with_capacity(LATEST),
        })))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that runs under the lock leaves it half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the tally works with.
pub(crate) struct Tally {
    pub(crate) kafka: KafkaConfig,
    pub(crate) topics: Topics,
    /// Of each topic.
    pub(crate) partitions: i32,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) counts: Counts,
    pub(crate) features: MemoryStore,
}

impl Tally {
    /// Reads until `finish` is cancelled, and then on to the ends that the topics have at that moment; answers how many
    /// reviews each partition has got. Blocks.
    pub(crate) fn run(self, finish: &CancellationToken) -> Result<BTreeMap<i32, i64>, Error> {
        let dead_letters = Topics::dead_letters_of(&self.topics.reviews);
        let topics = [self.topics.reviews.as_str(), &self.topics.predictions, &self.topics.feedback, &dead_letters];
        let consumer: BaseConsumer =
            self.kafka.consumer("tally").create().map_err(|source| failed("create a consumer", source))?;
        let mut next = NextOffsets::new();
        for topic in topics {
            (0..self.partitions).for_each(|partition| next.set(topic, partition, NextOffset(0)));
        }
        consumer.assign(&next.to_list()?).map_err(|source| failed("assign partitions", source))?;

        let mut reader = Reader { tally: &self, consumer, dead_letters: &dead_letters, next };
        while !finish.is_cancelled() {
            reader.read()?;
        }
        let ends = reader.ends()?;
        let deadline = Instant::now() + LAST_RECORDS;
        while !reader.is_at(&ends) && Instant::now() < deadline {
            reader.read()?;
        }
        let of_reviews = ends.iter().filter(|(topic, ..)| *topic == self.topics.reviews);
        Ok(of_reviews.map(|(_, partition, end)| (partition, end.0)).collect())
    }
}

struct Reader<'a> {
    tally: &'a Tally,
    consumer: BaseConsumer,
    dead_letters: &'a str,
    next: NextOffsets,
}

impl Reader<'_> {
    /// Reads a record, if one comes soon.
    fn read(&mut self) -> Result<(), Error> {
        match self.consumer.poll(POLL) {
            None => Ok(()),
            Some(Ok(message)) => {
                self.next.set(message.topic(), message.partition(), NextOffset::after(message.offset()));
                self.take(&message)
            }
            Some(Err(source)) => {
                let error = service::kafka::Error::client("read the topics back", source);
                if error.kind() == ErrorKind::Retry { Ok(()) } else { Err(error.into()) }
            }
        }
    }

    /// Where the topics end now.
    fn ends(&self) -> Result<NextOffsets, Error> {
        let mut ends = NextOffsets::new();
        for (topic, partition, _) in self.next.iter() {
            let watermarks = self.consumer.fetch_watermarks(topic, partition, LAST_RECORDS);
            let (_, end) = watermarks.map_err(|source| failed("ask where a topic ends", source))?;
            ends.set(topic, partition, NextOffset(end));
        }
        Ok(ends)
    }

    fn is_at(&self, end: &NextOffsets) -> bool {
        end.iter().all(|(topic, partition, end)| self.next.get(topic, partition).is_some_and(|next| next >= end))
    }

    fn take(&self, message: &BorrowedMessage<'_>) -> Result<(), Error> {
        let payload = message.payload().unwrap_or_default();
        let topics = &self.tally.topics;
        let unreadable = |error| Error::Record {
            topic: message.topic().to_owned(),
            partition: message.partition(),
            offset: message.offset(),
            error,
        };
        if message.topic() == topics.reviews {
            // What cannot be read here becomes a dead letter, and is counted as such.
            if let Ok(review) = Review::decode(payload) {
                self.tally.review(&review, message);
            }
            Ok(())
        } else if message.topic() == topics.predictions {
            self.tally.prediction(Prediction::decode(payload).map_err(unreadable)?);
            Ok(())
        } else if message.topic() == self.dead_letters {
            self.tally.dead_letter(message);
            Ok(())
        } else {
            let feedback = Feedback::decode(payload).map_err(unreadable)?;
            self.tally.label(&feedback.review_id.0, feedback.label);
            Ok(())
        }
    }
}

impl Tally {
    /// Its rating goes to the features of its product and its user.
    fn review(&self, review: &Review, message: &BorrowedMessage<'_>) {
        if let Some(rating) = review.rating {
            let source =
                Source { topic: message.topic().to_owned(), partition: message.partition(), offset: message.offset() };
            let product = review.product_id.as_deref().map(Entity::product);
            let user = review.user_id.as_deref().map(Entity::user);
            let update = |entity| RatingUpdate { entity, rating, event_time: review.created_at, source: &source };
            let updates: Vec<RatingUpdate<'_>> = product.into_iter().chain(user).map(update).collect();
            self.features.apply(&updates);
        }
        self.ledger.review_seen(&review.review_id.0);
    }

    fn prediction(&self, prediction: Prediction) {
        let mut counts = self.counts.lock();
        counts.predictions += 1;
        if !counts.outcomes.record(prediction.source.partition, prediction.source.offset) {
            return;
        }
        let arrival = self.ledger.prediction_seen(&prediction.review_id.0, prediction.probability);
        if let Some(latency) = arrival.latency {
            counts.latencies.push(latency);
        }
        if let Some(judged) = arrival.judged {
            counts.quality.push(judged);
        }
        if counts.latest.len() == LATEST {
            counts.latest.pop_back();
        }
        let Prediction { sentiment, confidence, .. } = prediction;
        counts.latest.push_front(Latest { sentiment, confidence, excerpt: arrival.excerpt });
    }

    fn dead_letter(&self, message: &BorrowedMessage<'_>) {
        let mut counts = self.counts.lock();
        counts.dead_letters += 1;
        let place = |name| headers::text(message.headers()?, name)?.parse::<i64>().ok();
        let (partition, offset) = (place("__streams.errors.partition"), place("__streams.errors.offset"));
        let is_first = match (partition.and_then(|partition| i32::try_from(partition).ok()), offset) {
            (Some(partition), Some(offset)) => counts.outcomes.record(partition, offset),
            // Without its source it settles nothing: the record it stands for will be missed.
            _ => false,
        };
        if let (true, Some(review_id)) = (is_first, message.key().and_then(|key| std::str::from_utf8(key).ok())) {
            self.ledger.dead_letter_seen(review_id);
        }
    }

    fn label(&self, review_id: &str, label: Label) {
        if let Some(judged) = self.ledger.label_seen(review_id, label) {
            self.counts.lock().quality.push(judged);
        }
    }
}

fn failed(action: &'static str, source: rdkafka::error::KafkaError) -> Error {
    service::kafka::Error::client(action, source).into()
}
