//! Words to terms: word n-grams of title and text, each hashed to a slot, each slot with how often it stands in the document.
//! The one function that training and serving share.

use crate::config::{ModelConfig, VectorizerConfig};
use crate::text::{Word, for_each_word, mix};

/// What is scored: a review's headline and body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Document<'a> {
    /// The headline, if any.
    pub title: Option<&'a str>,
    /// The body.
    pub text: &'a str,
}

impl Document<'_> {
    /// How many bytes it has.
    pub fn bytes(&self) -> usize {
        self.title.map_or(0, str::len) + self.text.len()
    }
}

/// A slot and how often the document holds its terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Term {
    pub(crate) slot: u32,
    pub(crate) count: u32,
}

/// The terms of one document, in the order of their first occurrence. Its buffers are used again for the next document.
pub(crate) struct Terms {
    word: Word,
    /// The slots as they come, repetitions included: hashing and counting apart keep the processor's pipeline full.
    slots: Vec<u32>,
    found: Vec<Term>,
    index: SlotIndex,
}

impl Terms {
    const INITIAL_CAPACITY: usize = 4096;

    pub(crate) fn new() -> Self {
        Self {
            word: Word::new(),
            slots: Vec::with_capacity(Self::INITIAL_CAPACITY),
            found: Vec::with_capacity(Self::INITIAL_CAPACITY),
            index: SlotIndex::new(),
        }
    }

    /// Reads a document.
    pub(crate) fn read(&mut self, config: &ModelConfig, document: &Document<'_>) -> &[Term] {
        let Self { word, slots, found, index } = self;
        empty(slots);
        for (field, text) in fields(document) {
            let mut ngrams = Ngrams::new(&config.vectorizer, field);
            for_each_word(&config.cleaning, text, word, |word| {
                ngrams.push(word.hash(), |slot, _| slots.push(slot));
            });
        }
        empty(found);
        index.clear();
        slots.iter().for_each(|&slot| index.count(slot, found));
        found
    }
}

/// Keeps the buffer for the next document, unless a giant one made it grow: its memory is not kept for ever.
fn empty<T>(buffer: &mut Vec<T>) {
    buffer.clear();
    if buffer.capacity() > 64 * Terms::INITIAL_CAPACITY {
        *buffer = Vec::with_capacity(Terms::INITIAL_CAPACITY);
    }
}

/// The document's fields with their numbers, which keep the terms of one apart from those of the other.
pub(crate) fn fields<'a>(document: &Document<'a>) -> impl Iterator<Item = (u64, &'a str)> + use<'a> {
    document.title.into_iter().map(|title| (1, title)).chain([(0, document.text)])
}

/// Forms the n-grams that end with each new word. `chains[k]` holds the hash of the last k + 1 words.
pub(crate) struct Ngrams {
    chains: [u64; VectorizerConfig::MAX_NGRAMS as usize],
    /// How many of them hold words before the next one.
    known: usize,
    longest: usize,
    field_seed: u64,
    shift: u32,
}

impl Ngrams {
    pub(crate) fn new(config: &VectorizerConfig, field: u64) -> Self {
        Self {
            chains: [0; VectorizerConfig::MAX_NGRAMS as usize],
            known: 0,
            longest: usize::from(config.ngrams),
            field_seed: mix(field),
            shift: 64 - u32::from(config.hash_bits),
        }
    }

    /// Takes the next word's hash; calls `emit` with the slot and the length of each n-gram that ends with it.
    #[inline]
    pub(crate) fn push(&mut self, word: u64, mut emit: impl FnMut(u32, usize)) {
        let mut chain = word;
        emit(self.slot(chain), 1);
        let before = std::mem::replace(&mut self.chains[0], word);
        let mut shorter = before;
        for k in 1..=self.known {
            chain = mix(shorter.rotate_left(23) ^ word);
            shorter = std::mem::replace(&mut self.chains[k], chain);
            emit(self.slot(chain), k + 1);
        }
        self.known = (self.known + 1).min(self.longest - 1);
    }

    /// The high bits of a multiplicative hash are the well-mixed ones.
    #[inline]
    fn slot(&self, chain: u64) -> u32 {
        ((chain ^ self.field_seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> self.shift) as u32
    }
}

/// From slot to its place among the found terms: open addressing with linear probing, at most half full. An entry belongs
/// to the document whose number it carries, so that nothing is wiped between documents.
struct SlotIndex {
    entries: Vec<Entry>,
    document: u32,
}

#[derive(Clone, Copy)]
struct Entry {
    document: u32,
    slot: u32,
    place: u32,
}

impl SlotIndex {
    /// Room for 1,024 distinct terms before it grows: 24 KB, which stay in the first-level cache.
    const INITIAL_ENTRIES: usize = 2048;

    fn new() -> Self {
        Self { entries: vec![Entry { document: 0, slot: 0, place: 0 }; Self::INITIAL_ENTRIES], document: 0 }
    }

    fn clear(&mut self) {
        self.document = self.document.wrapping_add(1);
        if self.document == 0 {
            self.entries.fill(Entry { document: 0, slot: 0, place: 0 });
            self.document = 1;
        }
        // One giant document must not make every later one pay with its cache misses.
        if self.entries.len() > 64 * Self::INITIAL_ENTRIES {
            *self = Self { document: 1, ..Self::new() };
        }
    }

    #[inline]
    fn count(&mut self, slot: u32, found: &mut Vec<Term>) {
        let mask = self.entries.len() - 1;
        // The slot is a hash already.
        let mut at = slot as usize & mask;
        loop {
            let entry = &mut self.entries[at];
            if entry.document != self.document {
                *entry = Entry { document: self.document, slot, place: found.len() as u32 };
                found.push(Term { slot, count: 1 });
                if found.len() * 2 > self.entries.len() {
                    self.grow(found);
                }
                return;
            }
            if entry.slot == slot {
                let term = &mut found[entry.place as usize];
                term.count = term.count.saturating_add(1);
                return;
            }
            at = (at + 1) & mask;
        }
    }

    #[cold]
    fn grow(&mut self, found: &[Term]) {
        let length = self.entries.len() * 2;
        self.entries = vec![Entry { document: 0, slot: 0, place: 0 }; length];
        self.document = 1;
        for (place, term) in found.iter().enumerate() {
            let mut at = term.slot as usize & (length - 1);
            while self.entries[at].document == self.document {
                at = (at + 1) & (length - 1);
            }
            self.entries[at] = Entry { document: self.document, slot: term.slot, place: place as u32 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn read(config: &ModelConfig, title: Option<&str>, text: &str) -> HashMap<u32, u32> {
        let mut terms = Terms::new();
        terms.read(config, &Document { title, text }).iter().map(|term| (term.slot, term.count)).collect()
    }

    fn config(ngrams: u8) -> ModelConfig {
        ModelConfig { vectorizer: VectorizerConfig { ngrams, ..VectorizerConfig::default() }, ..ModelConfig::default() }
    }

    #[test]
    fn a_document_of_n_words_has_the_ngrams_up_to_the_longest() {
        // a, b, c, ab, bc, abc.
        assert_eq!(read(&config(3), None, "aa bb cc").len(), 6);
        assert_eq!(read(&config(1), None, "aa bb cc").len(), 3);
        assert_eq!(read(&config(4), None, "aa bb").len(), 3);
    }

    #[test]
    fn repeated_terms_are_counted() {
        let counts = read(&config(1), None, "so so so good");
        assert_eq!(counts.len(), 2);
        assert_eq!(counts.values().sum::<u32>(), 4);
    }

    #[test]
    fn word_order_makes_other_bigrams_and_the_same_words() {
        let forth = read(&config(2), None, "not good");
        let back = read(&config(2), None, "good not");
        assert_eq!(forth.keys().filter(|slot| back.contains_key(slot)).count(), 2);
    }

    #[test]
    fn title_and_text_have_terms_of_their_own() {
        let in_title = read(&config(1), Some("great"), "");
        let in_text = read(&config(1), None, "great");
        assert!(in_title.keys().all(|slot| !in_text.contains_key(slot)));
        assert_eq!(read(&config(1), Some("great"), "great").len(), 2);
    }

    #[test]
    fn a_document_with_many_terms_counts_each_as_a_map_does_and_the_next_one_starts_afresh() {
        let words: Vec<String> = (0..30_000).map(|i| format!("w{}", i % 20_000)).collect();
        let text = words.join(" ");
        let config = config(1);
        let mut expected: HashMap<u32, u32> = HashMap::new();
        let mut ngrams = Ngrams::new(&config.vectorizer, 0);
        for_each_word(&config.cleaning, &text, &mut Word::new(), |word| {
            ngrams.push(word.hash(), |slot, _| *expected.entry(slot).or_default() += 1);
        });
        let mut terms = Terms::new();
        let document = Document { title: None, text: &text };
        for _ in 0..2 {
            let found = terms.read(&config, &document);
            assert_eq!(found.len(), expected.len());
            assert!(found.iter().all(|term| expected[&term.slot] == term.count));
        }
        assert_eq!(terms.read(&config, &Document { title: None, text: "one two" }).len(), 2);
    }

    #[test]
    fn what_a_giant_document_took_is_given_back_with_the_next_one() {
        let giant = (0..300_000).map(|i| format!("w{i}")).collect::<Vec<_>>().join(" ");
        let mut terms = Terms::new();
        let read = |terms: &mut Terms, text| terms.read(&config(1), &Document { title: None, text }).len();
        read(&mut terms, &giant);
        assert!(terms.slots.capacity() >= 300_000 && terms.found.capacity() > 64 * Terms::INITIAL_CAPACITY);
        assert_eq!(read(&mut terms, "one two"), 2);
        let held = [terms.slots.capacity(), terms.found.capacity(), terms.index.entries.len()];
        assert_eq!(held, [Terms::INITIAL_CAPACITY, Terms::INITIAL_CAPACITY, SlotIndex::INITIAL_ENTRIES]);
    }

    #[test]
    fn the_slots_of_format_version_1_never_change() {
        // Whatever changes these numbers makes every stored model score nonsense: raise the format version with it.
        let mut slots = Vec::new();
        let mut ngrams = Ngrams::new(&VectorizerConfig::default(), 0);
        for_each_word(&ModelConfig::default().cleaning, "not a good product 😀", &mut Word::new(), |word| {
            ngrams.push(word.hash(), |slot, _| slots.push(slot));
        });
        assert_eq!(slots, GOLDEN_SLOTS);
    }

    const GOLDEN_SLOTS: [u32; 9] = [3482823, 2591955, 1309580, 125496, 1279092, 682262, 2267846, 3063055, 3409317];
}
