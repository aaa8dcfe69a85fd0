//! What people wrote beside a version: tags and a description, which are lines of the log and no part of its manifest.

use crate::{Action, LogEntry};
use schemas::ModelVersion;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A tag's name has at most so many bytes.
const MAX_KEY_BYTES: usize = 250;

/// A tag's value and a description have at most so many bytes: both are read whole with the log.
const MAX_TEXT_BYTES: usize = 5_000;

/// The tags and the description of a version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notes {
    /// Tags with their values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl Notes {
    /// What the lines of a log say of each version that they say anything of.
    pub(crate) fn after(entries: &[LogEntry]) -> BTreeMap<ModelVersion, Self> {
        let mut notes: BTreeMap<ModelVersion, Self> = BTreeMap::new();
        for entry in entries {
            match &entry.action {
                Action::Tag { key, value: Some(value) } => {
                    notes.entry(entry.version).or_default().tags.insert(key.clone(), value.clone());
                }
                Action::Tag { key, value: None } => {
                    notes.entry(entry.version).or_default().tags.remove(key);
                }
                Action::Describe { text } => {
                    notes.entry(entry.version).or_default().description =
                        Some(text.clone()).filter(|text| !text.is_empty());
                }
                _ => {}
            }
        }
        notes
    }
}

/// A tag to give to a version: `key=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    pub(crate) key: String,
    /// Without one the tag is taken away.
    pub(crate) value: Option<String>,
}

impl Tag {
    /// A tag with its value.
    pub fn new(key: &str, value: &str) -> Result<Self, String> {
        check_key(key)?;
        check_text(value, "a tag's value")?;
        Ok(Self { key: key.to_owned(), value: Some(value.to_owned()) })
    }

    /// The tag that is no longer.
    pub fn removed(key: &str) -> Result<Self, String> {
        check_key(key)?;
        Ok(Self { key: key.to_owned(), value: None })
    }
}

impl std::str::FromStr for Tag {
    type Err = String;
    /// `key=value` gives the tag, `key-` takes it away, as with Kubernetes' labels.
    fn from_str(text: &str) -> Result<Self, String> {
        match (text.split_once('='), text.strip_suffix('-')) {
            (Some((key, value)), _) => Self::new(key, value),
            (None, Some(key)) => Self::removed(key),
            (None, None) => Err(format!("`{text}` is no tag: write key=value, or key- to take the tag away")),
        }
    }
}

/// The names that other registries know too.
fn check_key(key: &str) -> Result<(), String> {
    let fits = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-' | b'/' | b' ');
    let is_sound = !key.trim().is_empty() && key.trim() == key && key.len() <= MAX_KEY_BYTES && key.bytes().all(fits);
    let rule = "use 1 to 250 letters, digits, dots, underscores, hyphens, slashes or blanks";
    if is_sound { Ok(()) } else { Err(format!("`{key}` is no name of a tag: {rule}")) }
}

pub(crate) fn check_text(text: &str, what: &str) -> Result<(), String> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(format!("{what} has at most {MAX_TEXT_BYTES} bytes, and this one {}", text.len()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_given_and_taken_away() {
        assert_eq!("team=search=1".parse(), Tag::new("team", "search=1"));
        assert_eq!("team=".parse(), Tag::new("team", ""));
        assert_eq!("old-one-".parse(), Tag::removed("old-one"));
        for bad in [
            "team",
            "=x",
            "-",
            " a=b",
            "a\u{e9}=b",
            &format!("{}=x", "k".repeat(251)),
            &format!("k={}", "x".repeat(5001)),
        ] {
            assert!(bad.parse::<Tag>().is_err(), "{bad}");
        }
    }
}
