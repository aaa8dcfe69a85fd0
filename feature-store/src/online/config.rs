//! The section `[redis]` of the configuration.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Where the online store is, section `[redis]`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisConfig {
    /// One server, the nodes of a cluster, or sentinels and their service; empty for no online store.
    pub url: String,
    /// A read that takes longer is given up, for each thousand products and users in it.
    pub deadline_ms: u64,
    /// The authority that signed the servers' certificates, in PEM; empty for those that the system trusts.
    pub ca_file: String,
    /// The certificate that servers want to see, in PEM; empty where they want none.
    pub certificate_file: String,
    /// Its key, in PEM (PKCS#8).
    pub key_file: String,
    /// The password of the sentinels, which is not that of the servers; empty where they want none.
    pub sentinel_password: String,
}

impl Default for RedisConfig {
    fn default() -> Self {
        let none = String::new;
        Self {
            url: none(),
            deadline_ms: 20,
            ca_file: none(),
            certificate_file: none(),
            key_file: none(),
            sentinel_password: none(),
        }
    }
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
        if self.certificate_file.is_empty() != self.key_file.is_empty() {
            let (set, missing) = if self.key_file.is_empty() {
                ("certificate_file", "key_file")
            } else {
                ("key_file", "certificate_file")
            };
            return Err(format!("redis.{set} is of no use without redis.{missing}: set both, or neither"));
        }
        if !self.is_enabled() {
            return Ok(());
        }
        if let Err(reason) = super::redis::address::Address::parse(&self.url) {
            return Err(format!(
                "redis.url = \"{}\" cannot be used: {reason}; write redis://[user:password@]host:port[/db], several nodes \
                 with commas for a cluster, redis+sentinel://host:port,../service, and rediss for TLS",
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
        f.debug_struct("RedisConfig")
            .field("url", &self.masked_url())
            .field("deadline_ms", &self.deadline_ms)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: &str) -> RedisConfig {
        RedisConfig { url: url.to_owned(), ..RedisConfig::default() }
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
        assert!(RedisConfig { deadline_ms: 0, ..config("") }.check().unwrap_err().contains("redis.deadline_ms"));
        let half = RedisConfig { key_file: "k.pem".to_owned(), ..config("") };
        assert!(half.check().unwrap_err().contains("redis.certificate_file"));
    }
}
