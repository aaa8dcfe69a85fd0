//! Which model made a prediction.

use serde::{Deserialize, Deserializer, Serialize, de};
use std::fmt;
use std::str::FromStr;

/// The name of a registered model, such as `sentiment`: 1 to 100 of `a-z A-Z 0-9 . _ -`, not starting with a dot, so that
/// it fits a folder, an object key and a record key alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct ModelName(#[schemars(regex(pattern = r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$"))] String);

impl ModelName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ModelName {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let fits = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
        if (1..=100).contains(&text.len()) && !text.starts_with('.') && text.bytes().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("`{text}` is no model name: use 1 to 100 letters, digits, dots, underscores or hyphens"))
        }
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ModelName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map_err(|_| de::Error::invalid_value(de::Unexpected::Str(&name), &"a model name"))
    }
}

/// The number of a model version, from 1; written `v1`, read with or without the `v`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelVersion(pub u64);

impl fmt::Display for ModelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

impl FromStr for ModelVersion {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix('v').unwrap_or(text);
        match digits.parse() {
            Ok(number) if number > 0 && digits.bytes().all(|c| c.is_ascii_digit()) => Ok(Self(number)),
            _ => Err(format!("`{text}` is no model version: give a number such as v3")),
        }
    }
}

impl Serialize for ModelVersion {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ModelVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let version = String::deserialize(deserializer)?;
        version.parse().map_err(|_| de::Error::invalid_value(de::Unexpected::Str(&version), &"a version such as v3"))
    }
}

impl schemars::JsonSchema for ModelVersion {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ModelVersion".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^v[1-9][0-9]*$", "description": "a model version, such as v3"})
    }
}

/// The model that made a prediction, to the last online update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ModelRef {
    /// The registered name.
    pub name: ModelName,
    /// The batch-trained version.
    pub version: ModelVersion,
    /// How many online updates had been applied on top of the version; 0 for the version as trained.
    pub update: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_name_fits_a_folder_and_a_key() {
        for name in ["sentiment", "a", "eu.Sentiment_2-b", &"m".repeat(100)] {
            assert_eq!(name.parse::<ModelName>().unwrap().as_str(), name);
        }
        for name in ["", ".", "..", ".hidden", "a/b", "a\\b", "a b", "gefühl", "a\0", &"m".repeat(101)] {
            name.parse::<ModelName>().unwrap_err();
        }
    }

    #[test]
    fn a_version_is_read_with_and_without_its_v() {
        assert_eq!("v3".parse(), Ok(ModelVersion(3)));
        assert_eq!("3".parse(), Ok(ModelVersion(3)));
        assert_eq!(ModelVersion(3).to_string(), "v3");
        for text in ["", "v", "0", "v0", "vv3", "-3", "+3", "v+3", "3.0", " 3", "v18446744073709551616"] {
            text.parse::<ModelVersion>().unwrap_err();
        }
    }
}
