//! The words of a set of texts, and those that a version learned from.

pub use monitor::Words as Profile;

use crate::train::WORDS;

/// The words that a version learned from, where its manifest has them.
pub fn profile_of_version(manifest: &registry::Manifest) -> Option<Profile> {
    serde_json::from_value(manifest.run.parameters.get(WORDS)?.clone()).ok()
}
