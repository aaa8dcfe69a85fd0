//! Records to online features. The store skips what it has applied, record by record, so that a batch may come as often as it
//! likes; it must only come whole, and in the order of offsets.

use super::error::ServiceError;
use super::lane::{Lane, TopicNames};
use super::waiting::Waiting;
use crate::metrics;
use feature_store::offline::store::Entry;
use feature_store::online::{OnlineStore, RememberedEntities, ReviewEntities, Update};
use feature_store::views::{EventSource, is_future};
use schemas::{Label, Rating, Review, Source, Timestamp};
use serde::Serialize;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

pub(super) struct Online<'o> {
    pub(super) store: &'o OnlineStore,
    pub(super) names: &'o TopicNames,
    pub(super) waiting: &'o Waiting<'o>,
    pub(super) stop: &'o CancellationToken,
    pub(super) counts: UpdateCounts,
}

/// A record that was decoded, and where it came from.
pub(super) struct Arrived {
    pub(super) lane: Lane,
    pub(super) offset: i64,
    /// The record's time in Kafka, in epoch milliseconds.
    pub(super) timestamp: Option<i64>,
    pub(super) record: Entry,
}

/// What became of updates of products and users.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct UpdateCounts {
    /// They changed an aggregate.
    pub applied: u64,
    /// They had been applied before.
    pub replayed: u64,
    /// The entity's key holds something else than features.
    pub unusable: u64,
    /// Labels of reviews that the store does not remember: nobody knows of which product and user.
    pub labels_without_review: u64,
    /// Ratings and labels that are dated more than a day after their records.
    pub future: u64,
}

/// What a record says of products and users.
struct Event<'e> {
    entities: ReviewEntities<'e>,
    says: Says,
    event_time: Timestamp,
    record: Source,
}

enum Says {
    Rating(Rating),
    Label(Label),
}

impl Online<'_> {
    /// Applies a batch; waits for the store as long as it is away. False when the token was cancelled before.
    pub(super) fn apply(&mut self, entries: &[Arrived]) -> Result<bool, ServiceError> {
        let began = Instant::now();
        let attempt = async || self.apply_once(entries).await;
        let Some(counts) = self.waiting.until_done(self.stop, attempt)? else { return Ok(false) };
        metrics::record_updates(&counts, began.elapsed());
        self.counts.applied += counts.applied;
        self.counts.replayed += counts.replayed;
        self.counts.unusable += counts.unusable;
        self.counts.labels_without_review += counts.labels_without_review;
        self.counts.future += counts.future;
        Ok(true)
    }

    async fn apply_once(&self, entries: &[Arrived]) -> Result<UpdateCounts, ServiceError> {
        let mut counts = UpdateCounts::default();
        let remembered = self.remember_and_recall(entries).await?;
        let mut events = Vec::with_capacity(entries.len());
        let mut recalled = remembered.iter();
        for Arrived { lane, offset, timestamp, record } in entries {
            let (entities, says, event_time) = match record {
                Entry::Review(review) => {
                    let Some(rating) = review.rating else { continue };
                    (entities_of(review), Says::Rating(rating), review.created_at)
                }
                Entry::Feedback(feedback) => match recalled.next() {
                    Some(Some(review)) => (review.borrowed(), Says::Label(feedback.label), feedback.created_at),
                    Some(None) => {
                        counts.labels_without_review += 1;
                        continue;
                    }
                    // No view is made of labels.
                    None => continue,
                },
                Entry::Prediction(_) => continue,
            };
            if is_future(event_time, *timestamp) {
                counts.future += 1;
                continue;
            }
            let topic = self.names.topic(lane.dataset).to_owned();
            let record = Source { topic, partition: lane.partition, offset: *offset };
            events.push(Event { entities, says, event_time, record });
        }
        let mut updates: Vec<Update<'_>> = Vec::with_capacity(2 * events.len());
        for Event { entities, says, event_time, record } in &events {
            match says {
                Says::Rating(rating) => updates.extend(Update::of_rating(*entities, *rating, *event_time, record)),
                Says::Label(label) => updates.extend(Update::of_label(*entities, *label, *event_time, record)),
            }
        }
        if !updates.is_empty() {
            let done = self.store.apply(&updates).await?;
            counts.applied = done.applied as u64;
            counts.replayed = done.replayed as u64;
            counts.unusable = done.unusable as u64;
        }
        Ok(counts)
    }

    /// Where some view is made of labels: notes of which products and users the batch's reviews are, and answers the same for
    /// each of its labels, which name a review and nothing else.
    async fn remember_and_recall(&self, entries: &[Arrived]) -> Result<Vec<Option<RememberedEntities>>, ServiceError> {
        if !self.store.views().uses(EventSource::Feedback) {
            return Ok(Vec::new());
        }
        let mut reviews = Vec::new();
        let mut labels = Vec::new();
        for Arrived { record, .. } in entries {
            match record {
                Entry::Review(review) => reviews.push((review.review_id.0.as_str(), entities_of(review))),
                Entry::Feedback(feedback) => labels.push(feedback.review_id.0.as_str()),
                Entry::Prediction(_) => {}
            }
        }
        if !reviews.is_empty() {
            self.store.remember(&reviews).await?;
        }
        if labels.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.store.recall(&labels).await?)
    }
}

fn entities_of(review: &Review) -> ReviewEntities<'_> {
    ReviewEntities { product_id: review.product_id.as_deref(), user_id: review.user_id.as_deref() }
}
