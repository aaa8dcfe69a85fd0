//! The section `[features]` of the configuration, and its way to views. Every error names its key and says what to write.

use super::DAY_MILLIS;
use super::aggregate::{Aggregate, Function, Span};
use super::view::{EntityKind, EventSource, View, Views};
use crate::online::feast;
use serde::{Deserialize, Deserializer, Serialize, de};
use std::collections::BTreeMap;
use std::fmt;

/// State holds one bucket for each day of the longest window: a year of them is still a small value in Redis.
const LONGEST_WINDOW_DAYS: u32 = 366;
/// The script of a view has a variable for each of its features, and Lua takes two hundred of them, with all that belongs to
/// them.
const MOST_FEATURES: usize = 48;
/// A century: beyond it the ages of reviews end, and arithmetic with milliseconds stays exact.
const LONGEST_DAYS: u32 = 36_525;

/// What the features are and mean, section `[features]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeaturesConfig {
    /// Feast's project: the end of every key in Redis.
    pub project: String,
    /// Values whose last event is older than this are stale, where a view says nothing else; 0 for never.
    pub ttl_days: u32,
    /// The views by name.
    pub views: BTreeMap<String, ViewConfig>,
}

/// One view, `[features.views.NAME]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ViewConfig {
    /// Whose features they are.
    pub entity: EntityKind,
    /// Which records are its events.
    pub source: EventSource,
    /// In place of `features.ttl_days`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_days: Option<u32>,
    /// The features by name.
    pub features: BTreeMap<String, FeatureConfig>,
}

/// One feature: `"mean"`, or a table such as `{ aggregate = "mean", half_life_days = 30 }`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum FeatureConfig {
    /// An aggregate over all events.
    Name(String),
    /// An aggregate over some of them.
    Table {
        /// The aggregate's name.
        aggregate: String,
        /// Events weigh half as much for each so many days.
        #[serde(skip_serializing_if = "Option::is_none")]
        half_life_days: Option<f64>,
        /// Only events of so many days count.
        #[serde(skip_serializing_if = "Option::is_none")]
        window_days: Option<u32>,
    },
}

/// What is wrong with the section.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidViews(String);

impl Default for FeaturesConfig {
    /// Number and mean of the ratings of products and users, never stale.
    fn default() -> Self {
        let ratings = |entity| ViewConfig {
            entity,
            source: EventSource::Reviews,
            ttl_days: None,
            features: [("rating_count", "count"), ("rating_mean", "mean")]
                .map(|(name, aggregate)| (name.to_owned(), FeatureConfig::Name(aggregate.to_owned())))
                .into(),
        };
        let views = [("product_stats", EntityKind::Product), ("user_stats", EntityKind::User)];
        Self {
            project: "plaudit".to_owned(),
            ttl_days: 0,
            views: views.map(|(name, entity)| (name.to_owned(), ratings(entity))).into(),
        }
    }
}

impl FeaturesConfig {
    /// The views, when the section is sound.
    pub fn parse(&self) -> Result<Views, InvalidViews> {
        if self.project.trim().is_empty() {
            return Err(invalid("features.project is empty: name a project, such as plaudit"));
        }
        check_ttl("features.ttl_days", self.ttl_days)?;
        let views = self.views.iter().map(|(name, view)| view.parse(name, self.ttl_days));
        let views: Vec<View> = views.collect::<Result<_, _>>()?;
        check_fields(&views)?;
        Ok(Views::new(&self.project, views))
    }

    /// What is wrong with the section, if anything.
    pub fn check(&self) -> Result<(), InvalidViews> {
        self.parse().map(|_| ())
    }
}

impl ViewConfig {
    fn parse(&self, name: &str, default_ttl_days: u32) -> Result<View, InvalidViews> {
        let key = format!("features.views.{name}");
        check_name(&key, name)?;
        let ttl_days = self.ttl_days.unwrap_or(default_ttl_days);
        check_ttl(&format!("{key}.ttl_days"), ttl_days)?;
        if self.features.is_empty() {
            return Err(invalid(format!("{key}.features is empty: name a feature, such as rating_count = \"count\"")));
        }
        if self.features.len() > MOST_FEATURES {
            return Err(invalid(format!(
                "{key} has {} features, and a view takes up to {MOST_FEATURES}: put the others into a view of their own",
                self.features.len()
            )));
        }
        let ttl_millis = (ttl_days > 0).then(|| i64::from(ttl_days) * DAY_MILLIS);
        let mut view = View::new(name, self.entity, self.source, ttl_millis);
        for (name, feature) in &self.features {
            let key = format!("{key}.features.{name}");
            check_name(&key, name)?;
            view.add(name, feature.parse(&key)?);
        }
        Ok(view)
    }
}

impl FeatureConfig {
    fn parse(&self, key: &str) -> Result<Aggregate, InvalidViews> {
        let (name, half_life_days, window_days) = match self {
            Self::Name(name) => (name, None, None),
            Self::Table { aggregate, half_life_days, window_days } => (aggregate, *half_life_days, *window_days),
        };
        let Some(function) = Function::ALL.into_iter().find(|function| function.name() == name) else {
            return Err(invalid(format!(
                "{key} = \"{name}\" is no aggregate: write \"count\", \"sum\", \"mean\" or \"last\", or a table such as \
                 {{ aggregate = \"mean\", half_life_days = 30 }}"
            )));
        };
        let span = match (half_life_days, window_days) {
            (None, None) => Span::All,
            (Some(_), Some(_)) => {
                return Err(invalid(format!("{key} has both half_life_days and window_days: leave one out")));
            }
            (Some(days), None) if days > 0.0 && days <= f64::from(LONGEST_DAYS) => Span::HalfLife { days },
            (Some(days), None) => {
                return Err(invalid(format!(
                    "{key}.half_life_days = {days} is no time to decay in: give more than 0 and up to {LONGEST_DAYS} days"
                )));
            }
            (None, Some(days @ 1..=LONGEST_WINDOW_DAYS)) => Span::Window { days },
            (None, Some(days)) => {
                return Err(invalid(format!(
                    "{key}.window_days = {days} is no window: give 1 to {LONGEST_WINDOW_DAYS} days"
                )));
            }
        };
        if function == Function::Last && span != Span::All {
            return Err(invalid(format!(
                "{key}: the last value neither decays nor has a window: write \"last\", and set a ttl_days for its view"
            )));
        }
        Ok(Aggregate { function, span })
    }
}

/// Names become parts of other names (`view.feature`, Feast's `view__feature`, columns), so they are plain words.
fn check_name(key: &str, name: &str) -> Result<(), InvalidViews> {
    let is_plain = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|other| other.is_ascii_lowercase() || other.is_ascii_digit() || other == '_');
    if is_plain && name.len() <= 64 {
        return Ok(());
    }
    Err(invalid(format!(
        "{key}: the name \"{name}\" is not plain: begin with a letter, go on with a-z, 0-9 and _, up to 64 characters"
    )))
}

fn check_ttl(key: &str, days: u32) -> Result<(), InvalidViews> {
    if days <= LONGEST_DAYS {
        return Ok(());
    }
    Err(invalid(format!("{key} = {days} is longer than a century: give up to {LONGEST_DAYS} days, or 0 for never")))
}

/// Feast keeps all views of an entity in one hash, under 32 bits of a hash of their names.
fn check_fields(views: &[View]) -> Result<(), InvalidViews> {
    let mut known = BTreeMap::new();
    for (view, feature) in views.iter().flat_map(|view| view.features().iter().map(move |feature| (view, feature))) {
        let field = feast::feature_field(view.name(), feature.name());
        if let Some(other) = known.insert((view.entity(), field), feature.full_name()) {
            return Err(invalid(format!(
                "features {other} and {} would share a field in Redis, as Feast names fields: rename one of them",
                feature.full_name()
            )));
        }
    }
    Ok(())
}

fn invalid(problem: impl Into<String>) -> InvalidViews {
    InvalidViews(problem.into())
}

impl<'de> Deserialize<'de> for FeatureConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// A derived enum would say no more than that nothing fits.
        struct Visitor;

        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            aggregate: String,
            half_life_days: Option<f64>,
            window_days: Option<u32>,
        }

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = FeatureConfig;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an aggregate such as \"mean\", or { aggregate = \"mean\", half_life_days = 30 }")
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<FeatureConfig, E> {
                Ok(FeatureConfig::Name(name.to_owned()))
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<FeatureConfig, A::Error> {
                let table = Table::deserialize(de::value::MapAccessDeserializer::new(map))?;
                let Table { aggregate, half_life_days, window_days } = table;
                Ok(FeatureConfig::Table { aggregate, half_life_days, window_days })
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests;
