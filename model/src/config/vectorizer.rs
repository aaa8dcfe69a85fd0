//! Words to numbers.

use super::{ConfigError, is_default};
use serde::{Deserialize, Serialize};

/// How words become numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorizerConfig {
    /// Word n-grams from one word to this many; title and text apart.
    pub ngrams: u8,
    /// A word with the next but one, whatever stands between.
    #[serde(default, skip_serializing_if = "is_default")]
    pub skip_bigrams: bool,
    /// The shortest n-grams of a word's characters, its boundaries counted as characters.
    #[serde(default = "shortest_characters", skip_serializing_if = "is_shortest_characters")]
    pub char_ngrams_min: u8,
    /// The longest; 0 for none at all.
    #[serde(default, skip_serializing_if = "is_default")]
    pub char_ngrams_max: u8,
    /// So many words at the start of the text make terms of their own beside those of the whole text: single words and pairs.
    #[serde(default, skip_serializing_if = "is_default")]
    pub first_words: u16,
    /// The same at its end.
    #[serde(default, skip_serializing_if = "is_default")]
    pub last_words: u16,
    /// What a term that stands in a document weighs.
    pub weighting: Weighting,
    /// 1 + ln(tf) in place of tf.
    pub sublinear_tf: bool,
    /// The weight of a term is multiplied with the absolute log-count ratio that naive Bayes gives it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub naive_bayes: bool,
    /// What terms of the title weigh, where those of the text weigh 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub title_weight: f32,
    /// Terms in fewer training documents are left out.
    pub min_df: u32,
    /// Of the others, so many are kept at most, those in the most training documents; 0 keeps all.
    #[serde(default, skip_serializing_if = "is_default")]
    pub max_features: u32,
    /// How terms are told apart.
    #[serde(default, skip_serializing_if = "is_default")]
    pub terms: TermIndex,
    /// Hashed terms share 2^hash_bits slots.
    pub hash_bits: u8,
}

impl Default for VectorizerConfig {
    fn default() -> Self {
        Self {
            ngrams: 3,
            skip_bigrams: false,
            char_ngrams_min: shortest_characters(),
            char_ngrams_max: 0,
            first_words: 0,
            last_words: 0,
            weighting: Weighting::TfIdf,
            sublinear_tf: true,
            naive_bayes: true,
            title_weight: 1.0,
            min_df: 2,
            max_features: 150_000,
            terms: TermIndex::Exact,
            hash_bits: 22,
        }
    }
}

impl VectorizerConfig {
    /// The longest n-gram.
    pub const MAX_NGRAMS: u8 = 4;

    /// The longest n-gram of characters.
    pub const MAX_CHAR_NGRAMS: u8 = 8;

    /// More words than that are no edge of a text.
    pub const MAX_EDGE_WORDS: u16 = 1000;

    pub(super) fn check(&self) -> Result<(), ConfigError> {
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
        if !(self.title_weight >= 0.01 && self.title_weight <= 100.0) {
            return Err(ConfigError::new("model.vectorizer.title_weight", "must lie in 0.01 to 100"));
        }
        self.check_characters()?;
        self.check_edges()
    }

    fn check_characters(&self) -> Result<(), ConfigError> {
        let Self { char_ngrams_min: min, char_ngrams_max: max, .. } = *self;
        if !(1..=Self::MAX_CHAR_NGRAMS).contains(&min) {
            let reason = format!("must lie in 1 to {}", Self::MAX_CHAR_NGRAMS);
            return Err(ConfigError::new("model.vectorizer.char_ngrams_min", reason));
        }
        if max > Self::MAX_CHAR_NGRAMS || (max > 0 && max < min) {
            let reason = format!(
                "must be 0, for none, or lie in model.vectorizer.char_ngrams_min, {min}, to {}",
                Self::MAX_CHAR_NGRAMS
            );
            return Err(ConfigError::new("model.vectorizer.char_ngrams_max", reason));
        }
        Ok(())
    }

    fn check_edges(&self) -> Result<(), ConfigError> {
        let edges =
            [("model.vectorizer.first_words", self.first_words), ("model.vectorizer.last_words", self.last_words)];
        for (key, words) in edges {
            if words > Self::MAX_EDGE_WORDS {
                return Err(ConfigError::new(key, format!("must be at most {}", Self::MAX_EDGE_WORDS)));
            }
        }
        Ok(())
    }

    /// Whether terms are n-grams of neighbouring words, and nothing else.
    pub(crate) fn has_only_neighbours(&self) -> bool {
        !self.skip_bigrams && self.char_ngrams_max == 0 && self.first_words == 0 && self.last_words == 0
    }

    /// How far a key is shifted to the right to become a slot.
    pub(crate) fn shift(&self) -> u32 {
        64 - u32::from(self.hash_bits)
    }

    /// Whether it asks for what the formats up to 2 did not know.
    pub(crate) fn is_of_format_3(&self) -> bool {
        let of_format_2 = Self {
            skip_bigrams: false,
            char_ngrams_min: shortest_characters(),
            char_ngrams_max: 0,
            first_words: 0,
            last_words: 0,
            naive_bayes: false,
            title_weight: 1.0,
            max_features: 0,
            terms: TermIndex::Hashed,
            ..self.clone()
        };
        *self != of_format_2
    }

    /// Tables of more than 2^24 slots, 128 MiB, are for many terms: else a file of a few bytes could take 512 MiB.
    pub(crate) fn check_terms(&self, terms: usize) -> Result<(), ConfigError> {
        if self.terms == TermIndex::Exact {
            return Ok(());
        }
        let slots = 1_usize << self.hash_bits;
        let least = slots / 1024;
        if self.hash_bits > 24 && terms < least {
            let reason = format!("must be at most 24 for {terms} terms: {slots} slots are for {least} terms or more");
            return Err(ConfigError::new("model.vectorizer.hash_bits", reason));
        }
        Ok(())
    }
}

fn shortest_characters() -> u8 {
    3
}

fn is_shortest_characters(length: &u8) -> bool {
    *length == shortest_characters()
}

fn one() -> f32 {
    1.0
}

fn is_one(weight: &f32) -> bool {
    *weight == 1.0
}

/// How terms are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TermIndex {
    /// By a slot, which some share.
    #[default]
    Hashed,
    /// By 64 bits of hash, which no two of a billion terms are likely to share.
    Exact,
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
