//! Text to words: one pass over the bytes, each word handed on from a fixed buffer, nothing allocated.
//!
//! What a word is: a run of letters and digits, apostrophes within it included (`don't`). In scripts that put no spaces between
//! words (Thai, Lao, Khmer, Myanmar, Han, Kana) a word is one character with its marks, so that word n-grams become character
//! n-grams. An emoji is a word. Zero-width characters, variation selectors, skin tones, Arabic and Hebrew points and the
//! tatweel are passed over, and a letter followed by a combining accent is the accented letter.

mod characters;
mod markup;
mod negation;
mod porter;
mod runs;
mod spans;
mod stop_words;
mod word;
mod words;

pub(crate) use word::{MAX_WORD_BYTES, Word, hash_bytes, mix};
pub(crate) use words::for_each_word;
