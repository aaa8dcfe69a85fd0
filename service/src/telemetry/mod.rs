//! Logs and traces of a process: text for people on a terminal, JSON for machines elsewhere, and spans to an
//! OpenTelemetry collector where one is named. Telemetry never stops or slows the work: a collector that is away costs
//! one warning and the spans.

mod config;
mod export;
mod install;
pub mod propagation;

pub use config::{Error, Format, TelemetryConfig};
pub use install::{Guard, init};
