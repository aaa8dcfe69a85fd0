//! `--preset`: settings of model and training that go well together, chosen on several kinds of reviews (docs/MODEL.md).

use service::config;

/// Between the defaults and whatever else is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Preset {
    /// The defaults: fitted in seconds, scores as fast as a model can
    Fast,
    /// Punctuation and negations count too: fewer errors, and scoring takes about twice the time
    Accurate,
}

impl Preset {
    /// As a layer of the configuration.
    pub fn layer(self) -> config::Preset<'static> {
        match self {
            Self::Fast => config::Preset { name: "fast", settings: "" },
            Self::Accurate => config::Preset { name: "accurate", settings: include_str!("presets/accurate.toml") },
        }
    }
}
