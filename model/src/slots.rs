//! The slots that have terms, and what the model holds for each. Nearly half of the terms of a new document are unknown to the
//! model: a bit for each slot, a megabyte for 2^22 of them, says so without a look at the values. These lie side by side, so
//! that a cache line holds eight of them and the whole table a fraction of what an array over all slots would take.

/// What the model holds for one slot: 8 bytes, so both are in one cache line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Slot {
    /// What the term's count is multiplied with: its idf, or 1.
    pub(crate) scale: f32,
    /// The coefficient.
    pub(crate) weight: f32,
}

/// From slot to place among the known ones, to value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Slots {
    groups: Vec<Group>,
    values: Vec<Slot>,
}

/// Neighbouring slots.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Group {
    /// Which of them are known, the lowest bit first.
    known: u32,
    /// How many are known in the groups before.
    before: u32,
}

impl Slots {
    /// `known` comes in ascending order, each slot once, all below 2^`hash_bits`.
    pub(crate) fn new(hash_bits: u8, known: impl Iterator<Item = (u32, Slot)>) -> Self {
        let mut groups = vec![Group::default(); (1_usize << hash_bits).div_ceil(32)];
        let mut values = Vec::new();
        for (slot, value) in known {
            groups[slot as usize / 32].known |= 1 << (slot % 32);
            values.push(value);
        }
        let mut before = 0;
        for group in &mut groups {
            group.before = before;
            before += group.known.count_ones();
        }
        Self { groups, values }
    }

    /// The place of a slot among the known ones, and whether it is one.
    #[inline(always)]
    pub(crate) fn place(&self, slot: u32) -> (u32, bool) {
        let Group { known, before } = self.groups[slot as usize / 32];
        let bit = 1 << (slot % 32);
        (before + (known & (bit - 1)).count_ones(), known & bit != 0)
    }

    /// Has the value at a place brought into the cache, while other work goes on.
    #[inline(always)]
    pub(crate) fn prefetch(&self, place: u32) {
        #[cfg(target_arch = "x86_64")]
        #[expect(unsafe_code, reason = "a hint, which the processor drops where the address is nobody's")]
        unsafe {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T0>(self.values.as_ptr().wrapping_add(place as usize).cast());
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = place;
    }

    /// The value at a place.
    #[inline]
    pub(crate) fn at(&self, place: u32) -> Slot {
        self.values[place as usize]
    }

    /// How many slots are known.
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// The known slots with their values, in ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, Slot)> + '_ {
        let known = (0_u32..).zip(&self.groups).flat_map(|(group, bits)| {
            (0..32).filter(move |bit| bits.known >> bit & 1 == 1).map(move |bit| group * 32 + bit)
        });
        known.zip(self.values.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_known_slot_has_its_value_and_no_other_has_one() {
        for hash_bits in [1, 4, 5, 6, 10] {
            let is_known = |slot: &u32| slot % 3 == 1 || *slot == 0;
            let value = |slot: u32| Slot { scale: slot as f32 + 1.0, weight: -(slot as f32) };
            let known: Vec<(u32, Slot)> =
                (0..1 << hash_bits).filter(is_known).map(|slot| (slot, value(slot))).collect();
            let slots = Slots::new(hash_bits, known.iter().copied());
            assert_eq!(slots.iter().collect::<Vec<_>>(), known);
            for slot in 0..1 << hash_bits {
                let (place, known) = slots.place(slot);
                assert_eq!(known, is_known(&slot), "{slot} of 2^{hash_bits}");
                assert!(!known || slots.at(place) == value(slot), "{slot} of 2^{hash_bits}");
            }
        }
    }
}
