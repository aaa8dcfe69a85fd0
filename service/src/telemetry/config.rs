//! The section `[telemetry]` of the configuration.

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

/// How to log, and where to send spans.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetryConfig {
    /// Log filter, as `RUST_LOG` has it; that variable wins.
    pub log: String,
    /// Form of log lines.
    pub format: Format,
    /// Collector to send spans to, OTLP over gRPC. Empty: `OTEL_EXPORTER_OTLP_ENDPOINT`, else none.
    pub otlp_endpoint: String,
    /// Share of the traces that start here and are exported, 0 to 1. A trace that comes in is exported when its sender
    /// exports it.
    pub sample_ratio: f64,
}

/// Form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self { log: "info".to_owned(), format: Format::Auto, otlp_endpoint: String::new(), sample_ratio: 1.0 }
    }
}

/// Why telemetry cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A log filter that cannot be parsed.
    #[error("{origin} \"{filter}\" is not a log filter: {reason}")]
    Filter {
        /// The key or variable.
        origin: &'static str,
        /// Its value.
        filter: String,
        /// Why.
        reason: String,
    },
    /// A share outside of 0 to 1.
    #[error("telemetry.sample_ratio must be between 0 and 1, not {0}")]
    SampleRatio(f64),
    /// Spans cannot be sent there.
    #[error("cannot export spans to {endpoint}: {reason}; correct or empty telemetry.otlp_endpoint")]
    Endpoint {
        /// The collector's address.
        endpoint: String,
        /// Why.
        reason: String,
    },
    /// Telemetry has been started before.
    #[error("telemetry was started twice in one process")]
    AlreadyStarted,
}

impl TelemetryConfig {
    /// Refuses a filter that cannot be parsed and a share that is none.
    pub fn check(&self) -> Result<(), Error> {
        if !(0.0..=1.0).contains(&self.sample_ratio) {
            return Err(Error::SampleRatio(self.sample_ratio));
        }
        parse_filter("telemetry.log", &self.log).map(drop)
    }

    /// `RUST_LOG` where it is set, else the configured filter.
    pub(super) fn filter(&self) -> Result<EnvFilter, Error> {
        match std::env::var("RUST_LOG") {
            Ok(filter) if !filter.trim().is_empty() => parse_filter("RUST_LOG", &filter),
            _ => parse_filter("telemetry.log", &self.log),
        }
    }
}

fn parse_filter(origin: &'static str, filter: &str) -> Result<EnvFilter, Error> {
    EnvFilter::builder().parse(filter).map_err(|error| Error::Filter {
        origin,
        filter: filter.to_owned(),
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_filter_names_its_key() {
        let config = TelemetryConfig { log: "info,a=b=c".to_owned(), ..TelemetryConfig::default() };
        let message = config.check().unwrap_err().to_string();
        assert!(message.starts_with("telemetry.log \"info,a=b=c\" is not a log filter"), "{message}");
    }

    #[test]
    fn a_share_is_between_zero_and_one() {
        for sample_ratio in [-0.1, 1.1, f64::NAN] {
            let config = TelemetryConfig { sample_ratio, ..TelemetryConfig::default() };
            assert!(config.check().is_err(), "{sample_ratio}");
        }
        TelemetryConfig::default().check().unwrap();
    }
}
