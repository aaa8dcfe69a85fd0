//! Words to terms: word n-grams of title and text, and where the settings want them character n-grams, pairs with a word
//! between, and n-grams of a text's first and last words. Each term is a hash of 64 bits, its key. The one function that
//! training and serving share.

mod characters;
mod found;
mod ngrams;

pub(crate) use characters::name as name_of_characters;

use crate::config::ModelConfig;
use crate::slots::Slots;
use crate::text::{Word, for_each_word, mix};
use crate::vocabulary::Vocabulary;
use found::FoundIndex;
use std::ops::Range;

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

/// What a term is of. Its number keeps the terms of one part apart from those of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Text = 0,
    Title = 1,
    Opening = 2,
    Ending = 3,
    TextCharacters = 4,
    TitleCharacters = 5,
}

impl Part {
    #[inline]
    fn seed(self) -> u64 {
        mix(self as u64)
    }
}

/// Where a term comes from, for those who want to name it. Words are numbered within their field.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// Neighbouring words.
    Words { part: Part, start: usize, length: usize },
    /// A word and the next but one.
    Around { part: Part, start: usize },
    /// Characters of a word, at these places between its boundary marks.
    Characters { part: Part, word: usize, place: Range<usize> },
}

/// How often the document holds the terms of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occurrences {
    /// The slot, or its place among those that the model knows.
    pub of: u32,
    /// How often.
    pub count: u32,
}

/// The terms of one document, in the order of their first occurrence. Its buffers are used again for the next document.
pub(crate) struct Terms {
    words: Words,
    /// The keys as they come, repetitions included: hashing and counting apart keep the processor's pipeline full.
    keys: Vec<u64>,
    /// Their slots, or the places of those that are known.
    slots: Vec<u32>,
    found: Vec<Occurrences>,
    found_keys: Vec<(u64, u32)>,
    index: FoundIndex,
}

/// The words of one field.
pub(crate) struct Words {
    word: Word,
    hashes: Vec<u64>,
}

impl Words {
    pub(crate) fn new() -> Self {
        Self { word: Word::new(), hashes: Vec::with_capacity(Terms::INITIAL_CAPACITY) }
    }
}

/// Calls `emit` with the key of each term of a document, the title's first, and with where it comes from.
#[inline]
pub(crate) fn for_each_term(
    config: &ModelConfig,
    document: &Document<'_>,
    words: &mut Words,
    mut emit: impl FnMut(u64, Origin),
) {
    for (part, text) in fields(document) {
        for_each_term_of(config, part, text, words, &mut emit);
    }
}

/// Puts the keys that [`for_each_term`] emits into `keys`, in the same order.
#[inline]
fn hash_terms(config: &ModelConfig, document: &Document<'_>, words: &mut Words, keys: &mut Vec<u64>) {
    empty(keys);
    let vectorizer = &config.vectorizer;
    if !vectorizer.has_only_neighbours() {
        return for_each_term(config, document, words, |key, _| keys.push(key));
    }
    let Words { word, hashes } = words;
    for (part, text) in fields(document) {
        empty(hashes);
        for_each_word(&config.cleaning, text, word, |word| hashes.push(word.hash()));
        ngrams::hash_runs(part, vectorizer.ngrams, hashes, keys);
    }
}

/// The terms of one field.
#[inline]
fn for_each_term_of(
    config: &ModelConfig,
    part: Part,
    text: &str,
    Words { word, hashes }: &mut Words,
    mut emit: impl FnMut(u64, Origin),
) {
    empty(hashes);
    let vectorizer = &config.vectorizer;
    let characters = if part == Part::Title { Part::TitleCharacters } else { Part::TextCharacters };
    for_each_word(&config.cleaning, text, word, |word| {
        if vectorizer.char_ngrams_max > 0 {
            let number = hashes.len();
            characters::for_each(vectorizer, characters, word.as_bytes(), |key, place| {
                emit(key, Origin::Characters { part: characters, word: number, place });
            });
        }
        hashes.push(word.hash());
    });
    ngrams::for_each(vectorizer, part, hashes, emit);
}

/// The document's fields.
pub(crate) fn fields<'a>(document: &Document<'a>) -> impl Iterator<Item = (Part, &'a str)> + use<'a> {
    document.title.into_iter().map(|title| (Part::Title, title)).chain([(Part::Text, document.text)])
}

impl Terms {
    const INITIAL_CAPACITY: usize = 4096;

    pub(crate) fn new() -> Self {
        Self {
            words: Words::new(),
            slots: Vec::with_capacity(Self::INITIAL_CAPACITY),
            keys: Vec::new(),
            found: Vec::with_capacity(Self::INITIAL_CAPACITY),
            found_keys: Vec::new(),
            index: FoundIndex::new(),
        }
    }

    /// The slots of a document.
    pub(crate) fn read(&mut self, config: &ModelConfig, document: &Document<'_>) -> &[Occurrences] {
        self.hash(config, document);
        self.count()
    }

    /// The keys of a document.
    pub(crate) fn read_keys(&mut self, config: &ModelConfig, document: &Document<'_>) -> &[(u64, u32)] {
        let Self { words, keys, found_keys, index, .. } = self;
        empty(found_keys);
        hash_terms(config, document, words, keys);
        index.count_keys(keys, found_keys);
        found_keys
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

    /// The places of those keys of a document that the vocabulary holds.
    pub(crate) fn read_vocabulary(
        &mut self,
        config: &ModelConfig,
        document: &Document<'_>,
        vocabulary: &Vocabulary,
    ) -> &[Occurrences] {
        let Self { words, keys, slots, .. } = self;
        hash_terms(config, document, words, keys);
        empty(slots);
        vocabulary.places(keys, slots);
        self.count()
    }

    fn hash(&mut self, config: &ModelConfig, document: &Document<'_>) {
        let Self { words, keys, slots, .. } = self;
        hash_terms(config, document, words, keys);
        empty(slots);
        let shift = config.vectorizer.shift();
        slots.extend(keys.iter().map(|key| (key >> shift) as u32));
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

#[cfg(test)]
mod tests;
