//! What a model is made with. All of it stands in the artifact, so that serving repeats what training did.

mod cleaning;
mod fit;
mod vectorizer;

pub use cleaning::{Cleaning, Markup, Punctuation, Stemming, StopWords, Treatment};
pub use fit::FitConfig;
pub use vectorizer::{TermIndex, VectorizerConfig, Weighting};

use crate::features::{self, FeatureConfig};
use serde::{Deserialize, Serialize};

/// A setting that makes no sense, with the key and what would.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} {reason}")]
pub struct ConfigError {
    /// The key, such as `vectorizer.hash_bits`.
    pub key: &'static str,
    /// What is wrong with it and what would do.
    pub reason: String,
}

impl ConfigError {
    pub(crate) fn new(key: &'static str, reason: impl Into<String>) -> Self {
        Self { key, reason: reason.into() }
    }
}

/// How a document becomes a probability, but for the weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// The names of the classes, the negative one first.
    pub labels: [String; 2],
    /// Text to words.
    pub cleaning: Cleaning,
    /// Words to numbers.
    pub vectorizer: VectorizerConfig,
    /// The features that are weighed beside the text. Models without any have no such entry in their artifact, as those of
    /// the first format.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<FeatureConfig>,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            labels: ["negative".to_owned(), "positive".to_owned()],
            cleaning: Cleaning::default(),
            vectorizer: VectorizerConfig::default(),
            features: Vec::new(),
        }
    }
}

impl ModelConfig {
    /// A label's name stands in each prediction.
    const MAX_LABEL_BYTES: usize = 100;

    /// Checks what the types can't say.
    pub fn check(&self) -> Result<(), ConfigError> {
        let [negative, positive] = &self.labels;
        if negative.trim().is_empty() || positive.trim().is_empty() || negative == positive {
            return Err(ConfigError::new("model.labels", "must be two different names, the negative one first"));
        }
        if self.labels.iter().any(|label| label.len() > Self::MAX_LABEL_BYTES) {
            let reason = format!("must be names of at most {} bytes each", Self::MAX_LABEL_BYTES);
            return Err(ConfigError::new("model.labels", reason));
        }
        self.cleaning.check()?;
        self.vectorizer.check()?;
        features::check(&self.features)
    }
}

/// Settings that later formats brought stand in a file only where they differ from what models did before.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
