//! A view: features of one kind of entity from one kind of event. Made by the configuration alone, so that every view that
//! exists is sound.

use super::Aggregate;
use super::aggregate::Span;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

/// Who or what has features; also the name of the join key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EntityKind {
    /// What is reviewed.
    #[serde(rename = "product_id")]
    Product,
    /// Who reviews.
    #[serde(rename = "user_id")]
    User,
}

impl EntityKind {
    /// Both kinds.
    pub const ALL: [EntityKind; 2] = [EntityKind::Product, EntityKind::User];

    /// The field of a review that holds the entity's id, and Feast's join key.
    pub fn join_key(self) -> &'static str {
        match self {
            EntityKind::Product => "product_id",
            EntityKind::User => "user_id",
        }
    }
}

impl fmt::Display for EntityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.join_key())
    }
}

/// Which records are a view's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventSource {
    /// Reviews with a rating; the value is the stars.
    Reviews,
    /// Labels; the value is 1 for positive and 0 for negative.
    Feedback,
}

impl EventSource {
    /// Both sources.
    pub const ALL: [EventSource; 2] = [EventSource::Reviews, EventSource::Feedback];
}

/// The views of a configuration, in the order of their names. Clones share them.
#[derive(Debug, Clone, PartialEq)]
pub struct Views {
    project: Arc<str>,
    views: Arc<[View]>,
    feature_names: FeatureNames,
}

/// The full names of all features of some views, in alphabetical order. Clones share them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FeatureNames(Arc<[String]>);

/// Features of one kind of entity from one kind of event.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    pub(super) name: String,
    pub(super) entity: EntityKind,
    pub(super) source: EventSource,
    pub(super) ttl_millis: Option<i64>,
    pub(super) features: Vec<Feature>,
    /// Each half-life once, in milliseconds, in the order in which features turn up.
    pub(super) half_lives_millis: Vec<f64>,
    /// The longest window in days; 0 without one.
    pub(super) longest_window_days: u32,
}

/// One value of a view.
#[derive(Debug, Clone, PartialEq)]
pub struct Feature {
    pub(super) name: String,
    pub(super) full_name: String,
    pub(super) aggregate: Aggregate,
    /// The place of its half-life among the view's, where it has one.
    pub(super) half_life: usize,
    /// The place of its name among those of all views.
    pub(super) column: usize,
}

impl FeatureNames {
    fn of(views: &[View]) -> Self {
        let mut names: Vec<String> =
            views.iter().flat_map(View::features).map(|feature| feature.full_name.clone()).collect();
        names.sort_unstable();
        Self(names.into())
    }

    /// The place of a name.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.0.binary_search_by(|known| known.as_str().cmp(name)).ok()
    }
}

impl Deref for FeatureNames {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.0
    }
}

impl Views {
    /// Views whose names and fields do not clash, in the order of their names.
    pub(super) fn new(project: &str, mut views: Vec<View>) -> Self {
        let feature_names = FeatureNames::of(&views);
        for feature in views.iter_mut().flat_map(|view| &mut view.features) {
            feature.column = feature_names.place(&feature.full_name).expect("the names are those of these features");
        }
        Self { project: project.into(), views: views.into(), feature_names }
    }

    /// Feast's project: the end of every key in Redis.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// All views.
    pub fn iter(&self) -> std::slice::Iter<'_, View> {
        self.views.iter()
    }

    /// The names of all features.
    pub fn feature_names(&self) -> &FeatureNames {
        &self.feature_names
    }

    /// The view of this name.
    pub fn get(&self, name: &str) -> Option<&View> {
        self.iter().find(|view| view.name == name)
    }

    /// The views of a kind of entity.
    pub fn of(&self, entity: EntityKind) -> impl Iterator<Item = &View> {
        self.iter().filter(move |view| view.entity == entity)
    }

    /// Whether there are any of this kind of entity.
    pub(crate) fn know(&self, entity: EntityKind) -> bool {
        self.of(entity).next().is_some()
    }

    /// How long after its last event an entity is of no use to any view; none for ever, as it is when some view is never
    /// stale. Feast keeps all views of an entity under one key, so the longest ttl counts. An event that comes later than that
    /// would start anew in any case; twice the ttl leaves as much time again for an ingest that lags behind.
    pub(crate) fn lifetime(&self, entity: EntityKind) -> Option<Duration> {
        let ttls = self.of(entity).map(View::ttl_millis);
        let longest = ttls.reduce(|longest, ttl| longest.zip(ttl).map(|(a, b)| a.max(b))).flatten();
        longest.map(|millis| 2 * Duration::from_millis(millis.unsigned_abs()))
    }

    /// Whether some view is made from these events.
    pub fn uses(&self, source: EventSource) -> bool {
        self.iter().any(|view| view.source == source)
    }
}

impl View {
    /// The name, as Feast knows it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whose features they are.
    pub fn entity(&self) -> EntityKind {
        self.entity
    }

    /// Which records are its events.
    pub fn source(&self) -> EventSource {
        self.source
    }

    /// The age from which values are stale, and are forgotten by the next event; none for never.
    pub fn ttl_millis(&self) -> Option<i64> {
        self.ttl_millis
    }

    /// The features, in the order of their names.
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    pub(crate) fn half_lives_millis(&self) -> &[f64] {
        &self.half_lives_millis
    }

    pub(crate) fn longest_window_days(&self) -> u32 {
        self.longest_window_days
    }
}

impl Feature {
    /// The name within its view, such as `rating_mean`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name everywhere else, such as `product_stats.rating_mean`.
    pub fn full_name(&self) -> &str {
        &self.full_name
    }

    /// What it is made of.
    pub fn aggregate(&self) -> Aggregate {
        self.aggregate
    }

    pub(crate) fn half_life(&self) -> usize {
        self.half_life
    }

    /// The place of its name among [`Views::feature_names`].
    pub(crate) fn column(&self) -> usize {
        self.column
    }
}

impl View {
    /// A view of sound features: what it keeps follows from what they need.
    pub(super) fn new(name: &str, entity: EntityKind, source: EventSource, ttl_millis: Option<i64>) -> Self {
        Self {
            name: name.to_owned(),
            entity,
            source,
            ttl_millis,
            features: Vec::new(),
            half_lives_millis: Vec::new(),
            longest_window_days: 0,
        }
    }

    pub(super) fn add(&mut self, name: &str, aggregate: Aggregate) {
        let mut half_life = 0;
        match aggregate.span {
            Span::All => {}
            Span::HalfLife { days } => {
                let millis = days * super::DAY_MILLIS as f64;
                half_life = self.half_lives_millis.iter().position(|known| *known == millis).unwrap_or_else(|| {
                    self.half_lives_millis.push(millis);
                    self.half_lives_millis.len() - 1
                });
            }
            Span::Window { days } => self.longest_window_days = self.longest_window_days.max(days),
        }
        let full_name = format!("{}.{name}", self.name);
        self.features.push(Feature { name: name.to_owned(), full_name, aggregate, half_life, column: 0 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::FeaturesConfig;

    fn views(ttl_days: [u32; 2]) -> Views {
        let mut config = FeaturesConfig::default();
        let product_stats = config.views["product_stats"].clone();
        config.views.insert("product_more".to_owned(), product_stats);
        for (name, ttl_days) in ["product_stats", "product_more"].into_iter().zip(ttl_days) {
            config.views.get_mut(name).unwrap().ttl_days = Some(ttl_days);
        }
        config.parse().unwrap()
    }

    #[test]
    fn a_key_outlives_the_longest_ttl_of_its_views_and_for_ever_where_one_has_none() {
        let seconds = |views: &Views, kind| views.lifetime(kind).map_or(0, |lifetime| lifetime.as_secs());
        const DAY: u64 = 86_400;
        for (ttl_days, expected) in [([3, 7], 14 * DAY), ([7, 3], 14 * DAY), ([0, 7], 0), ([7, 0], 0), ([0, 0], 0)] {
            assert_eq!(seconds(&views(ttl_days), EntityKind::Product), expected, "{ttl_days:?}");
        }
        assert_eq!(seconds(&views([1, 1]), EntityKind::User), 0);
    }
}
