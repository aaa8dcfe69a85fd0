//! Coordinates of terms that are told apart by their whole keys: a table that grows up to a limit. A term enters with its
//! second document, as far as a filter of bits can tell (McMahan et al., 4.1: most terms never come again), and the terms
//! with the least evidence go when there are too many.

use crate::cell::Cell;

/// The known terms.
#[derive(Debug, Clone)]
pub(crate) struct Exact {
    /// From a key's upper bits to the place behind it, plus 1; 0 is empty. At most half full.
    index: Vec<u32>,
    shift: u32,
    terms: Vec<(u64, Cell)>,
    max_terms: usize,
    seen: Seen,
}

impl Exact {
    const LEAST_INDEX: usize = 1 << 12;

    pub(crate) fn new(max_terms: usize) -> Self {
        Self {
            index: vec![0; Self::LEAST_INDEX],
            shift: 64 - Self::LEAST_INDEX.trailing_zeros(),
            terms: Vec::new(),
            max_terms,
            seen: Seen::new(max_terms),
        }
    }

    /// The place of a key, if it is known.
    #[inline]
    pub(crate) fn find(&self, key: u64) -> Option<u32> {
        let mask = self.index.len() - 1;
        let mut slot = (key >> self.shift) as usize;
        loop {
            let place = self.index[slot].checked_sub(1)?;
            if self.terms[place as usize].0 == key {
                return Some(place);
            }
            slot = (slot + 1) & mask;
        }
    }

    #[inline]
    pub(crate) fn at(&self, place: u32) -> &Cell {
        &self.terms[place as usize].1
    }

    pub(crate) fn term(&self, place: u32) -> (u64, Cell) {
        self.terms[place as usize]
    }

    #[inline]
    pub(crate) fn at_mut(&mut self, place: u32) -> &mut Cell {
        &mut self.terms[place as usize].1
    }

    /// Lets in an unknown key that has been seen before, if there is room; answers its place.
    pub(crate) fn admit(&mut self, key: u64, cell: Cell) -> Option<u32> {
        (self.terms.len() < self.max_terms && self.seen.again(key)).then(|| self.insert(key, cell))
    }

    /// Puts an unknown key in.
    pub(crate) fn insert(&mut self, key: u64, cell: Cell) -> u32 {
        self.terms.push((key, cell));
        if 2 * self.terms.len() > self.index.len() {
            self.index_anew();
        } else {
            self.link(self.terms.len() - 1);
        }
        self.terms.len() as u32 - 1
    }

    /// Forgets a quarter of the terms where there is no room for another one; answers whether it did. Places change then.
    pub(crate) fn make_room(&mut self) -> bool {
        if self.terms.len() < self.max_terms {
            return false;
        }
        // A total order, so that what is left does not depend on the order in which terms came.
        let kept = self.max_terms / 4 * 3;
        self.terms.sort_unstable_by(|(key, cell), (other_key, other)| {
            other.squares.total_cmp(&cell.squares).then(key.cmp(other_key))
        });
        self.terms.truncate(kept.min(self.terms.len()));
        self.index_anew();
        true
    }

    fn index_anew(&mut self) {
        let slots = (2 * self.terms.len()).next_power_of_two().max(Self::LEAST_INDEX);
        self.index.clear();
        self.index.resize(slots, 0);
        self.shift = 64 - slots.trailing_zeros();
        (0..self.terms.len()).for_each(|place| self.link(place));
    }

    fn link(&mut self, place: usize) {
        let mask = self.index.len() - 1;
        let mut slot = (self.terms[place].0 >> self.shift) as usize;
        while self.index[slot] != 0 {
            slot = (slot + 1) & mask;
        }
        self.index[slot] = place as u32 + 1;
    }

    pub(crate) fn len(&self) -> usize {
        self.terms.len()
    }

    /// The terms in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(u64, Cell)> {
        self.terms.iter()
    }

    pub(crate) fn cells_mut(&mut self) -> impl Iterator<Item = &mut Cell> {
        self.terms.iter_mut().map(|(_, cell)| cell)
    }

    pub(crate) fn seen(&self) -> &Seen {
        &self.seen
    }

    pub(crate) fn seen_mut(&mut self) -> &mut Seen {
        &mut self.seen
    }
}

/// Which keys have been seen, roughly: a bit for each of eight times as many as there may be terms. Emptied when a quarter of
/// them is set, so that few new terms are taken for known ones.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    bits: Vec<u64>,
    set: u64,
}

impl Seen {
    fn new(max_terms: usize) -> Self {
        Self { bits: vec![0; (8 * max_terms).next_power_of_two() / 64], set: 0 }
    }

    /// Whether the key's bit was set; it is from now on.
    fn again(&mut self, key: u64) -> bool {
        let bits = self.bits.len() as u64 * 64;
        let bit = key >> (64 - bits.trailing_zeros());
        let (word, mask) = (&mut self.bits[(bit / 64) as usize], 1 << (bit % 64));
        let was_set = *word & mask != 0;
        if !was_set {
            *word |= mask;
            self.set += 1;
            if self.set > bits / 4 {
                self.bits.fill(0);
                self.set = 0;
            }
        }
        was_set
    }

    pub(crate) fn words(&self) -> &[u64] {
        &self.bits
    }

    /// Takes over what another one has seen, if it is as large.
    pub(crate) fn restore(&mut self, words: Vec<u64>) -> bool {
        let fits = words.len() == self.bits.len();
        if fits {
            self.set = words.iter().map(|word| u64::from(word.count_ones())).sum();
            self.bits = words;
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(i: u64) -> u64 {
        i.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    #[test]
    fn each_key_is_found_and_no_other_one() {
        let mut exact = Exact::new(1 << 20);
        for i in 0..10_000 {
            assert_eq!(exact.find(key(i)), None);
            let place = exact.insert(key(i), Cell::of(1.0, i as f32, 0.0));
            assert_eq!(exact.find(key(i)), Some(place));
        }
        for i in 0..10_000 {
            let place = exact.find(key(i)).unwrap();
            assert_eq!(exact.at(place).weight, i as f32);
            assert_eq!(exact.find(key(i + 10_000)), None);
        }
        let mut crowded = Exact::new(1000);
        for low in 0..500 {
            crowded.insert(u64::MAX - low, Cell::default());
        }
        assert!((0..500).all(|low| crowded.find(u64::MAX - low).is_some()) && crowded.find(u64::MAX - 500).is_none());
    }

    #[test]
    fn a_term_enters_with_its_second_document() {
        let mut exact = Exact::new(100_000);
        assert_eq!(exact.admit(key(7), Cell::default()), None);
        assert_eq!(exact.admit(key(7), Cell::default()), Some(0));
        assert_eq!(exact.find(key(7)), Some(0));
    }

    #[test]
    fn the_terms_with_the_least_evidence_go_whatever_the_order_in_which_they_came() {
        let left = |order: &mut dyn Iterator<Item = u64>| {
            let mut exact = Exact::new(1000);
            order.for_each(|i| {
                exact.insert(key(i), Cell::of(1.0, 1.0, (i % 100) as f32));
            });
            exact.make_room();
            assert!(
                (0..1000).all(|i| exact.find(key(i)).is_some_and(|place| exact.at(place).squares == (i % 100) as f32)
                    || i % 100 < 26)
            );
            let mut keys: Vec<u64> = exact.iter().map(|(key, _)| *key).collect();
            keys.sort_unstable();
            keys
        };
        let forwards = left(&mut (0..1000));
        assert_eq!(forwards.len(), 750);
        assert_eq!(left(&mut (0..1000).rev()), forwards);
    }
}
