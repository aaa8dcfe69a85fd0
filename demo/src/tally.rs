//! The bookkeeping: reads every topic back, keeps the online features, joins predictions with labels, and counts one
//! outcome per source offset. It reads to the very end before it answers, so that a prediction too many is seen as surely
//! as one too few.

use crate::Error;
use crate::ledger::Ledger;
use crate::outcomes::Outcomes;
use crate::quality::Quality;
use feature_store::online::{MemoryStore, ReviewEntities, Update};
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
        let mut reader = Reader::of(&self)?;
        while !finish.is_cancelled() {
            reader.read()?;
        }
        let ends = reader.ends()?;
        reader.read_to(&ends, LAST_RECORDS)?;
        let of_reviews = ends.iter().filter(|(topic, ..)| *topic == self.topics.reviews);
        Ok(of_reviews.map(|(_, partition, end)| (partition, end.0)).collect())
    }
}

struct Reader<'a> {
    tally: &'a Tally,
    consumer: BaseConsumer,
    dead_letters: String,
    next: NextOffsets,
}

impl<'a> Reader<'a> {
    /// At the beginning of every topic.
    fn of(tally: &'a Tally) -> Result<Self, Error> {
        let dead_letters = Topics::dead_letters_of(&tally.topics.reviews);
        let topics = [tally.topics.reviews.as_str(), &tally.topics.predictions, &tally.topics.feedback, &dead_letters];
        let consumer: BaseConsumer =
            tally.kafka.consumer("tally").create().map_err(|source| failed("create a consumer", source))?;
        let mut next = NextOffsets::new();
        for topic in topics {
            (0..tally.partitions).for_each(|partition| next.set(topic, partition, NextOffset(0)));
        }
        consumer.assign(&next.to_list()?).map_err(|source| failed("assign partitions", source))?;
        Ok(Self { tally, consumer, dead_letters, next })
    }

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

    /// Reads until the topics have been read to `ends`.
    fn read_to(&mut self, ends: &NextOffsets, within: Duration) -> Result<(), Error> {
        let deadline = Instant::now() + within;
        while self.unread(ends) > 0 {
            if Instant::now() >= deadline {
                return Err(Error::Unread { records: self.unread(ends), seconds: within.as_secs() });
            }
            self.read()?;
        }
        Ok(())
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

    /// Records before `ends` that have not been read.
    fn unread(&self, ends: &NextOffsets) -> i64 {
        let next = |topic, partition| self.next.get(topic, partition).map_or(0, |next| next.0);
        ends.iter().map(|(topic, partition, end)| (end.0 - next(topic, partition)).max(0)).sum()
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
            let entities =
                ReviewEntities { product_id: review.product_id.as_deref(), user_id: review.user_id.as_deref() };
            let updates: Vec<_> = Update::of_rating(entities, rating, review.created_at, &source).collect();
            self.features.apply(&updates);
        }
        self.ledger.review_seen(&review.review_id.0);
    }

    fn prediction(&self, prediction: Prediction) {
        let mut counts = self.counts.lock();
        counts.predictions += 1;
        // Of a record elsewhere it settles nothing: the review it should be of will be missed.
        if prediction.source.topic != self.topics.reviews {
            return;
        }
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
        let header = |name| headers::text(message.headers()?, name);
        let topic = header("__streams.errors.topic").filter(|topic| *topic == self.topics.reviews);
        let partition = header("__streams.errors.partition").and_then(|partition| partition.parse().ok());
        let offset = header("__streams.errors.offset").and_then(|offset| offset.parse().ok());
        let is_first = match (topic, partition, offset) {
            (Some(_), Some(partition), Some(offset)) => counts.outcomes.record(partition, offset),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Report;
    use crate::ledger::{Departure, LIMIT_BYTES};
    use crate::report::NotExactlyOnce;
    use feature_store::views::FeaturesConfig;
    use schemas::{FeaturesStatus, ModelRef, ModelVersion, ReviewId, Timestamp};
    use service::kafka::EmbeddedBroker;

    fn tally() -> Tally {
        let name = str::to_owned;
        Tally {
            kafka: KafkaConfig::new("127.0.0.1:1", "test"),
            topics: Topics {
                reviews: name("reviews"),
                predictions: name("predictions"),
                feedback: name("feedback"),
                models: name("models"),
                drift: name("drift"),
            },
            partitions: 1,
            ledger: Arc::new(Ledger::new(LIMIT_BYTES)),
            counts: Counts::new(Quality::of_all()),
            features: MemoryStore::new(&FeaturesConfig::default().parse().unwrap()),
        }
    }

    fn prediction(review_id: &str, offset: i64) -> Prediction {
        Prediction {
            review_id: ReviewId(review_id.to_owned()),
            sentiment: "positive".to_owned(),
            confidence: 0.9,
            probability: 0.9,
            model: ModelRef { name: "m".parse().unwrap(), version: ModelVersion(1), update: 0 },
            features: BTreeMap::new(),
            features_status: FeaturesStatus::None,
            source: Source { topic: "reviews".to_owned(), partition: 0, offset },
            created_at: Timestamp::now(),
            scored_at: Timestamp::now(),
        }
    }

    /// A tally after the labelled reviews `a` and `b` have been sent and read back, at offsets 0 and 1.
    async fn tally_of_two() -> Tally {
        let tally = tally();
        for review_id in ["a", "b"] {
            let departure = Departure { review_id, record_bytes: 1, is_labelled: true, excerpt: String::new() };
            tally.ledger.admit(departure).await;
            tally.ledger.review_seen(review_id);
        }
        tally
    }

    /// The verdict on two reviews sent, in a topic of `end` records.
    fn verdict(tally: &Tally, end: i64) -> Result<(), NotExactlyOnce> {
        let ends = BTreeMap::from([(0, end)]);
        Report::of_books(2, &tally.counts.lock(), tally.ledger.records(), &ends).exactly_once()
    }

    fn label_both(tally: &Tally) {
        tally.label("a", Label::Positive);
        tally.label("b", Label::Negative);
    }

    #[tokio::test]
    async fn one_prediction_and_one_label_each_is_proof() {
        let tally = tally_of_two().await;
        tally.prediction(prediction("a", 0));
        tally.prediction(prediction("b", 1));
        label_both(&tally);
        assert_eq!(verdict(&tally, 2), Ok(()));
    }

    #[tokio::test]
    async fn a_prediction_under_another_id_is_no_proof() {
        for forged in ["stranger", "a"] {
            let tally = tally_of_two().await;
            tally.prediction(prediction("a", 0));
            tally.prediction(prediction(forged, 1));
            label_both(&tally);
            let error = verdict(&tally, 2).unwrap_err();
            assert_eq!((error.unsettled, error.missing, error.duplicates), (1, 0, 0), "{forged}");
        }
    }

    #[tokio::test]
    async fn a_lost_label_is_no_proof() {
        let tally = tally_of_two().await;
        tally.prediction(prediction("a", 0));
        tally.prediction(prediction("b", 1));
        tally.label("a", Label::Positive);
        assert_eq!(verdict(&tally, 2).unwrap_err().unsettled, 1);
    }

    #[tokio::test]
    async fn a_review_that_stands_in_its_topic_twice_is_no_proof() {
        let tally = tally_of_two().await;
        for (review_id, offset) in [("a", 0), ("b", 1), ("b", 2)] {
            tally.prediction(prediction(review_id, offset));
        }
        label_both(&tally);
        let error = verdict(&tally, 3).unwrap_err();
        assert_eq!((error.records, error.predictions), (2, 3));
        assert_eq!((error.unsettled, error.missing, error.duplicates), (0, 0, 0));
    }

    #[tokio::test]
    async fn a_prediction_of_another_topic_is_no_outcome() {
        let tally = tally_of_two().await;
        tally.prediction(prediction("a", 0));
        let mut elsewhere = prediction("b", 1);
        elsewhere.source.topic = "elsewhere".to_owned();
        tally.prediction(elsewhere);
        label_both(&tally);
        let error = verdict(&tally, 2).unwrap_err();
        assert_eq!((error.missing, error.unsettled), (1, 1));
    }

    #[test]
    fn last_records_that_do_not_come_are_an_error() {
        let topics = ["reviews", "predictions", "feedback", "reviews.dlq"].map(|name| (name, 1));
        let broker = EmbeddedBroker::start(&topics).unwrap();
        let tally = Tally { kafka: broker.config("test"), ..tally() };
        let mut reader = Reader::of(&tally).unwrap();
        let ends = reader.ends().unwrap();
        reader.read_to(&ends, Duration::from_secs(1)).unwrap();

        let mut beyond = ends;
        beyond.set("predictions", 0, NextOffset(3));
        let error = reader.read_to(&beyond, Duration::from_secs(1)).unwrap_err().to_string();
        assert!(error.starts_with("3 of the last records could not be read back within 1 s"), "{error}");
    }
}
