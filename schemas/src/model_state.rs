//! What stands in the topic `models`: which model is in force, and how scorers get to it. Values of updates are bytes of their
//! own format (the crate `model`); everything else is JSON. `docs/UPDATES.md` has the protocol.

use crate::decode::{self, DecodeError};
use crate::{ModelName, ModelVersion};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// So many updates of a model have keys of their own; the next one takes the key of the oldest, which compaction then drops. A
/// snapshot stands in the topic before an update loses its key that is newer than the last snapshot.
pub const UPDATE_KEYS: u64 = 1024;

/// A larger update stands in the registry alone, and its record has an empty value: topics take a megabyte by default.
pub const UPDATE_VALUE_BYTES: usize = 900_000;

/// The headers of an update's record: what can be known without reading its value.
pub mod update_headers {
    /// The version that it goes on from, as `v3`.
    pub const VERSION: &str = "version";
    /// The SHA-256 of that version's artifact, in lower-case hexadecimal.
    pub const SHA256: &str = "sha256";
    /// Its number, in decimal digits.
    pub const NUMBER: &str = "number";
}

/// The key of a record in the topic `models`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ModelsKey {
    /// The model.
    pub name: ModelName,
    /// What the record says of it.
    pub kind: ModelsKind,
}

/// What a record in the topic `models` says of its model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ModelsKind {
    /// `<name>`: what is in production. A [`ModelState`].
    Pointer,
    /// `<name>/checkpoint`: from where the learner goes on. A [`ModelState`].
    Checkpoint,
    /// `<name>/snapshot`: the last update whose whole model is stored. A [`ModelState`].
    Snapshot,
    /// `<name>/update/<number modulo UPDATE_KEYS>`: an update's bytes.
    Update {
        /// The number modulo [`UPDATE_KEYS`].
        place: u64,
    },
}

impl ModelsKey {
    /// That of an update.
    pub fn update(name: ModelName, number: u64) -> Self {
        Self { name, kind: ModelsKind::Update { place: number % UPDATE_KEYS } }
    }

    /// Reads a record's key; none where it is not one of ours.
    pub fn parse(key: &[u8]) -> Option<Self> {
        std::str::from_utf8(key).ok()?.parse().ok()
    }
}

impl fmt::Display for ModelsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, kind } = self;
        match kind {
            ModelsKind::Pointer => write!(f, "{name}"),
            ModelsKind::Checkpoint => write!(f, "{name}/checkpoint"),
            ModelsKind::Snapshot => write!(f, "{name}/snapshot"),
            ModelsKind::Update { place } => write!(f, "{name}/update/{place}"),
        }
    }
}

impl FromStr for ModelsKey {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, rest) = text.split_once('/').map_or((text, None), |(name, rest)| (name, Some(rest)));
        let kind = match rest {
            None => ModelsKind::Pointer,
            Some("checkpoint") => ModelsKind::Checkpoint,
            Some("snapshot") => ModelsKind::Snapshot,
            Some(rest) => {
                let place = rest.strip_prefix("update/").and_then(|place| place.parse().ok());
                ModelsKind::Update { place: place.ok_or_else(|| format!("`{text}` is no key of the topic models"))? }
            }
        };
        Ok(Self { name: name.parse()?, kind })
    }
}

/// A model at an update, and where it is stored: the pointer, the checkpoint and the snapshot in the topic `models`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ModelState {
    /// The registered name.
    pub name: ModelName,
    /// The batch-trained version.
    pub version: ModelVersion,
    /// The SHA-256 of that version's artifact, in lower-case hexadecimal.
    pub sha256: String,
    /// The last update that is in it; 0 for the version as trained.
    pub update: u64,
    /// Where it is stored: a path in the registry.
    pub location: String,
    /// The SHA-256 of what is stored there, in lower-case hexadecimal.
    pub content_sha256: String,
    /// For a checkpoint: the next offset of each partition, by topic, of the records that it holds the lessons of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offsets: Option<BTreeMap<String, BTreeMap<i32, i64>>>,
}

impl ModelState {
    /// Reads a record's value.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let state: Self = decode::json(bytes)?;
        state.check()?;
        Ok(state)
    }

    /// Checks what the types can't say.
    fn check(&self) -> Result<(), DecodeError> {
        let is_sha256 =
            |digits: &str| digits.len() == 64 && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        for (field, digits) in [("sha256", &self.sha256), ("content_sha256", &self.content_sha256)] {
            if !is_sha256(digits) {
                return Err(DecodeError::invalid(field, "is no SHA-256, expected 64 hexadecimal digits in lower case"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_written() {
        let name: ModelName = "eu.sentiment".parse().unwrap();
        let kinds = [ModelsKind::Pointer, ModelsKind::Checkpoint, ModelsKind::Snapshot];
        let keys = kinds.map(|kind| ModelsKey { name: name.clone(), kind });
        for key in keys.into_iter().chain([ModelsKey::update(name.clone(), 5000)]) {
            assert_eq!(ModelsKey::parse(key.to_string().as_bytes()), Some(key));
        }
        assert_eq!(ModelsKey::update(name, 1025).to_string(), "eu.sentiment/update/1");
    }

    #[test]
    fn a_key_of_somebody_else_is_none() {
        for key in
            ["", "/", "a/", "a/updates", "a/update", "a/update/", "a/update/x", "a/update/-1", "a b", "a/snapshot/1"]
        {
            assert_eq!(ModelsKey::parse(key.as_bytes()), None, "{key}");
        }
        assert_eq!(ModelsKey::parse(b"\xff"), None);
    }
}
