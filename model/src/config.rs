//! What a model is made with. All of it stands in the artifact, so that serving repeats what training did.

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
        self.vectorizer.check()?;
        features::check(&self.features)
    }
}

/// What happens to a text before it becomes words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cleaning {
    /// Case is folded.
    pub lowercase: bool,
    /// Tags and entities.
    pub html: Markup,
    /// `http://…`, `https://…`, `www.…`.
    pub urls: Treatment,
    /// `name@host.tld`.
    pub emails: Treatment,
    /// Words of digits alone, with `.` and `,` between digits.
    pub numbers: Treatment,
    /// Punctuation marks as words of their own, or not at all.
    pub punctuation: Punctuation,
    /// Function words that are left out before n-grams are formed.
    pub stop_words: StopWords,
    /// What is done to endings.
    pub stemming: Stemming,
}

impl Default for Cleaning {
    fn default() -> Self {
        Self {
            lowercase: true,
            html: Markup::Remove,
            urls: Treatment::Replace,
            emails: Treatment::Replace,
            numbers: Treatment::Keep,
            punctuation: Punctuation::Drop,
            stop_words: StopWords::None,
            stemming: Stemming::None,
        }
    }
}

/// Markup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Markup {
    /// Tags separate words, entities become the characters that they stand for.
    Remove,
    /// Both are read as if they were text.
    Keep,
}

/// A span of text that is an instance of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Treatment {
    /// One word stands for all of its kind.
    Replace,
    /// It separates words.
    Drop,
    /// It is text.
    Keep,
}

/// Punctuation marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Punctuation {
    /// A run of one mark is a word: `!` for one, `!!` for several.
    Keep,
    /// Marks separate words.
    Drop,
}

/// A list of words to leave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StopWords {
    /// None.
    None,
    /// English function words; negations are not among them, for they turn what follows.
    English,
}

/// A stemmer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stemming {
    /// None.
    None,
    /// Porter's of 1980, on words of ASCII letters.
    Porter,
}

/// How words become numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorizerConfig {
    /// Word n-grams from one word to this many; title and text apart.
    pub ngrams: u8,
    /// What a term that stands in a document weighs.
    pub weighting: Weighting,
    /// 1 + ln(tf) in place of tf.
    pub sublinear_tf: bool,
    /// Terms in fewer training documents are left out.
    pub min_df: u32,
    /// Terms are hashed into 2^hash_bits slots.
    pub hash_bits: u8,
}

impl Default for VectorizerConfig {
    fn default() -> Self {
        Self { ngrams: 2, weighting: Weighting::TfIdf, sublinear_tf: true, min_df: 2, hash_bits: 22 }
    }
}

impl VectorizerConfig {
    /// The longest n-gram.
    pub const MAX_NGRAMS: u8 = 4;

    fn check(&self) -> Result<(), ConfigError> {
        if !(1..=Self::MAX_NGRAMS).contains(&self.ngrams) {
            return Err(ConfigError::new("model.vectorizer.ngrams", "must lie in 1 to 4"));
        }
        // 2^26 slots are 512 MiB in memory, whatever a file of a few bytes says.
        if !(10..=26).contains(&self.hash_bits) {
            return Err(ConfigError::new("model.vectorizer.hash_bits", "must lie in 10 to 26"));
        }
        if self.min_df == 0 {
            return Err(ConfigError::new("model.vectorizer.min_df", "must be 1 or more"));
        }
        Ok(())
    }

    /// Tables of more than 2^24 slots, 128 MiB, are for many terms: else a file of a few bytes could take 512 MiB.
    pub(crate) fn check_terms(&self, terms: usize) -> Result<(), ConfigError> {
        let slots = 1_usize << self.hash_bits;
        let least = slots / 1024;
        if self.hash_bits > 24 && terms < least {
            let reason = format!("must be at most 24 for {terms} terms: {slots} slots are for {least} terms or more");
            return Err(ConfigError::new("model.vectorizer.hash_bits", reason));
        }
        Ok(())
    }
}

/// Term weighting; the document's vector is then normalized to length 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weighting {
    /// 1.
    Binary,
    /// How often the term stands there.
    Tf,
    /// tf times smooth idf, ln((1 + n) / (1 + df)) + 1.
    TfIdf,
}

/// How weights are fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FitConfig {
    /// Inverse strength of the L2 penalty: |w|²/2 + C · Σ log loss, the intercept not penalized (scikit-learn's `C`).
    pub c: f64,
    /// Fitting ends when the relative duality gap is at most this.
    pub tolerance: f64,
    /// Fitting ends after this many passes over the data at the latest.
    pub max_iterations: u32,
    /// Seed of the order in which examples are visited.
    pub seed: u64,
    /// A training matrix that would need more ends the training with an error.
    pub memory_limit_bytes: u64,
}

impl Default for FitConfig {
    fn default() -> Self {
        Self { c: 30.0, tolerance: 0.001, max_iterations: 200, seed: 42, memory_limit_bytes: 8 << 30 }
    }
}

impl FitConfig {
    /// Beyond it there is next to no penalty left, and weights grow as far as rounding lets them.
    const MAX_C: f64 = 1e6;

    /// Checks what the types can't say.
    pub fn check(&self) -> Result<(), ConfigError> {
        if !(self.c > 0.0 && self.c <= Self::MAX_C) {
            return Err(ConfigError::new("train.c", format!("must lie above 0 and be at most {}", Self::MAX_C)));
        }
        if !(self.tolerance.is_finite() && self.tolerance > 0.0) {
            return Err(ConfigError::new("train.tolerance", "must be a number above 0"));
        }
        if self.max_iterations == 0 {
            return Err(ConfigError::new("train.max_iterations", "must be 1 or more"));
        }
        Ok(())
    }
}
