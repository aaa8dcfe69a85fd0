//! The sections `[redis]` and `[features]` of the configuration.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Where the online store is, section `[redis]`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisConfig {
    /// `redis://[user:password@]host:port[/db]`; empty for no online store.
    pub url: String,
    /// A read that takes longer is given up.
    pub deadline_ms: u64,
}

impl RedisConfig {
    /// Whether there is an online store.
    pub fn is_enabled(&self) -> bool {
        !self.url.is_empty()
    }

    /// What is wrong with the section, if anything.
    pub fn check(&self) -> Result<(), String> {
        if self.deadline_ms == 0 {
            return Err("redis.deadline_ms = 0 leaves no time for an answer: give milliseconds, such as 20".to_owned());
        }
        if self.is_enabled() && !self.url.starts_with("redis://") {
            return Err(format!(
                "redis.url = \"{}\" is no address this build can use: write redis://[user:password@]host:port[/db]",
                self.masked_url()
            ));
        }
        Ok(())
    }

    /// The time a read may take.
    pub fn deadline(&self) -> Duration {
        Duration::from_millis(self.deadline_ms)
    }

    /// The url as it may stand in messages: without the password.
    pub fn masked_url(&self) -> String {
        let (scheme, rest) = self.url.split_once("://").unwrap_or(("", &self.url));
        let separator = if scheme.is_empty() { "" } else { "://" };
        // A password may hold an `@` of its own; hosts never do.
        match rest.rsplit_once('@') {
            Some((secret, host)) => {
                let user = secret.split_once(':').map_or("", |(user, _)| user);
                let colon = if user.is_empty() { "" } else { ":" };
                format!("{scheme}{separator}{user}{colon}***@{host}")
            }
            None => self.url.clone(),
        }
    }
}

impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConfig").field("url", &self.masked_url()).field("deadline_ms", &self.deadline_ms).finish()
    }
}

/// What the features mean, section `[features]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeaturesConfig {
    /// Feast's project: the end of every key in Redis.
    pub project: String,
    /// Values whose last event is older than this are stale; 0 for never.
    pub ttl_days: u32,
}

impl FeaturesConfig {
    /// What is wrong with the section, if anything.
    pub fn check(&self) -> Result<(), String> {
        if self.project.trim().is_empty() {
            return Err("features.project is empty: name a project, such as plaudit".to_owned());
        }
        Ok(())
    }

    /// The age from which values are stale; none for never.
    pub(super) fn ttl_millis(&self) -> Option<i64> {
        const DAY_MILLIS: i64 = 86_400_000;
        (self.ttl_days > 0).then(|| i64::from(self.ttl_days) * DAY_MILLIS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: &str) -> RedisConfig {
        RedisConfig { url: url.to_owned(), deadline_ms: 20 }
    }

    #[test]
    fn a_password_is_masked_wherever_the_url_is_shown() {
        for (url, masked) in [
            ("redis://:se@cret@host:1/0", "redis://***@host:1/0"),
            ("redis://me:secret@host:1", "redis://me:***@host:1"),
            ("redis://secret@host:1", "redis://***@host:1"),
            ("redis://host:1", "redis://host:1"),
            ("me:secret@host", "me:***@host"),
        ] {
            assert_eq!(config(url).masked_url(), masked);
            assert!(!format!("{:?}", config(url)).contains("secret"));
        }
    }

    #[test]
    fn wrong_sections_are_refused_without_their_password() {
        assert!(config("redis://host:1").check().is_ok());
        assert!(config("").check().is_ok());
        let error = config("http://me:secret@host").check().unwrap_err();
        assert!(error.contains("redis.url") && !error.contains("secret"), "{error}");
        assert!(RedisConfig { url: String::new(), deadline_ms: 0 }.check().unwrap_err().contains("redis.deadline_ms"));
        assert!(
            FeaturesConfig { project: " ".to_owned(), ttl_days: 0 }.check().unwrap_err().contains("features.project")
        );
    }
}
