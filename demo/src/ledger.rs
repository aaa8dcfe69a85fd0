//! What is under way between the replay and the tally. The in-process broker drops its oldest records beyond 5 MiB per
//! partition, so the replay waits here until enough of what it sent has come out at the other end; and a prediction meets
//! its label here, by the id of their review.

use schemas::Label;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// The bound for what is under way, in all partitions together. Topics are read in order, so what a reader has not yet seen
/// of a partition is under way, and all of it may lie in one partition, which keeps 5 MiB: the bound leaves room for a batch
/// of 1 MB that has been read in part, and for the broker's own bytes.
pub(crate) const LIMIT_BYTES: u64 = 3584 * 1024;

/// What a record may take in any topic beyond its key and value: a prediction or the headers of a dead letter.
const ALLOWANCE_BYTES: u64 = 1024;

/// The reviews under way.
#[derive(Debug)]
pub(crate) struct Ledger {
    limit_bytes: u64,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// By review id; several where ids repeat, in the order in which they were sent, which is that of every topic.
    under_way: HashMap<String, VecDeque<Entry>>,
    bytes: u64,
    records: u64,
    /// Grows with every sign of life.
    steps: u64,
}

/// A review about to be sent.
#[derive(Debug)]
pub(crate) struct Departure<'a> {
    pub(crate) review_id: &'a str,
    /// Key and value.
    pub(crate) record_bytes: u64,
    /// Whether a label follows.
    pub(crate) is_labelled: bool,
    /// What to show of it.
    pub(crate) excerpt: String,
}

#[derive(Debug)]
struct Entry {
    sent_at: Instant,
    cost_bytes: u64,
    review_awaited: bool,
    outcome_awaited: bool,
    label_awaited: bool,
    probability: Option<f64>,
    label: Option<Label>,
    excerpt: String,
}

/// What the ledger knows of a prediction that has arrived.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Arrival {
    /// Since the review was sent; none when it is not the replay's.
    pub(crate) latency: Option<Duration>,
    /// What to show of the review.
    pub(crate) excerpt: String,
    /// Set when the label came first.
    pub(crate) judged: Option<Judged>,
}

/// A prediction whose label is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Judged {
    /// P(positive), as predicted.
    pub(crate) probability: f64,
    /// What it turned out to be.
    pub(crate) label: Label,
}

impl Ledger {
    pub(crate) fn new(limit_bytes: u64) -> Self {
        Self { limit_bytes, state: Mutex::default(), changed: Notify::new() }
    }

    /// Waits for room and enters a review that is about to be sent. One larger than the bound goes alone.
    pub(crate) async fn admit(&self, departure: Departure<'_>) {
        let Departure { review_id, record_bytes, is_labelled, excerpt } = departure;
        let cost_bytes = record_bytes + 2 * review_id.len() as u64 + ALLOWANCE_BYTES;
        loop {
            let changed = self.changed.notified();
            {
                let mut state = self.state();
                if state.bytes == 0 || state.bytes + cost_bytes <= self.limit_bytes {
                    let entry = Entry {
                        sent_at: Instant::now(),
                        cost_bytes,
                        review_awaited: true,
                        outcome_awaited: true,
                        label_awaited: is_labelled,
                        probability: None,
                        label: None,
                        excerpt,
                    };
                    state.bytes += cost_bytes;
                    state.records += 1;
                    state.under_way.entry(review_id.to_owned()).or_default().push_back(entry);
                    return;
                }
            }
            changed.await;
        }
    }

    /// Strikes out the review entered last under this id: it was not sent after all.
    pub(crate) fn withdraw(&self, review_id: &str) {
        let mut state = self.state();
        if let Some(entry) = state.under_way.get_mut(review_id).and_then(VecDeque::pop_back) {
            state.release(entry.cost_bytes);
        }
        if state.under_way.get(review_id).is_some_and(VecDeque::is_empty) {
            state.under_way.remove(review_id);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// The review was read back from its topic.
    pub(crate) fn review_seen(&self, review_id: &str) {
        self.settle(review_id, |entry| entry.review_awaited, |entry| entry.review_awaited = false);
    }

    /// Its prediction was read.
    pub(crate) fn prediction_seen(&self, review_id: &str, probability: f64) -> Arrival {
        let mut arrival = Arrival::default();
        arrival.judged = self.settle(
            review_id,
            |entry| entry.outcome_awaited,
            |entry| {
                entry.outcome_awaited = false;
                entry.probability = Some(probability);
                arrival.latency = Some(entry.sent_at.elapsed());
                arrival.excerpt = std::mem::take(&mut entry.excerpt);
            },
        );
        arrival
    }

    /// It became a dead letter.
    pub(crate) fn dead_letter_seen(&self, review_id: &str) {
        self.settle(review_id, |entry| entry.outcome_awaited, |entry| entry.outcome_awaited = false);
    }

    /// Its label was read.
    pub(crate) fn label_seen(&self, review_id: &str, label: Label) -> Option<Judged> {
        self.settle(
            review_id,
            |entry| entry.label_awaited,
            |entry| {
                entry.label_awaited = false;
                entry.label = Some(label);
            },
        )
    }

    /// Reviews under way.
    pub(crate) fn records(&self) -> u64 {
        self.state().records
    }

    /// Waits until nothing is under way.
    pub(crate) async fn settled(&self) {
        loop {
            let changed = self.changed.notified();
            if self.records() == 0 {
                return;
            }
            changed.await;
        }
    }

    /// Comes when something is under way and nothing at all has arrived for `patience`: then something is lost.
    pub(crate) async fn stalled(&self, patience: Duration) {
        let sight = || {
            let state = self.state();
            (state.records, state.steps)
        };
        loop {
            let before = sight();
            tokio::time::sleep(patience).await;
            if before.0 > 0 && before == sight() {
                return;
            }
        }
    }

    /// Updates the first review of this id that still awaits something; says so when its last wish came true.
    fn settle(
        &self,
        review_id: &str,
        awaits: impl Fn(&Entry) -> bool,
        update: impl FnOnce(&mut Entry),
    ) -> Option<Judged> {
        let mut state = self.state();
        state.steps += 1;
        let entries = state.under_way.get_mut(review_id)?;
        let place = entries.iter().position(awaits)?;
        let entry = &mut entries[place];
        let was_judged = entry.judged().is_some();
        update(entry);
        let judged = if was_judged { None } else { entry.judged() };
        if !(entry.review_awaited || entry.outcome_awaited || entry.label_awaited) {
            let cost_bytes = entry.cost_bytes;
            entries.remove(place);
            if entries.is_empty() {
                state.under_way.remove(review_id);
            }
            state.release(cost_bytes);
            drop(state);
            self.changed.notify_waiters();
        }
        judged
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that runs under the lock leaves it half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn release(&mut self, cost_bytes: u64) {
        self.bytes -= cost_bytes;
        self.records -= 1;
    }
}

impl Entry {
    fn judged(&self) -> Option<Judged> {
        Some(Judged { probability: self.probability?, label: self.label? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    const PATIENCE: Duration = Duration::from_millis(10);

    async fn admit(ledger: &Ledger, review_id: &str, record_bytes: u64, is_labelled: bool) {
        ledger.admit(Departure { review_id, record_bytes, is_labelled, excerpt: String::new() }).await;
    }

    #[tokio::test]
    async fn the_replay_waits_until_there_is_room() {
        let ledger = Ledger::new(3 * ALLOWANCE_BYTES);
        admit(&ledger, "a", 10, false).await;
        admit(&ledger, "b", 10, false).await;
        assert_eq!(admit(&ledger, "c", 10, false).now_or_never(), None);
        ledger.review_seen("a");
        assert_eq!(admit(&ledger, "c", 10, false).now_or_never(), None);
        ledger.prediction_seen("a", 0.5);
        assert_eq!(admit(&ledger, "c", 10, false).now_or_never(), Some(()));
    }

    #[tokio::test]
    async fn a_record_larger_than_the_bound_goes_alone() {
        let ledger = Ledger::new(10);
        admit(&ledger, "a", 10, false).await;
        assert_eq!(admit(&ledger, "b", 0, false).now_or_never(), None);
        ledger.withdraw("a");
        assert_eq!(admit(&ledger, "b", 0, false).now_or_never(), Some(()));
    }

    #[tokio::test]
    async fn a_prediction_meets_its_label_in_either_order() {
        let ledger = Ledger::new(LIMIT_BYTES);
        admit(&ledger, "a", 1, true).await;
        admit(&ledger, "b", 1, true).await;
        assert_eq!(ledger.prediction_seen("a", 0.25).judged, None);
        assert_eq!(ledger.label_seen("a", Label::Negative), Some(Judged { probability: 0.25, label: Label::Negative }));
        assert_eq!(ledger.label_seen("b", Label::Positive), None);
        let arrival = ledger.prediction_seen("b", 0.75);
        assert!(arrival.latency.is_some());
        assert_eq!(arrival.judged, Some(Judged { probability: 0.75, label: Label::Positive }));
        assert_eq!(ledger.settled().now_or_never(), None, "the reviews themselves are still awaited");
        ledger.review_seen("a");
        ledger.review_seen("b");
        assert_eq!(ledger.settled().now_or_never(), Some(()));
    }

    #[tokio::test]
    async fn repeated_ids_are_matched_in_the_order_of_sending() {
        let ledger = Ledger::new(LIMIT_BYTES);
        admit(&ledger, "a", 1, true).await;
        admit(&ledger, "a", 1, false).await;
        admit(&ledger, "a", 1, true).await;
        for probability in [0.1, 0.2, 0.3] {
            ledger.review_seen("a");
            ledger.prediction_seen("a", probability);
        }
        assert_eq!(ledger.label_seen("a", Label::Negative).map(|judged| judged.probability), Some(0.1));
        assert_eq!(ledger.label_seen("a", Label::Positive).map(|judged| judged.probability), Some(0.3));
        assert_eq!(ledger.records(), 0);
    }

    #[tokio::test]
    async fn what_never_arrives_is_noticed() {
        let ledger = Ledger::new(LIMIT_BYTES);
        admit(&ledger, "a", 1, false).await;
        ledger.stalled(PATIENCE).await;
        ledger.withdraw("a");
        let nothing_under_way = tokio::time::timeout(5 * PATIENCE, ledger.stalled(PATIENCE)).await;
        assert!(nothing_under_way.is_err());
    }

    #[tokio::test]
    async fn a_dead_letter_settles_its_review() {
        let ledger = Ledger::new(LIMIT_BYTES);
        admit(&ledger, "a", 1, false).await;
        ledger.review_seen("a");
        ledger.dead_letter_seen("a");
        assert_eq!(ledger.records(), 0);
    }

    #[tokio::test]
    async fn records_of_others_are_ignored() {
        let ledger = Ledger::new(LIMIT_BYTES);
        assert_eq!(ledger.prediction_seen("stranger", 0.5), Arrival::default());
        assert_eq!(ledger.label_seen("stranger", Label::Positive), None);
    }
}
