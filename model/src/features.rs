//! Features beside the text: which ones a model takes, by name, and what is done to a value before it is weighed. Where the
//! values come from is for callers to say: a file when training, the online store when scoring.

use crate::config::ConfigError;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;

/// So many features a model may have: enough for aggregates, and few enough for a metric of each.
pub const MAX_FEATURES: usize = 32;

/// The key in configurations and error messages.
const KEY: &str = "model.features";

/// A feature that a model takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeatureConfig {
    /// The full name, `view.feature`, such as `product_stats.rating_mean`.
    pub name: String,
    /// What is done to the value first.
    pub transform: Transform,
}

/// What is done to a value before it is standardized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transform {
    /// Nothing.
    #[default]
    None,
    /// ln(1 + x): for counts, whose difference between 1 and 10 says as much as that between 100 and 1,000.
    Log1p,
}

impl FeatureConfig {
    const MAX_NAME_BYTES: usize = 100;

    /// The value as it is weighed; none where it counts as missing: no finite number, or none that the transform takes.
    pub fn transformed(&self, value: f64) -> Option<f64> {
        if !self.takes(value) {
            return None;
        }
        Some(match self.transform {
            Transform::None => value,
            Transform::Log1p => value.ln_1p(),
        })
    }

    /// Whether a value is one; otherwise it counts as missing.
    #[inline]
    pub fn takes(&self, value: f64) -> bool {
        match self.transform {
            Transform::None => value.is_finite(),
            Transform::Log1p => value.is_finite() && value > -1.0,
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        let Self { name, .. } = self;
        let is_named = name.split_once('.').is_some_and(|(view, feature)| !view.is_empty() && !feature.is_empty());
        if !is_named || name.contains(|c: char| c.is_whitespace() || c.is_control()) {
            let reason = format!("holds \"{name}\": name each feature VIEW.FEATURE, such as product_stats.rating_mean");
            return Err(ConfigError::new(KEY, reason));
        }
        if name.len() > Self::MAX_NAME_BYTES {
            let reason = format!("must hold names of at most {} bytes each", Self::MAX_NAME_BYTES);
            return Err(ConfigError::new(KEY, reason));
        }
        Ok(())
    }
}

/// Checks a model's list of features.
pub(crate) fn check(features: &[FeatureConfig]) -> Result<(), ConfigError> {
    if features.len() > MAX_FEATURES {
        return Err(ConfigError::new(KEY, format!("must name at most {MAX_FEATURES}, it names {}", features.len())));
    }
    for (place, feature) in features.iter().enumerate() {
        feature.check()?;
        if features[..place].iter().any(|earlier| earlier.name == feature.name) {
            return Err(ConfigError::new(KEY, format!("names \"{}\" twice: keep one of them", feature.name)));
        }
    }
    Ok(())
}

/// A name alone, or a table: `"product_stats.rating_mean"`, `{ name = "product_stats.rating_count", transform = "log1p" }`.
impl<'de> Deserialize<'de> for FeatureConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NameOrTable)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: String,
    #[serde(default)]
    transform: Transform,
}

struct NameOrTable;

impl<'de> Visitor<'de> for NameOrTable {
    type Value = FeatureConfig;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a feature's name, or a table of its name and transform")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<FeatureConfig, E> {
        Ok(FeatureConfig { name: name.to_owned(), transform: Transform::None })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FeatureConfig, A::Error> {
        let Table { name, transform } = Table::deserialize(MapAccessDeserializer::new(map))?;
        Ok(FeatureConfig { name, transform })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<FeatureConfig, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    fn feature(name: &str, transform: Transform) -> FeatureConfig {
        FeatureConfig { name: name.to_owned(), transform }
    }

    #[test]
    fn a_feature_is_a_name_or_a_table() {
        assert_eq!(read(r#""a.b""#), Ok(feature("a.b", Transform::None)));
        assert_eq!(read(r#"{"name": "a.b"}"#), Ok(feature("a.b", Transform::None)));
        let log1p = feature("a.b", Transform::Log1p);
        assert_eq!(read(r#"{"name": "a.b", "transform": "log1p"}"#), Ok(log1p.clone()));
        assert_eq!(read(&serde_json::to_string(&log1p).unwrap()), Ok(log1p));
        for (wrong, says) in [
            ("3", "a feature's name, or a table"),
            (r#"{"transform": "log1p"}"#, "missing field `name`"),
            (r#"{"name": "a.b", "scale": 2}"#, "unknown field `scale`"),
            (r#"{"name": "a.b", "transform": "log"}"#, "expected `none` or `log1p`"),
        ] {
            assert!(read(wrong).is_err_and(|error| error.contains(says)), "{wrong}: {:?}", read(wrong));
        }
    }

    #[test]
    fn lists_that_make_no_sense_are_refused() {
        let refusal = |names: &[String]| {
            let features: Vec<_> = names.iter().map(|name| feature(name, Transform::None)).collect();
            check(&features).map_err(|error| error.to_string())
        };
        assert_eq!(refusal(&["a.b".to_owned(), "a.c".to_owned()]), Ok(()));
        for name in ["rating_mean", ".b", "a.", "", "a. b", "a.b\n"] {
            assert!(refusal(&[name.to_owned()]).is_err_and(|error| error.contains("VIEW.FEATURE")), "{name:?}");
        }
        assert!(refusal(&[format!("a.{}", "b".repeat(100))]).is_err_and(|error| error.contains("100 bytes")));
        assert!(refusal(&["a.b".to_owned(), "a.b".to_owned()]).is_err_and(|error| error.contains("\"a.b\" twice")));
        let many: Vec<String> = (0..=MAX_FEATURES).map(|i| format!("a.b{i}")).collect();
        assert!(refusal(&many).is_err_and(|error| error.contains("at most 32, it names 33")));
    }

    #[test]
    fn what_a_transform_does_not_take_is_missing() {
        let [plain, log1p] = [Transform::None, Transform::Log1p].map(|transform| feature("a.b", transform));
        assert_eq!((plain.transformed(-2.0), log1p.transformed(-2.0)), (Some(-2.0), None));
        assert_eq!((log1p.transformed(0.0), log1p.transformed(-1.0)), (Some(0.0), None));
        assert_eq!(log1p.transformed(1.0), Some(std::f64::consts::LN_2));
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!((plain.transformed(value), log1p.transformed(value)), (None, None));
        }
    }
}
