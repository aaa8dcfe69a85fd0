//! Text to probability. A document becomes hashed word n-grams, weighted and normalized, and a few standardized features beside
//! them; a linear model makes a probability of both. Training and serving call the same functions of this crate, so there is no skew between them to find. Everything is
//! synchronous, takes its settings, seeds and buffers as arguments, and does no I/O.

mod artifact;
mod config;
mod dense;
mod explain;
mod features;
mod fit;
mod heavy_terms;
mod keep_rates;
pub mod metrics;
mod parts;
mod scoring;
mod slots;
mod table;
mod terms;
mod text;
mod update;
mod vocabulary;

pub use artifact::{ArtifactError, MAX_ARTIFACT_BYTES, sha256_hex};
pub use config::{
    Cleaning, ConfigError, FitConfig, Markup, ModelConfig, Punctuation, Stemming, StopWords, TermIndex, Treatment,
    VectorizerConfig, Weighting,
};
pub use dense::Standard;
pub use explain::{Contribution, Explanation, FeatureContribution, Field};
pub use features::{FeatureConfig, MAX_FEATURES, Transform};
pub use fit::{Corpus, FitError, FitProgress, FitReport};
pub use heavy_terms::{HeavyTerms, NamedTerm, NamedTerms};
pub use keep_rates::KeepRates;
pub use parts::{FeaturePart, Parts, TermPart};
pub use scoring::{Model, Scratch, TermFrequency, sigmoid};
pub use terms::{Document, Occurrences};
pub use update::{Base, NotApplied, Update, UpdateError, UpdatedModel};
