//! Section `[offline]` of the configuration.

use super::Dataset;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Where the offline store is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfflineConfig {
    /// A folder, or s3://bucket/prefix; empty: none.
    pub url: String,
}

impl OfflineConfig {
    /// Where a dataset lies, as an input; none without a store.
    pub fn path_of(&self, dataset: Dataset) -> Option<PathBuf> {
        let url = self.url.trim_end_matches('/');
        (!self.url.is_empty()).then(|| PathBuf::from(format!("{url}/{dataset}")))
    }
}
