//! Whether the world is still the one that a version learned from, watched as it goes: predictions, labels and reviews from Kafka
//! into the detectors, distances and figures of the crate `monitor`; alerts out. `docs/DRIFT.md` says what they mean.

mod categories;
mod config;
mod error;
mod feed;
pub mod metrics;
mod normal;
mod readings;
mod reference;
mod report;
mod service;
mod starts;
mod version;
mod watch;

pub use config::{DetectorName, MonitorConfig};
pub use error::MonitorError;
pub(crate) use reference::{Gathering, REFERENCE};
pub use report::{Malformed, MonitorReport, Records};
pub use service::{GRACE, Monitor, Span};
pub use version::{VersionReport, WordComparison};
