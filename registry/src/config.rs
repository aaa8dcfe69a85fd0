//! Section `[registry]` of the configuration.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Where the registry is and how closely it is followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryConfig {
    /// A folder, or s3://bucket/prefix.
    pub url: String,
    /// How often running services look for a changed alias.
    pub poll_interval_ms: u64,
}

impl RegistryConfig {
    /// How often running services look for a changed alias.
    pub fn poll_interval(&self) -> Duration {
        Duration::from_millis(self.poll_interval_ms)
    }

    /// What is wrong with the section, if anything.
    pub fn check(&self) -> Result<(), String> {
        if self.url.is_empty() {
            return Err("registry.url is empty: give a folder that holds the models, or s3://bucket/prefix".into());
        }
        if self.poll_interval_ms == 0 {
            return Err("registry.poll_interval_ms is 0: give at least 1".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_folder_and_an_interval_of_nothing_are_refused() {
        let check = |url: &str, poll_interval_ms| RegistryConfig { url: url.into(), poll_interval_ms }.check();
        assert_eq!(check("models", 1000), Ok(()));
        assert!(check("", 1000).is_err_and(|error| error.contains("registry.url")));
        assert!(check("models", 0).is_err_and(|error| error.contains("registry.poll_interval_ms")));
    }
}
