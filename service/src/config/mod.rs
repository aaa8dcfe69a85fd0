//! Configuration in layers: embedded defaults < preset < file < environment < command line. The defaults are the complete list
//! of keys: any other key is an error that names the key, where it was written and the nearest known one. What a key
//! means, and whether its value makes sense, is left to the structs that the caller composes.
//!
//! ```
//! use service::config::{self, Layers};
//!
//! #[derive(serde::Deserialize)]
//! struct Kafka { brokers: String }
//! #[derive(serde::Deserialize)]
//! struct Config { kafka: Kafka }
//!
//! let environment = [("APP__KAFKA__BROKERS".to_owned(), "broker:9092".to_owned())];
//! let config: Config = config::load(&Layers {
//!     defaults: "[kafka]\nbrokers = \"localhost:9092\"",
//!     environment_prefix: "APP",
//!     environment: &environment,
//!     ..Layers::default()
//! })?;
//! assert_eq!(config.kafka.brokers, "broker:9092");
//! # Ok::<(), config::ConfigError>(())
//! ```

mod effective;
mod error;
mod layers;
mod secret;
mod words;

pub use effective::Effective;
pub use error::{ConfigError, Layer};
pub use layers::{Layers, Preset, environment, load, merge, parse_override};
pub use secret::redact_url;
