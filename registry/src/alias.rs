//! Names that move from version to version, and the one way to say which version is meant.

use schemas::ModelVersion;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

/// A name that stands for a version and can be moved, such as `production`: 1 to 100 of `a-z A-Z 0-9 . _ -`, starting with
/// a letter or digit, and nothing that reads as a version (`v3`, `3`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Alias(String);

impl Alias {
    /// The alias as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Alias {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let fits = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
        if looks_like_a_version(text) {
            return Err(format!("`{text}` is no alias, because it reads as a version: take a word such as production"));
        }
        let starts_well = text.bytes().next().is_some_and(|c| c.is_ascii_alphanumeric());
        if starts_well && text.len() <= 100 && text.bytes().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("`{text}` is no alias: use 1 to 100 letters, digits, dots, underscores or hyphens"))
        }
    }
}

/// Which version is meant: a version itself (`v3` or `3`), or whatever an alias stands for now.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reference {
    /// This version, for good.
    Version(ModelVersion),
    /// The version that the alias stands for at the time of asking.
    Alias(Alias),
}

impl FromStr for Reference {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if looks_like_a_version(text) { text.parse().map(Self::Version) } else { text.parse().map(Self::Alias) }
    }
}

impl From<Alias> for Reference {
    fn from(alias: Alias) -> Self {
        Self::Alias(alias)
    }
}

impl From<ModelVersion> for Reference {
    fn from(version: ModelVersion) -> Self {
        Self::Version(version)
    }
}

fn looks_like_a_version(text: &str) -> bool {
    let digits = text.strip_prefix('v').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit())
}

impl fmt::Display for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => version.fmt(f),
            Self::Alias(alias) => alias.fmt(f),
        }
    }
}

impl Serialize for Alias {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Alias {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_with_and_without_the_v() {
        assert_eq!("v3".parse(), Ok(Reference::Version(ModelVersion(3))));
        assert_eq!("3".parse(), Ok(Reference::Version(ModelVersion(3))));
        assert_eq!("v3".parse::<Reference>().map(|r| r.to_string()), Ok("v3".into()));
    }

    #[test]
    fn aliases_are_words_that_no_version_reads_as() {
        for good in ["production", "canary-2", "v3-candidate", "a.b_c", "x"] {
            assert!(matches!(good.parse(), Ok(Reference::Alias(alias)) if alias.as_str() == good), "{good}");
        }
        let long = "x".repeat(101);
        for bad in ["", " ", "v3", "03", "0", "a/b", "../x", ".hidden", "-x", "två", "a b", &long] {
            assert!(bad.parse::<Alias>().is_err(), "{bad}");
        }
    }

    #[test]
    fn version_zero_is_neither() {
        assert!("v0".parse::<Reference>().is_err_and(|e| e.contains("v0")));
    }
}
