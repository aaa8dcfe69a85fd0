//! Predictions and their labels, which come in either order, late, twice or never.

use schemas::{Feedback, Label, ModelVersion, Origin, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use twox_hash::XxHash64;

/// A prediction, as far as its quality goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// P(positive).
    pub probability: f64,
    /// The version that made it.
    pub version: ModelVersion,
    /// The category of what is reviewed, where it is known.
    pub category: Option<String>,
    /// When the review was written, and no later than it was scored: one from the future would end the time of all that wait.
    /// Labels are due from then on.
    pub at: Timestamp,
}

/// A prediction with its label.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What was predicted.
    pub scored: Scored,
    /// What it was.
    pub label: Label,
    /// Who said so.
    pub origin: Origin,
    /// How long after the review; a label that is older counts as one at once.
    pub delay_millis: i64,
}

impl Outcome {
    /// 1 where the more probable class was the wrong one.
    pub fn error(&self) -> f64 {
        f64::from(u8::from(Label::from_probability(self.scored.probability) != self.label))
    }
}

/// How many came of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Predictions.
    pub predictions: u64,
    /// Those of them whose review already waits for a label.
    pub repeated_predictions: u64,
    /// Those whose probability is none.
    pub unfit_predictions: u64,
    /// Those that were given up before their time was over, to make room.
    pub given_up: u64,
    /// Labels.
    pub labels: u64,
    /// Those that met their prediction.
    pub matched: u64,
    /// Second and further labels of a review: the first one counts.
    pub repeated_labels: u64,
    /// Labels that were given up: their prediction never came, or long ago.
    pub without_prediction: u64,
    /// Predictions that wait for a label now.
    pub waiting_predictions: u64,
    /// Labels that wait for a prediction now.
    pub waiting_labels: u64,
}

/// What waits for its other half. Reviews are known by a hash of 64 bits: among a million that wait, two share one with a
/// chance of one in thirty million.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Join {
    maturity_millis: i64,
    max_waiting: usize,
    predictions: HashMap<u64, Waiting>,
    /// The same by time.
    due: BTreeSet<(Timestamp, u64)>,
    labels: HashMap<u64, Early>,
    /// The same in the order in which they came: what they say of their time may be anything.
    labels_by_arrival: BTreeMap<u64, u64>,
    /// The latest time of a prediction.
    now: Option<Timestamp>,
    counts: Counts,
}

/// A label that came before its prediction.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Early {
    label: Label,
    origin: Origin,
    at: Timestamp,
    /// Its number among all labels.
    arrival: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Waiting {
    scored: Scored,
    /// Stays after its label came, until its time is over: else coverage would count labels sooner than their absence.
    labelled: bool,
}

impl Join {
    pub(super) fn new(maturity_seconds: u64, max_waiting: usize) -> Self {
        Self {
            maturity_millis: i64::try_from(maturity_seconds.saturating_mul(1000)).unwrap_or(i64::MAX),
            max_waiting,
            predictions: HashMap::new(),
            due: BTreeSet::new(),
            labels: HashMap::new(),
            labels_by_arrival: BTreeMap::new(),
            now: None,
            counts: Counts::default(),
        }
    }

    pub(super) fn counts(&self) -> Counts {
        let waiting = self.predictions.values().filter(|waiting| !waiting.labelled);
        Counts { waiting_predictions: waiting.count() as u64, waiting_labels: self.labels.len() as u64, ..self.counts }
    }

    pub(super) fn scored(&mut self, review_id: &str, scored: Scored) -> Option<Outcome> {
        self.counts.predictions += 1;
        if !(0.0..=1.0).contains(&scored.probability) {
            self.counts.unfit_predictions += 1;
            return None;
        }
        let review = XxHash64::oneshot(0, review_id.as_bytes());
        if self.predictions.contains_key(&review) {
            self.counts.repeated_predictions += 1;
            return None;
        }
        self.now = self.now.max(Some(scored.at));
        let early = self.labels.remove(&review);
        let outcome = early.map(|Early { label, origin, at, arrival }| {
            self.labels_by_arrival.remove(&arrival);
            self.counts.matched += 1;
            outcome(&scored, label, origin, at)
        });
        self.due.insert((scored.at, review));
        self.predictions.insert(review, Waiting { scored, labelled: outcome.is_some() });
        if self.predictions.len() > self.max_waiting
            && let Some((_, oldest)) = self.due.pop_first()
        {
            self.predictions.remove(&oldest);
            self.counts.given_up += 1;
        }
        outcome
    }

    pub(super) fn labelled(&mut self, feedback: &Feedback) -> Option<Outcome> {
        self.counts.labels += 1;
        let review = XxHash64::oneshot(0, feedback.review_id.0.as_bytes());
        let (label, origin, at) = (feedback.label, feedback.origin, feedback.created_at);
        match self.predictions.get_mut(&review) {
            Some(waiting) if waiting.labelled => {
                self.counts.repeated_labels += 1;
                None
            }
            Some(waiting) => {
                waiting.labelled = true;
                self.counts.matched += 1;
                Some(outcome(&waiting.scored, label, origin, at))
            }
            None => {
                self.keep_early(review, Early { label, origin, at, arrival: self.counts.labels });
                None
            }
        }
    }

    fn keep_early(&mut self, review: u64, early: Early) {
        if self.labels.contains_key(&review) {
            self.counts.repeated_labels += 1;
            return;
        }
        self.labels.insert(review, early);
        self.labels_by_arrival.insert(early.arrival, review);
        if self.labels.len() > self.max_waiting
            && let Some((_, oldest)) = self.labels_by_arrival.pop_first()
        {
            self.labels.remove(&oldest);
            self.counts.without_prediction += 1;
        }
    }

    /// The next prediction whose time for a label is over, and whether one came.
    pub(super) fn matured(&mut self) -> Option<(Scored, bool)> {
        let &(at, review) = self.due.first()?;
        let age = self.now?.epoch_millis() - at.epoch_millis();
        if age < self.maturity_millis {
            return None;
        }
        self.due.pop_first();
        self.predictions.remove(&review).map(|waiting| (waiting.scored, waiting.labelled))
    }
}

fn outcome(scored: &Scored, label: Label, origin: Origin, at: Timestamp) -> Outcome {
    let delay_millis = (at.epoch_millis() - scored.at.epoch_millis()).max(0);
    Outcome { scored: scored.clone(), label, origin, delay_millis }
}
