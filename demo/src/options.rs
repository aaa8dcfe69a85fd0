//! What a demo is made of: sections of the configuration, and the choices of the command line.

use feature_store::join::JoinConfig;
use feature_store::offline::ReadOptions;
use feature_store::views::Views;
use model::{FitConfig, ModelConfig};
use registry::RegistryConfig;
use schemas::{ModelName, Topics};
use scorer::{GatewayConfig, StreamConfig};
use std::path::PathBuf;

/// The sections of the configuration that count in a demo. The broker and the online store are its own.
#[derive(Debug, Clone)]
pub struct Config {
    /// Names of the topics.
    pub topics: Topics,
    /// What features are called, and how long they last.
    pub features: Views,
    /// What making features for training may take.
    pub join: JoinConfig,
    /// How closely the alias is followed, and where models are kept when [`Options::keep_models`] is set.
    pub registry: RegistryConfig,
    /// The model's name.
    pub name: ModelName,
    /// How texts become numbers.
    pub model: ModelConfig,
    /// How weights are fitted.
    pub fit: FitConfig,
    /// The stream worker.
    pub stream: StreamConfig,
    /// The gateway.
    pub gateway: GatewayConfig,
}

/// What to show.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where reviews come from.
    pub input: Input,
    /// End with the replay. Otherwise the gateway stays, and generated reviews never end.
    pub once: bool,
    /// Keep models in the registry's folder in place of a temporary one.
    pub keep_models: bool,
    /// Take any free port when the gateway's own is taken.
    pub any_port: bool,
    /// Partitions of each topic.
    pub partitions: i32,
}

/// Where reviews come from.
#[derive(Debug, Clone)]
pub enum Input {
    /// From a seeded grammar.
    Generated(Generated),
    /// From files: trained on the first half, replayed from the second.
    Files {
        /// The files.
        paths: Vec<PathBuf>,
        /// Their columns, and which rows count.
        read: ReadOptions,
    },
}

/// How many generated reviews.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Generated {
    /// The same seed gives the same reviews.
    pub seed: u64,
    /// Reviews to train on.
    pub training_reviews: usize,
    /// Reviews replayed at full speed, with [`Options::once`].
    pub replayed_reviews: u64,
    /// Reviews a second, otherwise.
    pub reviews_per_second: f64,
}

impl Default for Generated {
    /// A few seconds of training; a rate that eyes can follow.
    fn default() -> Self {
        Self { seed: 42, training_reviews: 20_000, replayed_reviews: 20_000, reviews_per_second: 100.0 }
    }
}
