//! From the hashes of words to the keys of n-grams.

use super::{Origin, Part};
use crate::config::VectorizerConfig;
use crate::text::mix;

/// How far n-grams of the opening and the ending words go.
const EDGE_NGRAMS: u8 = 2;

/// Calls `emit` with the key of each term that the words of a field make.
#[inline]
pub(super) fn for_each(config: &VectorizerConfig, part: Part, words: &[u64], mut emit: impl FnMut(u64, Origin)) {
    runs(part, config.ngrams, 0, words, &mut emit);
    if config.skip_bigrams {
        let seed = part.seed();
        for (start, pair) in words.windows(3).enumerate() {
            let hash = mix(pair[0].rotate_left(41) ^ pair[2]);
            emit(key(seed, hash), Origin::Around { part, start });
        }
    }
    if part == Part::Text {
        let longest = config.ngrams.min(EDGE_NGRAMS);
        let first = usize::from(config.first_words).min(words.len());
        runs(Part::Opening, longest, 0, &words[..first], &mut emit);
        let last = words.len() - usize::from(config.last_words).min(words.len());
        runs(Part::Ending, longest, last, &words[last..], &mut emit);
    }
}

/// The n-grams of neighbouring words, from one word to `longest`. The first word is the one of this number in its field.
#[inline]
fn runs(part: Part, longest: u8, first: usize, words: &[u64], emit: &mut impl FnMut(u64, Origin)) {
    let mut ngrams = Ngrams::new(part, longest);
    for (end, &word) in (first..).zip(words) {
        ngrams.push(word, |key, length| emit(key, Origin::Words { part, start: end + 1 - length, length }));
    }
}

/// Puts the keys of the n-grams of neighbouring words behind those in `keys`, in the order in which [`runs`] emits them.
pub(super) fn hash_runs(part: Part, longest: u8, words: &[u64], keys: &mut Vec<u64>) {
    match longest {
        1 => hash_runs_of::<1>(part, words, keys),
        2 => hash_runs_of::<2>(part, words, keys),
        3 => hash_runs_of::<3>(part, words, keys),
        _ => runs(part, longest, 0, words, &mut |key, _| keys.push(key)),
    }
}

/// The same for a length that the compiler knows, so that it unrolls what is done for a word.
fn hash_runs_of<const LONGEST: usize>(part: Part, words: &[u64], keys: &mut Vec<u64>) {
    let seed = part.seed();
    // The first words end fewer n-grams than the others.
    let first = words.len().min(LONGEST - 1);
    runs(part, LONGEST as u8, 0, &words[..first], &mut |key, _| keys.push(key));
    let start = keys.len();
    let ends = words.len() - first;
    keys.resize(start + LONGEST * ends, 0);
    let (targets, _) = keys[start..].as_chunks_mut::<LONGEST>();
    for (target, words) in targets.iter_mut().zip(words.windows(LONGEST)) {
        for (length, target) in (1..).zip(target) {
            let (first, others) = (words[LONGEST - length], &words[LONGEST - length + 1..]);
            let chain = others.iter().fold(first, |chain, word| mix(chain.rotate_left(23) ^ word));
            *target = key(seed, chain);
        }
    }
}

/// Forms the n-grams that end with each new word. `chains[k]` holds the hash of the last k + 1 words.
struct Ngrams {
    chains: [u64; VectorizerConfig::MAX_NGRAMS as usize],
    /// How many of them hold words before the next one.
    known: usize,
    longest: usize,
    seed: u64,
}

impl Ngrams {
    fn new(part: Part, longest: u8) -> Self {
        let chains = [0; VectorizerConfig::MAX_NGRAMS as usize];
        Self { chains, known: 0, longest: usize::from(longest), seed: part.seed() }
    }

    /// Takes the next word's hash; calls `emit` with the key and the length of each n-gram that ends with it.
    #[inline]
    fn push(&mut self, word: u64, mut emit: impl FnMut(u64, usize)) {
        let mut chain = word;
        emit(key(self.seed, chain), 1);
        let before = std::mem::replace(&mut self.chains[0], word);
        let mut shorter = before;
        for k in 1..=self.known {
            chain = mix(shorter.rotate_left(23) ^ word);
            shorter = std::mem::replace(&mut self.chains[k], chain);
            emit(key(self.seed, chain), k + 1);
        }
        self.known = (self.known + 1).min(self.longest - 1);
    }
}

/// A term's number: its hash, apart from those of other parts of the document. The high bits of a multiplicative hash are the
/// well-mixed ones.
#[inline]
pub(super) fn key(seed: u64, hash: u64) -> u64 {
    (hash ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
