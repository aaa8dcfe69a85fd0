//! Text to words.

use super::{ConfigError, is_default};
use serde::{Deserialize, Serialize};

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
    /// English words behind a negation, up to the end of their clause, are other words than elsewhere.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mark_negated: bool,
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
            mark_negated: false,
        }
    }
}

impl Cleaning {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.mark_negated && !self.lowercase {
            let reason = "needs model.cleaning.lowercase = true: negations are known in lower case";
            return Err(ConfigError::new("model.cleaning.mark_negated", reason));
        }
        Ok(())
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
