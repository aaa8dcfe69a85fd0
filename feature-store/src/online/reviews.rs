//! Which product and user a review names, remembered for labels: a record of `feedback` names the review and nothing else.

use super::{Error, OnlineStore, ReviewEntities};
use crate::views::{EventSource, Views};
use serde::{Deserialize, Serialize};

/// How long a review is remembered. Most labels come within days; each review takes about 150 bytes of Redis.
pub const REMEMBERED_SECONDS: i64 = 90 * 86_400;

/// The entities of a review that was remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RememberedEntities {
    /// What is reviewed.
    pub product_id: Option<String>,
    /// Who reviews.
    pub user_id: Option<String>,
}

impl RememberedEntities {
    pub(super) fn of(entities: &ReviewEntities<'_>) -> Self {
        Self { product_id: entities.product_id.map(str::to_owned), user_id: entities.user_id.map(str::to_owned) }
    }

    /// As updates take them.
    pub fn borrowed(&self) -> ReviewEntities<'_> {
        ReviewEntities { product_id: self.product_id.as_deref(), user_id: self.user_id.as_deref() }
    }
}

impl OnlineStore {
    /// Remembers which entities reviews, given by their ids, name: for 90 days, and only where some view is made of labels.
    /// Doing so again changes nothing.
    pub async fn remember(&self, reviews: &[(&str, ReviewEntities<'_>)]) -> Result<(), Error> {
        if !is_needed(self.views()) {
            return Ok(());
        }
        match self {
            Self::Redis(store) => store.remember(reviews).await,
            Self::Memory(store) => {
                store.remember(reviews);
                Ok(())
            }
        }
    }

    /// The entities of reviews, in the order of their ids; none of a review that is not remembered, or not any more.
    pub async fn recall(&self, review_ids: &[&str]) -> Result<Vec<Option<RememberedEntities>>, Error> {
        if !is_needed(self.views()) {
            return Ok(vec![None; review_ids.len()]);
        }
        match self {
            Self::Redis(store) => store.recall(review_ids).await,
            Self::Memory(store) => Ok(store.recall(review_ids)),
        }
    }
}

fn is_needed(views: &Views) -> bool {
    views.uses(EventSource::Feedback)
}
