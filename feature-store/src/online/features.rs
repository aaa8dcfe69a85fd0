//! From a batch of reviews to the features of each: what a scorer asks, and what it writes into predictions. The values of a
//! batch stand in one table, a row for each review and a column for each feature: a stream has a hundred thousand of them a
//! second, and none has names or memory of its own.

use super::rows::{Row, is_stale};
use super::{Entity, Error, OnlineStore, ReviewEntities};
use crate::views::{EntityKind, FeatureNames, Views};
use schemas::{FeaturesStatus, Timestamp};
use serde::{Serialize, Serializer};
use std::collections::HashMap;
use std::fmt;

/// The features of a batch of reviews, in their order.
#[derive(Debug, Clone)]
pub struct FeatureBatch {
    names: FeatureNames,
    /// By review and name; NaN where there is no value. Empty where no review has any.
    values: Vec<f64>,
    /// By review.
    statuses: Vec<FeaturesStatus>,
    /// How many rows count as missing because what stands in the store cannot be decoded.
    pub undecodable: usize,
    /// Why the store gave nothing of some entities, or of all; their reviews are `unavailable` then.
    pub error: Option<Error>,
    /// Whether it gave anything.
    pub is_answered: bool,
}

/// The features of one review.
#[derive(Clone, Copy)]
pub struct Features<'a> {
    names: &'a [String],
    values: &'a [f64],
    /// The worst status among the views of the review's entities.
    pub status: FeaturesStatus,
}

impl OnlineStore {
    /// Reads the features of a batch of reviews in one round trip per server, each entity once. Never fails: a review can
    /// be scored without features, and its status says so.
    pub async fn features(&self, reviews: &[ReviewEntities<'_>], now: Timestamp) -> FeatureBatch {
        let views = self.views();
        let asked = Asked::of(views, reviews);
        if asked.distinct.is_empty() {
            return FeatureBatch::without_values(vec![FeaturesStatus::None; reviews.len()]);
        }
        let mut found = Found { values: Vec::new(), begins: Vec::new(), statuses: Vec::new() };
        let mut is_answered = false;
        let outcome = self
            .read_rows(&asked.distinct, |place, view, row| {
                is_answered |= !matches!(row, Row::Unavailable);
                found.begin(place);
                let features = view.features().len();
                match row {
                    Row::Found { event_time, .. } if is_stale(view, event_time, now) => {
                        found.add(FeaturesStatus::Stale, std::iter::repeat_n(f64::NAN, features));
                    }
                    Row::Found { values, .. } => found.add(FeaturesStatus::Present, values.iter().copied()),
                    Row::Missing => found.add(FeaturesStatus::Missing, std::iter::repeat_n(f64::NAN, features)),
                    Row::Unavailable => found.add(FeaturesStatus::Unavailable, std::iter::repeat_n(f64::NAN, features)),
                }
            })
            .await;
        let (values, statuses) = asked.table(views, &found);
        let names = views.feature_names().clone();
        FeatureBatch { names, values, statuses, undecodable: outcome.undecodable, error: outcome.error, is_answered }
    }
}

/// What a batch asks for.
struct Asked<'a> {
    distinct: Vec<Entity<'a>>,
    /// By review and kind, the place of its entity.
    places: Vec<[Option<usize>; EntityKind::ALL.len()]>,
}

/// What was read of distinct entities, one after the other.
struct Found {
    /// Of all features of its kind's views.
    values: Vec<f64>,
    /// By entity, where its values begin.
    begins: Vec<usize>,
    /// By entity, the worst of its views.
    statuses: Vec<FeaturesStatus>,
}

impl<'a> Asked<'a> {
    fn of(views: &Views, reviews: &[ReviewEntities<'a>]) -> Self {
        let mut asked = Self { distinct: Vec::new(), places: Vec::with_capacity(reviews.len()) };
        let mut place_of: HashMap<Entity<'a>, usize> = HashMap::with_capacity(2 * reviews.len());
        let is_known = EntityKind::ALL.map(|kind| views.know(kind));
        for review in reviews {
            let mut places = [None; EntityKind::ALL.len()];
            for entity in review.entities().filter(|entity| is_known[entity.kind as usize]) {
                let place = place_of.entry(entity).or_insert_with(|| {
                    asked.distinct.push(entity);
                    asked.distinct.len() - 1
                });
                places[entity.kind as usize] = Some(*place);
            }
            asked.places.push(places);
        }
        asked
    }

    /// The values and the status of each review.
    fn table(&self, views: &Views, found: &Found) -> (Vec<f64>, Vec<FeaturesStatus>) {
        let columns = EntityKind::ALL.map(|kind| -> Vec<usize> {
            views.of(kind).flat_map(|view| view.features()).map(|feature| feature.column()).collect()
        });
        let width = views.feature_names().len();
        let mut values = vec![f64::NAN; self.places.len() * width];
        let mut statuses = vec![FeaturesStatus::None; self.places.len()];
        for ((row, status), places) in values.chunks_exact_mut(width).zip(&mut statuses).zip(&self.places) {
            for (place, columns) in places.iter().zip(&columns) {
                let Some(place) = *place else { continue };
                *status = (*status).max(found.statuses[place]);
                for (column, value) in columns.iter().zip(&found.values[found.begins[place]..]) {
                    row[*column] = *value;
                }
            }
        }
        (values, statuses)
    }
}

impl Found {
    /// What follows is of this entity.
    fn begin(&mut self, place: usize) {
        if self.begins.len() == place {
            self.begins.push(self.values.len());
            self.statuses.push(FeaturesStatus::None);
        }
    }

    fn add(&mut self, status: FeaturesStatus, values: impl Iterator<Item = f64>) {
        self.values.extend(values);
        if let Some(worst) = self.statuses.last_mut() {
            *worst = (*worst).max(status);
        }
    }
}

impl FeatureBatch {
    /// Of reviews for which there is no store to be asked.
    pub fn none(reviews: usize) -> Self {
        Self::without_values(vec![FeaturesStatus::None; reviews])
    }

    /// Of reviews whose store is not asked.
    pub fn unavailable(views: &Views, reviews: &[ReviewEntities<'_>]) -> Self {
        let status = |review: &ReviewEntities<'_>| {
            if review.is_known_to(views) { FeaturesStatus::Unavailable } else { FeaturesStatus::None }
        };
        Self::without_values(reviews.iter().map(status).collect())
    }

    fn without_values(statuses: Vec<FeaturesStatus>) -> Self {
        let names = FeatureNames::default();
        Self { names, values: Vec::new(), statuses, undecodable: 0, error: None, is_answered: true }
    }

    /// Which column holds which feature.
    pub fn names(&self) -> &FeatureNames {
        &self.names
    }

    /// How many reviews there are.
    pub fn len(&self) -> usize {
        self.statuses.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.statuses.is_empty()
    }

    /// The features of the review at this place.
    pub fn of(&self, review: usize) -> Features<'_> {
        let width = self.names.len();
        let values = &self.values[review * width..(review + 1) * width];
        Features { names: &self.names, values, status: self.statuses[review] }
    }

    /// Those of all reviews.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Features<'_>> {
        (0..self.len()).map(|review| self.of(review))
    }
}

impl<'a> Features<'a> {
    /// Of a review for which there is no store to be asked.
    pub const NONE: Features<'static> = Features { names: &[], values: &[], status: FeaturesStatus::None };

    /// The value in this column; stale ones are left out, as a training join leaves them out.
    pub fn at(self, column: usize) -> Option<f64> {
        self.values.get(column).copied().filter(|value| !value.is_nan())
    }

    /// The values that there are by name, such as `product_stats.rating_mean`, in alphabetical order.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, f64)> {
        let named = self.names.iter().map(String::as_str).zip(self.values.iter().copied());
        named.filter(|(_, value)| !value.is_nan())
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

/// An object of numbers by name, as it stands in predictions.
impl Serialize for Features<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl fmt::Debug for Features<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ", self.status)?;
        f.debug_map().entries(self.iter()).finish()
    }
}
