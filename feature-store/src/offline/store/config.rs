//! Section `[offline]` of the configuration.

use serde::{Deserialize, Serialize};

/// Where the offline store is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfflineConfig {
    /// A folder, or s3://bucket/prefix; empty: none.
    pub url: String,
}
