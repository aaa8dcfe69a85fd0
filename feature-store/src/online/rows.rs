//! What was read of entities, row by row, as either store hands it over: a batch has thousands of rows, and what is made of
//! them decides what is worth memory.

use super::{Entity, Error, OnlineStore};
use crate::views::View;
use schemas::Timestamp;

/// What a view's row of an entity is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Row<'a> {
    /// Values, fresh or stale.
    Found {
        /// One for each feature of the view, in their order; NaN where the row has no value for it.
        values: &'a [f64],
        /// The time of the latest event in them.
        event_time: Timestamp,
    },
    /// Nothing.
    Missing,
    /// The store did not answer, or not in time.
    Unavailable,
}

/// How reading a batch went.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// How many rows are missing because what stands in the store cannot be decoded.
    pub(super) undecodable: usize,
    /// Why some of them, or all, are unavailable.
    pub(super) error: Option<Error>,
}

/// Whether values as of `event_time` are too old for their view.
pub(super) fn is_stale(view: &View, event_time: Timestamp, now: Timestamp) -> bool {
    let age_millis = now.epoch_millis() - event_time.epoch_millis();
    view.ttl_millis().is_some_and(|ttl| age_millis > ttl)
}

impl OnlineStore {
    /// Hands over the rows of entities: entity after entity, by its place in the batch, and of each the views of its kind, in
    /// their order.
    pub(super) async fn read_rows(
        &self,
        entities: &[Entity<'_>],
        each: impl FnMut(usize, &View, Row<'_>) + Send,
    ) -> Outcome {
        match self {
            Self::Redis(store) => store.read_rows(entities, each).await,
            Self::Memory(store) => {
                store.read_rows(entities, each);
                Outcome::default()
            }
        }
    }
}
