//! Character n-grams within words. A word stands between two boundary marks, so that beginnings and endings are told apart from
//! what stands inside.

use super::Part;
use super::ngrams::key;
use crate::config::VectorizerConfig;
use crate::text::{MAX_WORD_BYTES, hash_bytes};
use std::ops::Range;

/// What stands for the start and the end of a word: bytes that no word holds.
const START: u8 = 0x02;
const END: u8 = 0x03;

/// Calls `emit` with the key of each n-gram of the word's characters, and with the place of these among the characters of the
/// word between its boundary marks.
pub(super) fn for_each(config: &VectorizerConfig, part: Part, word: &[u8], mut emit: impl FnMut(u64, Range<usize>)) {
    let mut bytes = [0; MAX_WORD_BYTES + 2];
    let end = word.len() + 1;
    bytes[0] = START;
    bytes[1..end].copy_from_slice(word);
    bytes[end] = END;
    // Where each character starts, and where the last one ends.
    let mut starts = [0_u8; MAX_WORD_BYTES + 3];
    let mut characters = 0;
    for (at, &byte) in bytes[..=end].iter().enumerate() {
        if byte & 0xC0 != 0x80 {
            starts[characters] = at as u8;
            characters += 1;
        }
    }
    starts[characters] = end as u8 + 1;
    let seed = part.seed();
    for length in usize::from(config.char_ngrams_min)..=usize::from(config.char_ngrams_max).min(characters) {
        for first in 0..=characters - length {
            let range = first..first + length;
            let slice = &bytes[usize::from(starts[range.start])..usize::from(starts[range.end])];
            emit(key(seed, hash_bytes(slice)), range);
        }
    }
}

/// How people read the n-gram of this place of a word: with an ellipsis where the word goes on.
pub(crate) fn name(word: &str, place: Range<usize>) -> String {
    let characters: Vec<char> = word.chars().collect();
    let (first, end) = (place.start.max(1) - 1, (place.end - 1).min(characters.len()));
    let within: String = characters[first..end].iter().collect();
    let before = if place.start > 0 { "…" } else { "" };
    let behind = if place.end < characters.len() + 2 { "…" } else { "" };
    format!("{before}{within}{behind}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(word: &str, min: u8, max: u8) -> Vec<String> {
        let config = VectorizerConfig { char_ngrams_min: min, char_ngrams_max: max, ..VectorizerConfig::default() };
        let mut names = Vec::new();
        for_each(&config, Part::TextCharacters, word.as_bytes(), |_, place| names.push(name(word, place)));
        names
    }

    #[test]
    fn a_word_has_the_ngrams_of_its_characters_and_boundaries() {
        assert_eq!(names("cat", 3, 4), ["ca…", "…cat…", "…at", "cat…", "…cat"]);
        assert_eq!(names("à", 2, 3), ["à…", "…à", "à"]);
        assert!(names("a", 4, 6).is_empty());
    }

    #[test]
    fn the_start_and_the_end_of_words_are_others_than_their_middle() {
        let config = VectorizerConfig { char_ngrams_min: 3, char_ngrams_max: 3, ..VectorizerConfig::default() };
        let keys = |word: &str| {
            let mut keys = Vec::new();
            for_each(&config, Part::TextCharacters, word.as_bytes(), |key, _| keys.push(key));
            keys
        };
        let (short, long) = (keys("good"), keys("goods"));
        let shared = short.iter().filter(|key| long.contains(key)).count();
        assert_eq!((short.len(), long.len(), shared), (4, 5, 3), "<go goo ood");
    }

    #[test]
    fn the_longest_word_of_any_script_is_cut_into_ngrams() {
        let word = "€".repeat(MAX_WORD_BYTES / 3);
        assert_eq!(names(&word, 3, 3).len(), MAX_WORD_BYTES / 3);
        assert_eq!(names(&"x".repeat(MAX_WORD_BYTES), 8, 8).len(), MAX_WORD_BYTES + 2 - 7);
    }
}
