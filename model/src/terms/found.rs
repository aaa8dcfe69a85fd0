//! Counting: how often a document holds each of its numbers.

use super::Occurrences;

/// From a number to its place among the found ones: open addressing with linear probing, at most half full. An entry belongs
/// to the document whose mark it carries, so that nothing is wiped between documents. It holds, from the lowest bit on, the
/// number (32 bits), the document's mark (16) and the place (16).
pub(super) struct FoundIndex {
    pub(super) entries: Vec<u64>,
    document: u16,
}

impl FoundIndex {
    /// Enough for a document of some thousand bytes: 16 KB, which stay in the first-level cache.
    pub(super) const INITIAL_ENTRIES: usize = 2048;

    /// More numbers than places can be told apart with.
    const MAX_NUMBERS: usize = 1 << 16;

    pub(super) fn new() -> Self {
        Self { entries: vec![0; Self::INITIAL_ENTRIES], document: 0 }
    }

    /// Counts a document's numbers into `found`, in the order of their first occurrence; those of a giant document in
    /// ascending order.
    pub(super) fn count(&mut self, numbers: &mut [u32], found: &mut Vec<Occurrences>) {
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

    /// The same for numbers of 64 bits, which only training counts.
    pub(super) fn count_keys(&mut self, keys: &mut [u64], found: &mut Vec<(u64, u32)>) {
        found.clear();
        if keys.len() > Self::MAX_NUMBERS {
            keys.sort_unstable();
            found.extend(keys.chunk_by(|one, next| one == next).map(|run| (run[0], run.len() as u32)));
            return;
        }
        self.start(keys.len());
        let document = u64::from(self.document) << 32;
        let mask = self.entries.len() - 1;
        for &mut key in keys {
            let tag = document | key & 0xFFFF_FFFF;
            let mut at = key as usize & mask;
            loop {
                let entry = self.entries[at];
                if (entry ^ tag) >> 32 & 0xFFFF != 0 {
                    self.entries[at] = (found.len() as u64) << 48 | tag;
                    found.push((key, 1));
                    break;
                }
                let place = (entry >> 48) as usize;
                if found[place].0 == key {
                    found[place].1 += 1;
                    break;
                }
                at = (at + 1) & mask;
            }
        }
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
