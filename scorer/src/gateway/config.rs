//! Section `[gateway]` of the configuration.

use serde::{Deserialize, Serialize};
use std::net::ToSocketAddrs;
use std::time::Duration;

/// Where the gateway listens and what it refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayConfig {
    /// host:port; port 0 takes a free one.
    pub listen: String,
    /// Texts and titles longer than this are refused.
    pub max_text_characters: usize,
    /// A batch holds at most this many reviews.
    pub max_batch: usize,
    /// Bodies larger than this are refused unread.
    pub max_body_bytes: usize,
    /// A body arrives, and a prediction is made, within this time each.
    pub request_timeout_ms: u64,
}

impl GatewayConfig {
    /// What is wrong with the values, if anything.
    pub fn check(&self) -> Result<(), String> {
        if let Err(error) = self.listen.to_socket_addrs() {
            return Err(format!(
                "gateway.listen = \"{}\" is no address ({error}): give host:port, such as 127.0.0.1:8080",
                self.listen
            ));
        }
        let at_least_one = [
            ("max_text_characters", self.max_text_characters as u64),
            ("max_batch", self.max_batch as u64),
            ("max_body_bytes", self.max_body_bytes as u64),
            ("request_timeout_ms", self.request_timeout_ms),
        ];
        match at_least_one.into_iter().find(|(_, value)| *value == 0) {
            Some((key, _)) => Err(format!("gateway.{key} = 0 would refuse every request: give at least 1")),
            None => Ok(()),
        }
    }

    pub(super) fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitting() -> GatewayConfig {
        GatewayConfig {
            listen: "127.0.0.1:8080".into(),
            max_text_characters: 5000,
            max_batch: 1000,
            max_body_bytes: 8 << 20,
            request_timeout_ms: 10_000,
        }
    }

    #[test]
    fn fitting_values_pass() {
        assert_eq!(fitting().check(), Ok(()));
        assert_eq!(GatewayConfig { listen: "[::1]:0".into(), ..fitting() }.check(), Ok(()));
    }

    #[test]
    fn an_address_without_a_port_is_named() {
        let error = GatewayConfig { listen: "127.0.0.1".into(), ..fitting() }.check().unwrap_err();
        assert!(error.starts_with("gateway.listen = \"127.0.0.1\" is no address"), "{error}");
    }

    #[test]
    fn a_limit_of_zero_is_named() {
        let error = GatewayConfig { max_batch: 0, ..fitting() }.check().unwrap_err();
        assert_eq!(error, "gateway.max_batch = 0 would refuse every request: give at least 1");
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let mut json = serde_json::to_value(fitting()).unwrap();
        json["max_bodies"] = 1.into();
        assert!(serde_json::from_value::<GatewayConfig>(json).is_err());
    }
}
