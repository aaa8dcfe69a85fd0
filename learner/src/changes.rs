//! Which terms have changed since what was learned was published last: an update costs what changed, not what is known.

/// Places of terms, each once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Touched {
    bits: Vec<u64>,
    places: Vec<u32>,
    /// Places have changed, or terms are gone: nothing less than the whole model tells it.
    pub(crate) all: bool,
    /// A label was learned from: the bias has moved at least.
    pub(crate) any: bool,
}

impl Touched {
    #[inline]
    pub(crate) fn mark(&mut self, place: u32) {
        let (word, mask) = (place as usize / 64, 1 << (place % 64));
        if word >= self.bits.len() {
            self.bits.resize((word + 1).next_power_of_two(), 0);
        }
        if self.bits[word] & mask == 0 {
            self.bits[word] |= mask;
            self.places.push(place);
        }
    }

    pub(crate) fn places(&self) -> &[u32] {
        &self.places
    }

    /// Everything has been told.
    pub(crate) fn clear(&mut self) {
        for place in self.places.drain(..) {
            self.bits[place as usize / 64] = 0;
        }
        (self.all, self.any) = (false, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_is_told_once_until_it_is_touched_again() {
        let mut touched = Touched::default();
        for place in [7, 1_000_000, 7, 6] {
            touched.mark(place);
        }
        assert_eq!(touched.places(), [7, 1_000_000, 6]);
        touched.clear();
        assert!(touched.places().is_empty());
        touched.mark(6);
        assert_eq!(touched.places(), [6]);
    }
}
