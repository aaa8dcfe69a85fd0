//! Records to online features. The store skips what it has applied, record by record, so that a batch may come as often as it
//! likes; it must only come whole, and in the order of offsets.

use super::error::ServiceError;
use super::lane::{Lane, TopicNames};
use super::waiting::Waiting;
use crate::metrics;
use feature_store::offline::store::Entry;
use feature_store::online::{OnlineStore, ReviewEntities, Update};
use schemas::{Rating, Source, Timestamp};
use serde::Serialize;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

pub(super) struct Online<'o> {
    pub(super) store: &'o OnlineStore,
    pub(super) names: &'o TopicNames,
    pub(super) runtime: &'o tokio::runtime::Handle,
    pub(super) waiting: &'o Waiting,
    pub(super) stop: &'o CancellationToken,
    pub(super) counts: UpdateCounts,
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
}

/// A rating, and the record that holds it.
struct Rated<'e> {
    entities: ReviewEntities<'e>,
    rating: Rating,
    event_time: Timestamp,
    record: Source,
}

impl Online<'_> {
    /// Applies a batch; waits for the store as long as it is away. False when the token was cancelled before.
    pub(super) fn apply(&mut self, entries: &[(Lane, i64, Entry)]) -> Result<bool, ServiceError> {
        let rated: Vec<Rated<'_>> = entries.iter().filter_map(|entry| self.rated(entry)).collect();
        let updates: Vec<Update<'_>> = rated
            .iter()
            .flat_map(|rated| Update::of_rating(rated.entities, rated.rating, rated.event_time, &rated.record))
            .collect();
        if updates.is_empty() {
            return Ok(true);
        }
        let began = Instant::now();
        let attempt = || Ok(self.runtime.block_on(self.store.apply(&updates))?);
        let Some(done) = self.waiting.until_done(self.stop, attempt)? else { return Ok(false) };
        metrics::record_updates(done.applied, done.replayed, done.unusable, began.elapsed());
        self.counts.applied += done.applied as u64;
        self.counts.replayed += done.replayed as u64;
        self.counts.unusable += done.unusable as u64;
        Ok(true)
    }

    fn rated<'e>(&self, (lane, offset, entry): &'e (Lane, i64, Entry)) -> Option<Rated<'e>> {
        let Entry::Review(review) = entry else { return None };
        let entities = ReviewEntities { product_id: review.product_id.as_deref(), user_id: review.user_id.as_deref() };
        let topic = self.names.topic(lane.dataset).to_owned();
        let record = Source { topic, partition: lane.partition, offset: *offset };
        Some(Rated { entities, rating: review.rating?, event_time: review.created_at, record })
    }
}
