//! Words to terms: word n-grams of title and text, each hashed to a slot, each slot with how often it stands in the document.
//! The one function that training and serving share.

use crate::config::{ModelConfig, VectorizerConfig};
use crate::slots::Slots;
use crate::text::{Word, for_each_word, mix};

/// What is scored: a review's headline and body, and what is known beside them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Document<'a> {
    /// The headline, if any.
    pub title: Option<&'a str>,
    /// The body.
    pub text: &'a str,
    /// The values of the model's features, in the order in which it names them. One that is not a finite number is missing,
    /// and so is what a shorter list leaves out.
    pub features: &'a [f64],
}

impl Document<'_> {
    /// How many bytes its text has.
    pub fn bytes(&self) -> usize {
        self.title.map_or(0, str::len) + self.text.len()
    }
}

/// How often the document holds the terms of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Occurrences {
    /// The slot, or its place among those that the model knows.
    pub(crate) of: u32,
    pub(crate) count: u32,
}

/// The terms of one document, in the order of their first occurrence. Its buffers are used again for the next document.
pub(crate) struct Terms {
    word: Word,
    /// The slots as they come, repetitions included: hashing and counting apart keep the processor's pipeline full.
    slots: Vec<u32>,
    found: Vec<Occurrences>,
    index: FoundIndex,
}

impl Terms {
    const INITIAL_CAPACITY: usize = 4096;

    pub(crate) fn new() -> Self {
        Self {
            word: Word::new(),
            slots: Vec::with_capacity(Self::INITIAL_CAPACITY),
            found: Vec::with_capacity(Self::INITIAL_CAPACITY),
            index: FoundIndex::new(),
        }
    }

    /// The slots of a document.
    pub(crate) fn read(&mut self, config: &ModelConfig, document: &Document<'_>) -> &[Occurrences] {
        self.hash(config, document);
        self.count()
    }

    /// The places of those slots of a document that are known.
    pub(crate) fn read_known(
        &mut self,
        config: &ModelConfig,
        document: &Document<'_>,
        known: &Slots,
    ) -> &[Occurrences] {
        self.hash(config, document);
        self.count();
        let kept = keep_known(&mut self.found, known);
        &self.found[..kept]
    }

    fn hash(&mut self, config: &ModelConfig, document: &Document<'_>) {
        let Self { word, slots, .. } = self;
        empty(slots);
        for (field, text) in fields(document) {
            let mut ngrams = Ngrams::new(&config.vectorizer, field);
            for_each_word(&config.cleaning, text, word, |word| {
                ngrams.push(word.hash(), |slot, _| slots.push(slot));
            });
        }
    }

    fn count(&mut self) -> &[Occurrences] {
        let Self { slots, found, index, .. } = self;
        empty(found);
        index.count(slots, found);
        found
    }
}

/// Moves the known ones to the front, places for slots; answers how many there are.
fn keep_known(found: &mut [Occurrences], known: &Slots) -> usize {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("popcnt") {
        #[target_feature(enable = "popcnt")]
        fn counting_bits_at_once(found: &mut [Occurrences], known: &Slots) -> usize {
            move_known(found, known)
        }
        #[expect(unsafe_code, reason = "the processor has the instruction: it was asked just before")]
        return unsafe { counting_bits_at_once(found, known) };
    }
    move_known(found, known)
}

#[inline(always)]
fn move_known(found: &mut [Occurrences], known: &Slots) -> usize {
    let mut kept = 0;
    for i in 0..found.len() {
        let Occurrences { of, count } = found[i];
        let (place, is_known) = known.place(of);
        // Each is written, and the next one overwrites it unless it is known: no branch has to guess.
        found[kept] = Occurrences { of: place, count };
        known.prefetch(place);
        kept += usize::from(is_known);
    }
    kept
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

/// From a number to its place among the found ones: open addressing with linear probing, at most half full. An entry belongs
/// to the document whose mark it carries, so that nothing is wiped between documents. It holds, from the lowest bit on, the
/// number (32 bits), the document's mark (16) and the place (16).
struct FoundIndex {
    entries: Vec<u64>,
    document: u16,
}

impl FoundIndex {
    /// Enough for a document of some thousand bytes: 16 KB, which stay in the first-level cache.
    const INITIAL_ENTRIES: usize = 2048;

    /// More numbers than places can be told apart with.
    const MAX_NUMBERS: usize = 1 << 16;

    fn new() -> Self {
        Self { entries: vec![0; Self::INITIAL_ENTRIES], document: 0 }
    }

    /// Counts a document's numbers into `found`, in the order of their first occurrence; those of a giant document in
    /// ascending order.
    fn count(&mut self, numbers: &mut [u32], found: &mut Vec<Occurrences>) {
        found.clear();
        if numbers.len() > Self::MAX_NUMBERS {
            numbers.sort_unstable();
            let runs = numbers.chunk_by(|one, next| one == next);
            found.extend(runs.map(|run| Occurrences { of: run[0], count: run.len() as u32 }));
            return;
        }
        self.start(numbers.len());
        let document = u64::from(self.document) << 32;
        let entries = &mut self.entries[..];
        let mask = entries.len() - 1;
        found.resize(numbers.len(), Occurrences { of: 0, count: 0 });
        let counted = &mut found[..];
        let mut places = 0;
        for &mut of in numbers {
            let key = document | u64::from(of);
            // Slots are hashes already, and places as evenly spread.
            let mut at = of as usize & mask;
            let mut entry = entries[at];
            let is_new = loop {
                let differs = entry ^ key;
                let is_new = differs >> 32 & 0xFFFF != 0;
                if is_new | (differs << 16 == 0) {
                    break is_new;
                }
                at = (at + 1) & mask;
                entry = entries[at];
            };
            // No branch asks whether the number is new, for nothing foretells that.
            let place = std::hint::select_unpredictable(is_new, places, entry >> 48);
            entries[at] = place << 48 | key;
            let occurrences = &mut counted[place as usize];
            occurrences.of = of;
            occurrences.count += 1;
            places += u64::from(is_new);
        }
        found.truncate(places as usize);
    }

    /// Begins a document of so many numbers.
    fn start(&mut self, numbers: usize) {
        let wanted = (2 * numbers).next_power_of_two().max(Self::INITIAL_ENTRIES);
        if wanted > self.entries.len() {
            *self = Self { entries: vec![0; wanted], document: 0 };
        }
        // One long document must not make every later one pay with its cache misses.
        self.document = self.document.wrapping_add(1);
        if self.document == 0 || self.entries.len() > 8 * wanted {
            self.entries.truncate(wanted);
            self.entries.fill(0);
            self.document = 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn read(config: &ModelConfig, title: Option<&str>, text: &str) -> HashMap<u32, u32> {
        let mut terms = Terms::new();
        terms.read(config, &Document { title, text, features: &[] }).iter().map(|term| (term.of, term.count)).collect()
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
        let document = Document { title: None, text: &text, features: &[] };
        for _ in 0..2 {
            let found = terms.read(&config, &document);
            assert_eq!(found.len(), expected.len());
            assert!(found.iter().all(|term| expected[&term.of] == term.count));
        }
        assert_eq!(terms.read(&config, &Document { title: None, text: "one two", features: &[] }).len(), 2);
    }

    #[test]
    fn what_a_giant_document_took_is_given_back_with_the_next_one() {
        let giant = (0..300_000).map(|i| format!("w{i}")).collect::<Vec<_>>().join(" ");
        let mut terms = Terms::new();
        let read =
            |terms: &mut Terms, text| terms.read(&config(1), &Document { title: None, text, features: &[] }).len();
        read(&mut terms, &giant);
        assert!(terms.slots.capacity() >= 300_000 && terms.found.capacity() > 64 * Terms::INITIAL_CAPACITY);
        assert_eq!(read(&mut terms, "one two"), 2);
        let held = [terms.slots.capacity(), terms.found.capacity(), terms.index.entries.len()];
        assert_eq!(held, [Terms::INITIAL_CAPACITY, Terms::INITIAL_CAPACITY, FoundIndex::INITIAL_ENTRIES]);
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
