//! Decoding and scoring a batch, on all cores.

use super::dead_letter::{DeadLetter, DeadLetterCause};
use super::intake::{Batch, Taken};
use crate::features::{EntityFeatures, Features};
use crate::{LoadedModel, ModelHandle, score};
use model::{Document, Scratch};
use rdkafka::Message;
use rdkafka::message::BorrowedMessage;
use schemas::{Label, Prediction, Review, Source, Timestamp};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tokio::runtime::Handle;

/// A smaller share is not worth a thread.
const MIN_SHARE: usize = 64;

/// Most predictions are written without growing their buffer.
const PREDICTION_BYTES: usize = 512;

pub(super) struct Worker {
    pub(super) model: ModelHandle,
    pub(super) features: Features,
    pub(super) runtime: Handle,
    pub(super) topic: String,
    pub(super) threads: usize,
    pub(super) keep_labels: bool,
}

/// A batch with what is to be published for each of its records.
pub(super) struct ScoredBatch<'c> {
    pub(super) batch: Batch<'c>,
    pub(super) outcomes: Vec<Outcome>,
}

/// What becomes of a record: exactly one of these.
pub(super) enum Outcome {
    Prediction(Ready),
    DeadLetter(DeadLetter),
}

/// A prediction as it goes out.
pub(super) struct Ready {
    pub(super) key: String,
    pub(super) value: Vec<u8>,
    pub(super) traceparent: Option<String>,
    pub(super) label: Label,
    /// The probability with the label that the review's own rating says, where that is wanted.
    pub(super) labelled: Option<(f64, Label)>,
}

impl Worker {
    /// One outcome per record, in the records' order, all by the same model.
    pub(super) fn score<'c>(&self, batch: Batch<'c>) -> ScoredBatch<'c> {
        let model = self.model.current();
        let decode = |taken: &Taken<'_>| decode(taken.message.payload().unwrap_or_default());
        let outcomes = if self.features.has_store() {
            let decoded = self.in_shares(&batch.records, |_, taken| decode(taken));
            let features = self.read_features(&decoded);
            self.in_shares(&batch.records, |i, taken| self.outcome(&model, taken, &decoded[i], &features[i]))
        } else {
            let none = EntityFeatures::default();
            self.in_shares(&batch.records, |_, taken| self.outcome(&model, taken, &decode(taken), &none))
        };
        ScoredBatch { batch, outcomes }
    }

    /// Applies `each` to every record, with its place, on as many threads as are worth it.
    fn in_shares<T: Send>(&self, records: &[Taken<'_>], each: impl Fn(usize, &Taken<'_>) -> T + Sync) -> Vec<T> {
        let share = records.len().div_ceil(self.threads).max(MIN_SHARE);
        let apply = |start: usize, records: &[Taken<'_>]| {
            records.iter().enumerate().map(|(i, taken)| each(start + i, taken)).collect::<Vec<T>>()
        };
        if records.len() <= share {
            return apply(0, records);
        }
        std::thread::scope(|scope| {
            let apply = &apply;
            let (first, rest) = records.split_at(share);
            let others: Vec<_> = rest
                .chunks(share)
                .enumerate()
                .map(|(i, records)| scope.spawn(move || apply((i + 1) * share, records)))
                .collect();
            let mut all = apply(0, first);
            for other in others {
                all.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            all
        })
    }

    /// The features of the whole batch in one round trip.
    fn read_features(&self, decoded: &[Decoded]) -> Vec<EntityFeatures> {
        let entities: Vec<(Option<&str>, Option<&str>)> = decoded
            .iter()
            .map(|review| match review {
                Ok(review) => (review.product_id.as_deref(), review.user_id.as_deref()),
                Err(_) => (None, None),
            })
            .collect();
        self.runtime.block_on(self.features.read(&entities))
    }

    fn outcome(&self, model: &LoadedModel, taken: &Taken<'_>, decoded: &Decoded, features: &EntityFeatures) -> Outcome {
        let review = match decoded {
            Ok(review) => review,
            Err((cause, message)) => return dead(&taken.message, *cause, message),
        };
        // A record that makes scoring panic is one record's trouble, not its partition's.
        catch_unwind(AssertUnwindSafe(|| Outcome::Prediction(self.predict(model, &taken.message, review, features))))
            .unwrap_or_else(|_| dead(&taken.message, DeadLetterCause::Panic, "scoring the review panicked"))
    }

    fn predict(
        &self,
        model: &LoadedModel,
        message: &BorrowedMessage<'_>,
        review: &Review,
        features: &EntityFeatures,
    ) -> Ready {
        thread_local!(static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::new()));
        let span = super::report::process_span(message, &self.topic);
        let _entered = span.as_ref().map(|(span, _)| span.enter());
        let document = Document { title: review.title.as_deref(), text: &review.text, features: &[] };
        let scored = SCRATCH.with_borrow_mut(|scratch| score(model, &document, scratch));
        let prediction = Prediction {
            review_id: review.review_id.clone(),
            sentiment: scored.sentiment.to_owned(),
            confidence: scored.confidence,
            probability: scored.probability,
            model: model.reference.clone(),
            features: features.values.clone(),
            features_status: features.status,
            source: Source { topic: self.topic.clone(), partition: message.partition(), offset: message.offset() },
            created_at: review.created_at,
            scored_at: Timestamp::now(),
        };
        let mut value = Vec::with_capacity(PREDICTION_BYTES);
        serde_json::to_writer(&mut value, &prediction).expect("a prediction has string keys");
        let label = review.rating.and_then(|rating| rating.label()).filter(|_| self.keep_labels);
        Ready {
            key: prediction.review_id.0,
            value,
            traceparent: span
                .as_ref()
                .and_then(|(span, incoming)| service::telemetry::propagation::outgoing(span, Some(incoming))),
            label: scored.label,
            labelled: label.map(|label| (scored.probability, label)),
        }
    }
}

/// A review, or why there is none.
type Decoded = Result<Review, (DeadLetterCause, String)>;

fn decode(bytes: &[u8]) -> Decoded {
    match catch_unwind(|| Review::decode(bytes)) {
        Ok(decoded) => decoded.map_err(|error| (DeadLetterCause::Decode(error.cause), error.message)),
        Err(_) => Err((DeadLetterCause::Panic, "decoding the review panicked".to_owned())),
    }
}

fn dead(message: &BorrowedMessage<'_>, cause: DeadLetterCause, reason: &str) -> Outcome {
    tracing::debug!(
        messaging.destination.partition.id = message.partition(),
        messaging.kafka.offset = message.offset(),
        "cannot score the record at {}/{}@{}: {reason}",
        message.topic(),
        message.partition(),
        message.offset()
    );
    Outcome::DeadLetter(DeadLetter { cause, message: reason.to_owned() })
}
