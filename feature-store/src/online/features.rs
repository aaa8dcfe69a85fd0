//! From a batch of reviews to the features of each: what a scorer asks, and what it writes into predictions.

use super::{Entity, Error, OnlineStore, RatingStats, Reading};
use schemas::{FeaturesStatus, Timestamp};
use std::collections::{BTreeMap, HashMap};

/// The entities that a review names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReviewEntities<'a> {
    /// What is reviewed.
    pub product_id: Option<&'a str>,
    /// Who reviews.
    pub user_id: Option<&'a str>,
}

/// The features of one review.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    /// Values by name, such as `product_stats.rating_mean`; stale ones are left out, as a training join leaves them out.
    pub values: BTreeMap<String, f64>,
    /// The worst status among the review's entities.
    pub status: FeaturesStatus,
}

/// The features of a batch of reviews.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureBatch {
    /// One for each review, in their order.
    pub reviews: Vec<Features>,
    /// How many entities count as missing because what stands in the store cannot be decoded.
    pub undecodable: usize,
    /// Why the store gave nothing, when it didn't; every review that names an entity is `unavailable` then.
    pub error: Option<Error>,
}

impl OnlineStore {
    /// Reads the features of a batch of reviews in one round trip, each entity once. Never fails: a review can be scored
    /// without features, and its status says so.
    pub async fn features(&self, reviews: &[ReviewEntities<'_>], now: Timestamp) -> FeatureBatch {
        let mut distinct = Vec::new();
        let mut place_of = HashMap::new();
        for entity in reviews.iter().flat_map(|review| review.entities()) {
            place_of.entry(entity).or_insert_with(|| {
                distinct.push(entity);
                distinct.len() - 1
            });
        }
        if distinct.is_empty() {
            let none = Features { values: BTreeMap::new(), status: FeaturesStatus::None };
            return FeatureBatch { reviews: vec![none; reviews.len()], undecodable: 0, error: None };
        }
        let (readings, error) = match self.read(&distinct, now).await {
            Ok(readings) => (Some(readings), None),
            Err(error) => (None, Some(error)),
        };
        let reading_of = |entity: &Entity<'_>| Some(readings.as_ref()?.entities[place_of[entity]]);
        let features_of = |review: &ReviewEntities<'_>| {
            let mut features = Features { values: BTreeMap::new(), status: FeaturesStatus::None };
            for entity in review.entities() {
                features.add(&entity, reading_of(&entity));
            }
            features
        };
        let reviews = reviews.iter().map(features_of).collect();
        FeatureBatch { reviews, undecodable: readings.map_or(0, |readings| readings.undecodable), error }
    }
}

impl<'a> ReviewEntities<'a> {
    fn entities(self) -> impl Iterator<Item = Entity<'a>> {
        self.product_id.map(Entity::product).into_iter().chain(self.user_id.map(Entity::user))
    }
}

impl Features {
    /// Adds what was read of one entity; none when nothing could be read.
    fn add(&mut self, entity: &Entity<'_>, reading: Option<Reading>) {
        let status = match reading {
            Some(Reading::Present { stats, .. }) => {
                let names = RatingStats::NAMES.map(|name| format!("{}.{name}", entity.view.name()));
                self.values.extend(names.into_iter().zip(stats.values()));
                FeaturesStatus::Present
            }
            Some(Reading::Missing) => FeaturesStatus::Missing,
            Some(Reading::Stale { .. }) => FeaturesStatus::Stale,
            None => FeaturesStatus::Unavailable,
        };
        self.status = self.status.max(status);
    }
}
