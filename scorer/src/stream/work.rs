//! Decoding and scoring a batch, on all cores. Where there is an online store, it is asked for a batch's features while the
//! batch before is scored.

use super::asked::Asked;
use super::batch::{Batch, Taken};
use super::dead_letter::{DeadLetter, DeadLetterCause};
use super::pipeline::spawn;
use crate::features::Features;
use crate::inputs::FeatureColumns;
use crate::{LoadedModel, ModelHandle, score};
use feature_store::online::Features as ReviewFeatures;
use feature_store::views::FeatureNames;
use model::{Document, Scratch};
use rdkafka::Message;
use rdkafka::message::BorrowedMessage;
use schemas::{Label, PredictionEncoder, PredictionParts, Review, Timestamp};
use std::borrow::Borrow;
use std::cell::RefCell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};
use tokio::runtime::Handle;

/// A smaller share is not worth a thread.
const MIN_SHARE: usize = 64;

/// What a prediction and its key take, more or less.
const PREDICTION_BYTES: usize = 400;

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
    /// In the order of the records.
    pub(super) shares: Vec<Share>,
}

/// What became of records in a row.
pub(super) struct Share {
    pub(super) outcomes: Vec<Outcome>,
    /// The keys and values of all predictions: a buffer for each would be made by one thread and freed by another.
    bytes: Vec<u8>,
}

/// What becomes of a record: exactly one of these.
pub(super) enum Outcome {
    Prediction(Ready),
    DeadLetter(DeadLetter),
}

/// A prediction as it goes out. Its key and value stand in its share's bytes, one behind the other.
pub(super) struct Ready {
    key: usize,
    value: usize,
    end: usize,
    pub(super) traceparent: Option<String>,
    pub(super) label: Label,
    /// The probability with the label that the review's own rating says, where that is wanted.
    pub(super) labelled: Option<(f64, Label)>,
}

impl Ready {
    pub(super) fn key(&self) -> Range<usize> {
        self.key..self.value
    }

    pub(super) fn value(&self) -> Range<usize> {
        self.value..self.end
    }

    /// How many bytes the two have.
    pub(super) fn bytes(&self) -> usize {
        self.end - self.key
    }
}

impl<'c> ScoredBatch<'c> {
    fn new(batch: Batch<'c>, shares: Vec<Share>) -> Self {
        let outcomes: usize = shares.iter().map(|share| share.outcomes.len()).sum();
        assert_eq!(outcomes, batch.records.len(), "each record has an outcome");
        Self { batch, shares }
    }

    /// What became of each record, in their order, with the bytes of its share.
    pub(super) fn outcomes(&self) -> impl Iterator<Item = (&Outcome, &[u8])> {
        self.shares.iter().flat_map(|share| share.outcomes.iter().map(|outcome| (outcome, &share.bytes[..])))
    }
}

/// What holds for a whole batch.
struct Making<'a> {
    model: &'a LoadedModel,
    columns: FeatureColumns,
    encoder: PredictionEncoder,
}

impl<'a> Making<'a> {
    fn new(model: &'a LoadedModel, names: &FeatureNames, topic: &str) -> Self {
        let encoder = PredictionEncoder::new(&model.reference, topic);
        Self { model, columns: model.inputs.columns(names), encoder }
    }
}

impl Worker {
    /// Scores batches as they come, until no more do or nobody takes them.
    pub(super) fn run<'c>(&self, batches: &Receiver<Batch<'c>>, scored: &SyncSender<ScoredBatch<'c>>) {
        if !self.features.has_store() {
            batches.iter().map(|batch| self.score(batch)).find_map(|batch| scored.send(batch).err());
            return;
        }
        let mut awaiting: Option<(Batch<'c>, Asked)> = None;
        loop {
            // The one that waits for its features is scored when the next one waits for its own, or when there is none.
            let next = match awaiting {
                None => batches.recv().map_err(|_| TryRecvError::Disconnected),
                Some(_) => batches.try_recv(),
            };
            let ready = match next {
                Ok(batch) => awaiting.replace(self.look_up(batch)),
                Err(TryRecvError::Disconnected) if awaiting.is_none() => return,
                Err(_) => awaiting.take(),
            };
            if ready.is_some_and(|(batch, asked)| scored.send(self.score_with(batch, asked)).is_err()) {
                return;
            }
        }
    }

    /// Decodes a batch, and asks for its features.
    fn look_up<'c>(&self, batch: Batch<'c>) -> (Batch<'c>, Asked) {
        let decoded = self.in_shares(&batch.records, |_, records| records.iter().map(decoded).collect::<Vec<_>>());
        let asked = Asked::new(&self.features, &self.runtime, decoded.into_iter().flatten().collect());
        (batch, asked)
    }

    /// One outcome per record, in the records' order, all by the same model.
    fn score_with<'c>(&self, batch: Batch<'c>, asked: Asked) -> ScoredBatch<'c> {
        let (decoded, features) = asked.wait(&self.runtime);
        let model = self.model.current();
        let making = Making::new(&model, features.names(), &self.topic);
        let shares = self.in_shares(&batch.records, |start, records| {
            let given = decoded.iter().zip(features.iter()).skip(start);
            self.share(&making, records.iter().zip(given).map(|(taken, (review, found))| (taken, review, found)))
        });
        ScoredBatch::new(batch, shares)
    }

    /// The same without an online store.
    fn score<'c>(&self, batch: Batch<'c>) -> ScoredBatch<'c> {
        let model = self.model.current();
        let making = Making::new(&model, &FeatureNames::default(), &self.topic);
        let shares = self.in_shares(&batch.records, |_, records| {
            self.share(&making, records.iter().map(|taken| (taken, decoded(taken), ReviewFeatures::NONE)))
        });
        ScoredBatch::new(batch, shares)
    }

    /// Applies `each` to the records in as many shares as are worth a thread of their own; it is told where its share begins.
    fn in_shares<T: Send>(&self, records: &[Taken<'_>], each: impl Fn(usize, &[Taken<'_>]) -> T + Sync) -> Vec<T> {
        let size = records.len().div_ceil(self.threads).max(MIN_SHARE);
        if records.len() <= size {
            return vec![each(0, records)];
        }
        std::thread::scope(|scope| {
            let each = &each;
            let (first, rest) = records.split_at(size);
            let others: Vec<_> = rest
                .chunks(size)
                .enumerate()
                .map(|(i, records)| spawn(scope, &format!("scoring {}", i + 1), move || each((i + 1) * size, records)))
                .collect();
            let mut all = vec![each(0, first)];
            all.extend(
                others.into_iter().map(|other| other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))),
            );
            all
        })
    }

    fn share<'t>(
        &self,
        making: &Making<'_>,
        records: impl ExactSizeIterator<Item = (&'t Taken<'t>, impl Borrow<Decoded>, ReviewFeatures<'t>)>,
    ) -> Share {
        let mut bytes = Vec::with_capacity(records.len() * PREDICTION_BYTES);
        let outcomes = records
            .map(|(taken, decoded, features)| self.outcome(making, taken, decoded.borrow(), features, &mut bytes))
            .collect();
        Share { outcomes, bytes }
    }

    fn outcome(
        &self,
        making: &Making<'_>,
        taken: &Taken<'_>,
        decoded: &Decoded,
        features: ReviewFeatures<'_>,
        bytes: &mut Vec<u8>,
    ) -> Outcome {
        let review = match decoded {
            Ok(review) => review,
            Err((cause, message)) => return dead(&taken.message, *cause, message),
        };
        unless_it_panics(bytes, |bytes| {
            Outcome::Prediction(self.predict(making, &taken.message, review, features, bytes))
        })
        .unwrap_or_else(|| dead(&taken.message, DeadLetterCause::Panic, "scoring the review panicked"))
    }

    /// Appends the prediction's key and value to `bytes`.
    fn predict(
        &self,
        making: &Making<'_>,
        message: &BorrowedMessage<'_>,
        review: &Review,
        features: ReviewFeatures<'_>,
        bytes: &mut Vec<u8>,
    ) -> Ready {
        thread_local!(static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::new()));
        let span = super::report::process_span(message, &self.topic);
        let _entered = span.as_ref().map(|(span, _)| span.enter());
        let values = making.model.inputs.values_of(features, &making.columns);
        let document = Document { title: review.title.as_deref(), text: &review.text, features: &values };
        let scored = SCRATCH.with_borrow_mut(|scratch| score(making.model, &document, scratch));
        let key = bytes.len();
        bytes.extend_from_slice(review.review_id.0.as_bytes());
        let value = bytes.len();
        let parts = PredictionParts {
            review_id: &review.review_id,
            sentiment: scored.sentiment,
            confidence: scored.confidence,
            probability: scored.probability,
            features,
            features_status: features.status,
            partition: message.partition(),
            offset: message.offset(),
            created_at: review.created_at,
            scored_at: Timestamp::now(),
        };
        making.encoder.encode(&parts, bytes);
        let label = review.rating.and_then(|rating| rating.label()).filter(|_| self.keep_labels);
        Ready {
            key,
            value,
            end: bytes.len(),
            traceparent: span
                .as_ref()
                .and_then(|(span, incoming)| service::telemetry::propagation::outgoing(span, Some(incoming))),
            label: scored.label,
            labelled: label.map(|label| (scored.probability, label)),
        }
    }
}

/// What `make` makes; where it panics, nothing of it, not even what it has appended: a record that makes scoring panic is one
/// record's trouble, and neither its batch's nor its partition's.
fn unless_it_panics<T>(bytes: &mut Vec<u8>, make: impl FnOnce(&mut Vec<u8>) -> T) -> Option<T> {
    let before = bytes.len();
    let made = catch_unwind(AssertUnwindSafe(|| make(bytes)));
    made.inspect_err(|_| bytes.truncate(before)).ok()
}

/// A review, or why there is none.
pub(super) type Decoded = Result<Review, (DeadLetterCause, String)>;

fn decoded(taken: &Taken<'_>) -> Decoded {
    let bytes = taken.message.payload().unwrap_or_default();
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
    Outcome::DeadLetter(DeadLetter::new(cause, reason.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_panics_leaves_nothing_of_itself_between_its_neighbours() {
        let mut bytes = Vec::new();
        assert_eq!(unless_it_panics(&mut bytes, |bytes| bytes.extend(b"before")), Some(()));
        let poisoned: Option<()> = unless_it_panics(&mut bytes, |bytes| {
            bytes.extend(b"half a prediction");
            panic!("a poison record")
        });
        assert_eq!(poisoned, None);
        assert_eq!(unless_it_panics(&mut bytes, |bytes| bytes.extend(b", behind")), Some(()));
        assert_eq!(bytes, b"before, behind");
    }
}
