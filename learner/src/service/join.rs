//! A label finds what was scored: the review by its id, and the features as they were then. What a label comes to depends on
//! the records and on their order, never on the clock: time is that of the records.

use super::cache::Cache;
use super::learned::{Learned, Standing};
use super::record::{Label, Record, Scored, Value};
use super::tally::{Outcome, Outcomes};
use super::waiting::Waiting;
use crate::config::{JoinConfig, LearnConfig};
use crate::learner::{Example, Learner};
use model::{Document, Scratch};
use schemas::{DecodeError, Feedback, Review, ReviewId};

/// A label that cannot be learned from, and why.
#[derive(Debug)]
pub(super) struct DeadLabel {
    pub(super) label: Label,
    pub(super) cause: &'static str,
    pub(super) message: String,
    /// Whether it cannot even be read.
    pub(super) is_unreadable: bool,
}

/// What came of records: to be told when it is committed.
#[derive(Debug, Default)]
pub(super) struct Effects {
    pub(super) outcomes: Outcomes,
    pub(super) dead: Vec<DeadLabel>,
    pub(super) dead_bytes: usize,
}

pub(super) struct Join {
    pub(super) config: JoinConfig,
    pub(super) reviews: Cache<Review>,
    pub(super) scored: Cache<Vec<(String, f64)>>,
    pub(super) waiting: Waiting,
    pub(super) learned: Learned,
    /// The latest time of a record so far.
    pub(super) now_millis: i64,
    /// Of one document, used again and again.
    scratch: Scratch,
    values: Vec<f64>,
}

const UNKNOWN_REVIEW: &str = "unknown_review";
const FROM_THE_FUTURE: &str = "from_the_future";
const DUPLICATE: &str = "duplicate";

impl Join {
    pub(super) fn new(config: &LearnConfig) -> Self {
        let LearnConfig { join, conflicts, .. } = config;
        // Features are a small part of what a review takes.
        let (records, bytes) = (join.reviews_max_records, join.reviews_max_bytes / 4);
        Self {
            config: *join,
            reviews: Cache::new(records, bytes * 3),
            scored: Cache::new(records, bytes),
            waiting: Waiting::default(),
            learned: Learned::new(*conflicts, join.learned_max_records),
            now_millis: i64::MIN,
            scratch: Scratch::default(),
            values: Vec::new(),
        }
    }

    /// The topics have so many partitions.
    pub(super) fn share(&mut self, reviews: usize, predictions: usize) {
        self.reviews.share(reviews);
        self.scored.share(predictions);
    }

    /// Only takes note of what was scored, for labels to come.
    pub(super) fn remember(&mut self, record: Record) -> Option<ReviewId> {
        let Record { partition, offset, bytes, value, .. } = record;
        let id = match value {
            Value::Review(review) => {
                let id = review.review_id.clone();
                self.reviews.insert(partition, offset, &id.0, *review, bytes);
                id
            }
            Value::Prediction(scored) => {
                let Scored { review_id, features } = *scored;
                self.scored.insert(partition, offset, &review_id.0, features, bytes);
                review_id
            }
            Value::Label(_) | Value::Unreadable => return None,
        };
        Some(id)
    }

    /// Takes the next record in; learns from the labels that it is or that waited for it. `at_millis` is when the round began.
    pub(super) fn take(&mut self, record: Record, at_millis: i64, learner: &mut Learner, effects: &mut Effects) {
        let latest = at_millis.saturating_add(self.future_millis());
        // A record that claims to be of later would end the wait of all.
        if record.millis <= latest {
            self.now_millis = self.now_millis.max(record.millis);
        }
        match record.value {
            Value::Label(label) => self.receive(*label, latest, learner, effects),
            _ => {
                if let Some(id) = self.remember(record) {
                    for (label, until_millis) in self.waiting.take(&id.0) {
                        self.settle(label, Some(until_millis), learner, effects);
                    }
                }
            }
        }
        while let Some(label) = self.waiting.give_up(self.now_millis, self.config.waiting_max_records) {
            self.settle(label, None, learner, effects);
        }
    }

    fn future_millis(&self) -> i64 {
        i64::try_from(self.config.future_seconds.saturating_mul(1000)).unwrap_or(i64::MAX)
    }

    fn receive(&mut self, label: Label, latest: i64, learner: &mut Learner, effects: &mut Effects) {
        let feedback = match &label.feedback {
            Ok(feedback) => feedback,
            Err(DecodeError { cause, message, .. }) => {
                let (cause, message) = (cause.as_str(), message.clone());
                return effects.bury(DeadLabel { label, cause, message, is_unreadable: true });
            }
        };
        let (created, sent) = (feedback.created_at.epoch_millis(), label.millis);
        let latest = if sent > 0 { latest.min(sent.saturating_add(self.future_millis())) } else { latest };
        if created > latest || sent > latest {
            let message = format!("it is dated {}, later than it can have been sent", feedback.created_at);
            return effects.bury(DeadLabel { label, cause: FROM_THE_FUTURE, message, is_unreadable: false });
        }
        let wait = i64::try_from(self.config.waiting_seconds.saturating_mul(1000)).unwrap_or(i64::MAX);
        self.settle(label, Some(self.now_millis.max(sent).saturating_add(wait)), learner, effects);
    }

    /// Learns from a label if all is known that it needs. If not, it waits; where its time is over, it is learned from without
    /// features, or not at all.
    fn settle(&mut self, label: Label, until_millis: Option<i64>, learner: &mut Learner, effects: &mut Effects) {
        let Ok(feedback) = &label.feedback else { return };
        let Feedback { review_id, label: said, origin, .. } = feedback;
        let outcome = match self.learned.standing(&review_id.0, *said, *origin) {
            Standing::Duplicate => {
                let message = format!("the review \"{review_id}\" has this label already");
                return effects.bury(DeadLabel { label, cause: DUPLICATE, message, is_unreadable: false });
            }
            Standing::Overruled => return effects.outcomes.count(Outcome::Overruled),
            Standing::Correction => Outcome::Corrected,
            Standing::New => Outcome::Learned,
        };
        let is_known = self.reviews.get(&review_id.0).is_some();
        let lacks_features = !learner.model().features.is_empty() && self.scored.get(&review_id.0).is_none();
        match until_millis {
            Some(until_millis) if !is_known || lacks_features => {
                let review_id = review_id.0.clone();
                self.waiting.push(&review_id, label, until_millis);
            }
            None if !is_known => {
                let message =
                    format!("no review \"{review_id}\" came while it waited, or it came longer ago than is kept");
                effects.bury(DeadLabel { label, cause: UNKNOWN_REVIEW, message, is_unreadable: false });
            }
            _ => {
                let outcome = if lacks_features { Outcome::LearnedWithoutFeatures } else { outcome };
                let outcome = self.learn(feedback, learner, outcome);
                effects.outcomes.count(outcome);
            }
        }
    }

    /// Learns from a label of a review that is known.
    fn learn(&mut self, feedback: &Feedback, learner: &mut Learner, outcome: Outcome) -> Outcome {
        let Feedback { review_id, label, origin, created_at } = feedback;
        let Some(review) = self.reviews.get(&review_id.0) else { return Outcome::Dead(UNKNOWN_REVIEW) };
        let at_hand = self.scored.get(&review_id.0);
        self.values.clear();
        self.values.extend(learner.model().features.iter().map(|feature| {
            let found = at_hand.and_then(|values| values.iter().find(|(name, _)| *name == feature.name));
            found.filter(|(_, value)| feature.takes(*value)).map_or(f64::NAN, |(_, value)| *value)
        }));
        let example = Example {
            document: Document { title: review.title.as_deref(), text: &review.text, features: &self.values },
            label: *label,
            origin: *origin,
            user_id: review.user_id.as_deref(),
            product_id: review.product_id.as_deref(),
            time: *created_at,
        };
        let lesson = learner.learn(&example, &mut self.scratch);
        match lesson.refusal {
            Some(refusal) => Outcome::Refused(refusal),
            None => {
                self.learned.note(&review_id.0, *label, *origin);
                outcome
            }
        }
    }
}

impl Effects {
    fn bury(&mut self, dead: DeadLabel) {
        self.outcomes.count(Outcome::Dead(dead.cause));
        self.dead_bytes += dead.label.payload.as_ref().map_or(0, Vec::len) + dead.message.len();
        self.dead.push(dead);
    }
}
