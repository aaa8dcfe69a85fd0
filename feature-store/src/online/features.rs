//! From a batch of reviews to the features of each: what a scorer asks, and what it writes into predictions.

use super::{Entity, Error, OnlineStore, ReviewEntities, ViewReading};
use crate::views::Views;
use schemas::{FeaturesStatus, Timestamp};
use std::collections::{BTreeMap, HashMap};

/// The features of one review.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    /// Values by name, such as `product_stats.rating_mean`; stale ones are left out, as a training join leaves them out.
    pub values: BTreeMap<String, f64>,
    /// The worst status among the views of the review's entities.
    pub status: FeaturesStatus,
}

impl Default for Features {
    /// Of a review that names no entity.
    fn default() -> Self {
        Self { values: BTreeMap::new(), status: FeaturesStatus::None }
    }
}

/// The features of a batch of reviews.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureBatch {
    /// One for each review, in their order.
    pub reviews: Vec<Features>,
    /// How many rows count as missing because what stands in the store cannot be decoded.
    pub undecodable: usize,
    /// Why the store gave nothing of some entities, or of all; their reviews are `unavailable` then.
    pub error: Option<Error>,
    /// Whether it gave anything.
    pub is_answered: bool,
}

impl OnlineStore {
    /// Reads the features of a batch of reviews in one round trip per server, each entity once. Never fails: a review can
    /// be scored without features, and its status says so.
    pub async fn features(&self, reviews: &[ReviewEntities<'_>], now: Timestamp) -> FeatureBatch {
        let views = self.views();
        let mut distinct = Vec::with_capacity(2 * reviews.len());
        let mut place_of = HashMap::with_capacity(2 * reviews.len());
        // Of the entities of all reviews, one review after the other.
        let mut places = Vec::with_capacity(2 * reviews.len());
        for entity in reviews.iter().flat_map(|review| known(views, *review)) {
            places.push(*place_of.entry(entity).or_insert_with(|| {
                distinct.push(entity);
                distinct.len() - 1
            }));
        }
        if distinct.is_empty() {
            let reviews = vec![Features::default(); reviews.len()];
            return FeatureBatch { reviews, undecodable: 0, error: None, is_answered: true };
        }
        let readings = self.read(&distinct, now).await;
        let mut places = places.into_iter();
        let features_of = |review: &ReviewEntities<'_>| {
            let mut features = Features::default();
            for (entity, place) in known(views, *review).zip(places.by_ref()) {
                features.add(views, &entity, &readings.entities[place].views);
            }
            features
        };
        let is_unavailable = |reading: &ViewReading| *reading == ViewReading::Unavailable;
        FeatureBatch {
            reviews: reviews.iter().map(features_of).collect(),
            undecodable: readings.undecodable,
            is_answered: !readings.entities.iter().flat_map(|reading| &reading.views).all(is_unavailable),
            error: readings.error,
        }
    }
}

/// The entities of a review that there are views of.
fn known<'a>(views: &Views, review: ReviewEntities<'a>) -> impl Iterator<Item = Entity<'a>> {
    review.entities().filter(move |entity| views.of(entity.kind).next().is_some())
}

impl Features {
    /// The features of a review whose store is not asked.
    pub fn unavailable(views: &Views, review: ReviewEntities<'_>) -> Self {
        let status =
            if known(views, review).next().is_some() { FeaturesStatus::Unavailable } else { FeaturesStatus::None };
        Self { values: BTreeMap::new(), status }
    }

    /// Adds what was read of one entity.
    fn add(&mut self, views: &Views, entity: &Entity<'_>, readings: &[ViewReading]) {
        for (view, reading) in views.of(entity.kind).zip(readings) {
            let status = match reading {
                ViewReading::Present(values) => {
                    let named = view.features().iter().zip(&values.values);
                    self.values
                        .extend(named.filter_map(|(feature, value)| Some((feature.full_name().to_owned(), (*value)?))));
                    FeaturesStatus::Present
                }
                ViewReading::Missing => FeaturesStatus::Missing,
                ViewReading::Stale(_) => FeaturesStatus::Stale,
                ViewReading::Unavailable => FeaturesStatus::Unavailable,
            };
            self.status = self.status.max(status);
        }
    }
}
