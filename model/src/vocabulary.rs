//! The terms that a model knows, told apart by their whole keys: those of a new document that it does not know are not taken for
//! others. A bit for each of some ten slots per term says without a look at the terms that one is unknown.

use crate::slots::Slot;

/// Sorted keys with their values, and an index into them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Vocabulary {
    /// A key shifted by this is its slot, if no smaller key has taken that.
    shift: u32,
    /// A bit for each slot, the lowest first: whether it is taken. Apart from all else, so that it stays in a near cache.
    taken: Vec<u64>,
    /// How many slots are taken before each of these words of bits.
    before: Vec<u32>,
    /// In ascending order of their keys.
    terms: Vec<Term>,
}

/// A term and what the model holds for it: 16 bytes, so all is in one cache line.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Term {
    key: u64,
    value: Slot,
}

impl Vocabulary {
    /// Slots for each term. Of unknown terms, one in as many is looked at more closely.
    const SLOTS_PER_TERM: usize = 8;

    /// `terms` comes in ascending order of its keys, each key once.
    pub(crate) fn new(terms: impl Iterator<Item = (u64, Slot)>) -> Self {
        let terms: Vec<Term> = terms.map(|(key, value)| Term { key, value }).collect();
        let bits = (Self::SLOTS_PER_TERM * terms.len().max(8)).next_power_of_two().trailing_zeros();
        let shift = 64 - bits;
        // A key whose slot is taken gets the next one that is free: slots ascend as keys do.
        let mut free = 0;
        let slots: Vec<usize> = terms
            .iter()
            .map(|term| {
                let slot = ((term.key >> shift) as usize).max(free);
                free = slot + 1;
                slot
            })
            .collect();
        let mut taken = vec![0_u64; free.max(1 << bits).div_ceil(64)];
        for slot in slots {
            taken[slot / 64] |= 1 << (slot % 64);
        }
        let before = taken.iter().scan(0, |sum, word| Some(std::mem::replace(sum, *sum + word.count_ones()))).collect();
        Self { shift, taken, before, terms }
    }

    /// Puts the places of those keys that are known into `places`, in their order. The keys are lost.
    pub(crate) fn places(&self, keys: &mut [u64], places: &mut Vec<u32>) {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("popcnt") && std::arch::is_x86_feature_detected!("bmi2") {
            #[target_feature(enable = "popcnt,bmi1,bmi2")]
            fn counting_bits_at_once(vocabulary: &Vocabulary, keys: &mut [u64], places: &mut Vec<u32>) {
                vocabulary.find(keys, places);
            }
            #[expect(unsafe_code, reason = "the processor has the instruction: it was asked just before")]
            return unsafe { counting_bits_at_once(self, keys, places) };
        }
        self.find(keys, places);
    }

    #[inline(always)]
    fn find(&self, keys: &mut [u64], places: &mut Vec<u32>) {
        let mut likely = 0;
        for i in 0..keys.len() {
            let key = keys[i];
            // Each is written, and the next one overwrites it unless its slot is taken: no branch has to guess.
            keys[likely] = key;
            likely += self.is_taken(key);
        }
        let likely = &keys[..likely];
        places.resize(likely.len(), 0);
        for (&key, place) in likely.iter().zip(&mut *places) {
            *place = self.first_place(key);
            self.prefetch(*place);
        }
        let mut known = 0;
        for (i, &key) in likely.iter().enumerate() {
            let first = places[i];
            // Nearly all stand at one of two places: asked for without a branch, which would guess wrong at one in ten.
            let [one, two] = self.pair(first);
            let mut place = first + u32::from(two == key);
            let mut is_known = (one == key) | (two == key);
            if two < key {
                let found = self.search(key, first + 2);
                is_known = found.is_some();
                place = found.unwrap_or(place);
            }
            places[known] = place;
            known += usize::from(is_known);
        }
        places.truncate(known);
    }

    /// The place of a key, if it is known.
    pub(crate) fn place(&self, key: u64) -> Option<u32> {
        if self.is_taken(key) == 1 { self.search(key, self.first_place(key)) } else { None }
    }

    /// 1 where the key's slot is taken, else 0: then it is unknown.
    #[inline(always)]
    fn is_taken(&self, key: u64) -> usize {
        let slot = key >> self.shift;
        (self.taken[(slot / 64) as usize] >> (slot % 64) & 1) as usize
    }

    /// Where a term whose slot is taken can stand at the earliest.
    #[inline(always)]
    fn first_place(&self, key: u64) -> u32 {
        let slot = key >> self.shift;
        let word = (slot / 64) as usize;
        self.before[word] + (self.taken[word] & !(!0 << (slot % 64))).count_ones()
    }

    /// Goes on from the earliest place of a key.
    #[inline(always)]
    fn search(&self, key: u64, place: u32) -> Option<u32> {
        let mut place = place;
        loop {
            match self.terms.get(place as usize) {
                Some(term) if term.key < key => place += 1,
                Some(term) if term.key == key => return Some(place),
                _ => return None,
            }
        }
    }

    /// The keys at a place and the next one.
    #[inline(always)]
    fn pair(&self, place: u32) -> [u64; 2] {
        match self.terms.get(place as usize..place as usize + 2) {
            Some(terms) => [terms[0].key, terms[1].key],
            None => [self.terms[place as usize].key, u64::MAX],
        }
    }

    #[inline(always)]
    fn prefetch(&self, place: u32) {
        #[cfg(target_arch = "x86_64")]
        #[expect(unsafe_code, reason = "a hint, which the processor drops where the address is nobody's")]
        unsafe {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T0>(self.terms.as_ptr().wrapping_add(place as usize).cast());
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = place;
    }

    /// How many terms it holds.
    pub(crate) fn len(&self) -> usize {
        self.terms.len()
    }

    /// The value at a place.
    #[inline]
    pub(crate) fn at(&self, place: u32) -> Slot {
        self.terms[place as usize].value
    }

    /// The keys with their values, in ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, Slot)> + '_ {
        self.terms.iter().map(|term| (term.key, term.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary(keys: &[u64]) -> Vocabulary {
        Vocabulary::new(keys.iter().map(|&key| (key, Slot { scale: 1.0, weight: (key % 1000) as f32 })))
    }

    #[test]
    fn each_key_is_found_and_no_other_one() {
        let spread: Vec<u64> = (0..2_000_u64).map(|i| i.wrapping_mul(0x9E37_79B9_7F4A_7C15)).collect();
        // Crowded ones share slots, at the end of the table too.
        let crowded: Vec<u64> = (0..50).map(|i| i * 2).chain((0..50).map(|i| u64::MAX - 2 * i)).collect();
        for mut keys in [spread, crowded, vec![], vec![0], vec![u64::MAX]] {
            keys.sort_unstable();
            let vocabulary = vocabulary(&keys);
            assert!(vocabulary.iter().map(|(key, _)| key).eq(keys.iter().copied()));
            for (place, &key) in (0..).zip(&keys) {
                assert_eq!(vocabulary.place(key), Some(place));
                assert_eq!(vocabulary.at(place).weight, (key % 1000) as f32);
                for near in [key.wrapping_add(1), key.wrapping_sub(1), key ^ 1 << 40] {
                    assert_eq!(vocabulary.place(near).is_some(), keys.binary_search(&near).is_ok(), "{near}");
                }
            }
        }
    }

    #[test]
    fn places_come_in_the_order_of_the_keys_that_are_known() {
        let vocabulary = vocabulary(&[3, 1 << 40, 1 << 63]);
        let mut places = Vec::new();
        vocabulary.places(&mut [1 << 63, 7, 3, 3, 4, 1 << 40], &mut places);
        assert_eq!(places, [2, 0, 0, 1]);
    }
}
