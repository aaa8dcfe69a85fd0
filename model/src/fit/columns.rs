//! Which terms become columns: those in enough documents. All cores count, and what they count doesn't depend on how many they
//! are: each core has terms of its own, and passes over all rows.

use super::counts::Counts;
use super::matrix::threads;
use crate::config::{TermIndex, VectorizerConfig};
use crate::slots::Slot;
use crate::vocabulary::Vocabulary;
use schemas::Label;

/// The terms that are frequent enough, the most frequent first: their weights then share cache lines.
pub(super) struct Columns {
    pub(super) terms: Vec<Term>,
    /// About how many terms share a slot with another one.
    pub(super) collisions: usize,
    index: Index,
}

/// A term that is a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Term {
    /// Its slot, or its key.
    pub(super) term: u64,
    /// How many documents hold it.
    pub(super) documents: u32,
    /// How many of these are positive; counted where it matters.
    pub(super) positives: u32,
}

/// From a term to its column.
enum Index {
    Slots(Vec<u32>),
    Keys { vocabulary: Vocabulary, of_place: Vec<u32> },
}

impl Columns {
    const NONE: u32 = u32::MAX;

    pub(super) fn of(counts: &Counts, labels: &[Label], config: &VectorizerConfig) -> Self {
        let mut collisions = 0;
        let mut terms = match config.terms {
            TermIndex::Hashed => frequent_slots(counts, labels, config, &mut collisions),
            TermIndex::Exact => frequent_keys(counts, labels, config.min_df),
        };
        terms.sort_unstable_by_key(|term| (std::cmp::Reverse(term.documents), term.term));
        if config.max_features > 0 {
            terms.truncate(config.max_features as usize);
        }
        let index = match config.terms {
            TermIndex::Hashed => {
                let mut of_slot = vec![Self::NONE; 1 << config.hash_bits];
                (0..).zip(&terms).for_each(|(column, term)| of_slot[term.term as usize] = column);
                Index::Slots(of_slot)
            }
            TermIndex::Exact => {
                let mut sorted: Vec<(u64, u32)> = terms.iter().map(|term| term.term).zip(0..).collect();
                sorted.sort_unstable();
                let nothing = Slot { scale: 0.0, weight: 0.0 };
                let vocabulary = Vocabulary::new(sorted.iter().map(|&(key, _)| (key, nothing)));
                Index::Keys { vocabulary, of_place: sorted.into_iter().map(|(_, column)| column).collect() }
            }
        };
        Self { terms, collisions, index }
    }

    /// The column of a term, if it is one.
    #[inline]
    pub(super) fn column(&self, term: u64) -> Option<u32> {
        match &self.index {
            Index::Slots(of_slot) => Some(of_slot[term as usize]).filter(|&column| column != Self::NONE),
            Index::Keys { vocabulary, of_place } => vocabulary.place(term).map(|place| of_place[place as usize]),
        }
    }
}

/// About how many terms share a slot with another one, by the share of slots that no term has (Whang, Vander-Zanden, Taylor: "A
/// linear-time probabilistic counting algorithm for database applications", ACM TODS 15, 1990).
fn shared_slots(used: usize, slots: usize) -> usize {
    let (used, slots) = (used as f64, slots as f64);
    // Were all of them used, there would be no telling.
    let free = (slots - used).max(0.5);
    (slots * (slots / free).ln() - used).max(0.0) as usize
}

fn frequent_slots(counts: &Counts, labels: &[Label], config: &VectorizerConfig, collisions: &mut usize) -> Vec<Term> {
    let slots = 1_usize << config.hash_bits;
    let documents = documents_of_slots(counts, slots, |_| true);
    *collisions = shared_slots(documents.iter().filter(|&&documents| documents > 0).count(), slots);
    let positives = config.naive_bayes.then(|| documents_of_slots(counts, slots, |row| labels[row].is_positive()));
    let is_frequent = |&(_, &documents): &(usize, &u32)| documents >= config.min_df;
    let term = |(slot, &documents)| {
        let positives = positives.as_ref().map_or(0, |positives: &Vec<u32>| positives[slot]);
        Term { term: slot as u64, documents, positives }
    };
    documents.iter().enumerate().filter(is_frequent).map(term).collect()
}

/// How many of the rows that count hold each slot: a row holds a slot once.
fn documents_of_slots(counts: &Counts, slots: usize, is_counted: impl Fn(usize) -> bool + Sync) -> Vec<u32> {
    let mut documents = vec![0_u32; slots];
    let share = slots.div_ceil(threads());
    std::thread::scope(|scope| {
        for (number, documents) in documents.chunks_mut(share).enumerate() {
            let (first, is_counted) = (number * share, &is_counted);
            scope.spawn(move || {
                for row in (0..counts.rows.rows()).filter(|&row| is_counted(row)) {
                    for &slot in &counts.rows.columns()[counts.terms(row)] {
                        if let Some(documents) = documents.get_mut((slot as usize).wrapping_sub(first)) {
                            *documents += 1;
                        }
                    }
                }
            });
        }
    });
    documents
}

fn frequent_keys(counts: &Counts, labels: &[Label], min_df: u32) -> Vec<Term> {
    let threads = threads();
    let parts: Vec<Vec<Term>> = std::thread::scope(|scope| {
        let parts: Vec<_> = (0..threads)
            .map(|part| {
                let is_mine = move |lower: u32| lower as usize % threads == part;
                scope.spawn(move || frequent_keys_of(counts, labels, min_df, counts.lower.len() / threads, is_mine))
            })
            .collect();
        parts.into_iter().map(|part| part.join().expect("counting does not panic")).collect()
    });
    parts.concat()
}

/// Those of the keys whose lower halves are counted here; `entries` is about how many entries these have.
fn frequent_keys_of(
    counts: &Counts,
    labels: &[Label],
    min_df: u32,
    entries: usize,
    is_mine: impl Fn(u32) -> bool,
) -> Vec<Term> {
    let rare = RareKeys::of(counts, min_df, entries, &is_mine);
    let mut counted = CountedKeys::new();
    for (row, label) in labels.iter().enumerate() {
        for entry in counts.terms(row) {
            if is_mine(counts.lower[entry]) && !rare.holds(counts.rows.columns()[entry]) {
                counted.add(counts.term(entry), label.is_positive());
            }
        }
    }
    counted.terms.into_iter().filter(|term| term.documents >= min_df).collect()
}

/// Most terms of a corpus stand in one document. A small table of counts, which keys share, tells nearly all of them, so that
/// the large one holds the others.
struct RareKeys {
    documents: Vec<u8>,
    shift: u32,
    min_df: u8,
}

impl RareKeys {
    fn of(counts: &Counts, min_df: u32, entries: usize, is_mine: impl Fn(u32) -> bool) -> Self {
        let bits = entries.next_power_of_two().trailing_zeros().clamp(10, 28);
        let min_df = min_df.min(u8::MAX.into()) as u8;
        let mut rare = Self { documents: vec![0; 1 << bits], shift: 32 - bits, min_df };
        if min_df > 1 {
            for row in 0..counts.rows.rows() {
                let entries = counts.terms(row);
                for (&upper, &lower) in counts.rows.columns()[entries.clone()].iter().zip(&counts.lower[entries]) {
                    if is_mine(lower) {
                        let documents = &mut rare.documents[(upper >> rare.shift) as usize];
                        *documents = documents.saturating_add(1);
                    }
                }
            }
        }
        rare
    }

    /// Whether a key with this upper half stands in too few documents. If not, it may still.
    #[inline]
    fn holds(&self, upper: u32) -> bool {
        self.min_df > 1 && self.documents[(upper >> self.shift) as usize] < self.min_df
    }
}

/// Keys with how many documents hold them: open addressing with linear probing, at most half full.
struct CountedKeys {
    /// The place of a term and 1, or 0.
    places: Vec<u32>,
    terms: Vec<Term>,
}

impl CountedKeys {
    fn new() -> Self {
        Self { places: vec![0; 1 << 12], terms: Vec::new() }
    }

    #[inline]
    fn add(&mut self, key: u64, is_positive: bool) {
        let mask = self.places.len() - 1;
        let mut at = Self::home(key) & mask;
        while let Some(place) = self.places[at].checked_sub(1) {
            let term = &mut self.terms[place as usize];
            if term.term == key {
                term.documents += 1;
                term.positives += u32::from(is_positive);
                return;
            }
            at = (at + 1) & mask;
        }
        self.terms.push(Term { term: key, documents: 1, positives: is_positive.into() });
        self.places[at] = self.terms.len() as u32;
        if 2 * self.terms.len() > self.places.len() {
            self.grow();
        }
    }

    /// The keys counted by one thread have some of their lowest bits in common.
    #[inline]
    fn home(key: u64) -> usize {
        (key >> 24) as usize
    }

    #[cold]
    fn grow(&mut self) {
        let mask = 4 * self.places.len() - 1;
        self.places = vec![0; mask + 1];
        for (place, term) in (1..).zip(&self.terms) {
            let mut at = Self::home(term.term) & mask;
            while self.places[at] != 0 {
                at = (at + 1) & mask;
            }
            self.places[at] = place;
        }
    }
}
