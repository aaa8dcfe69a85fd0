//! Runs of ASCII letters and digits between plain separators, 64 bytes at a time: most words of most texts. A run beside a
//! byte that may mean more (an apostrophe within a word, markup, an address, anything beyond ASCII) is left to the pass that
//! looks at each byte.

/// Bytes of one step: a bit of a word for each.
const BLOCK: usize = 64;

/// Finds the runs of a text. Keeps the bits of the block that it looked at last.
pub(super) struct Runs<'a> {
    bytes: &'a [u8],
    block: usize,
    /// Bytes of plain words.
    word: u64,
    /// Bytes that may be more than a separator.
    other: u64,
}

impl<'a> Runs<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let mut runs = Self { bytes, block: 0, word: 0, other: 0 };
        runs.look_at(0);
        runs
    }

    /// Calls `run` with the bounds of each plain word from `from` on, where no word has begun before. Answers where the first
    /// thing stands that needs a closer look, the word that it touches included; `None` where the text is over.
    #[inline]
    pub(super) fn until_other(&mut self, from: usize, mut run: impl FnMut(usize, usize)) -> Option<usize> {
        // The word that the block before ended in.
        let mut open = None;
        let mut from = from;
        while from < self.bytes.len() {
            if from / BLOCK != self.block {
                self.look_at(from / BLOCK);
            }
            let base = self.block * BLOCK;
            let ahead = !0 << (from % BLOCK);
            let other = self.other & ahead;
            // All bits below the first one of those.
            let plain = other.wrapping_sub(1) & !other;
            let word = self.word & ahead & plain;
            let behind = word << 1 | u64::from(open.is_some());
            let mut starts = word & !behind;
            // One at the place of the other is not plain.
            let mut ends = behind & !word & plain;
            if ends != 0
                && let Some(start) = open.take()
            {
                run(start, base + ends.trailing_zeros() as usize);
                ends &= ends - 1;
            }
            while ends != 0 {
                run(base + starts.trailing_zeros() as usize, base + ends.trailing_zeros() as usize);
                starts &= starts - 1;
                ends &= ends - 1;
            }
            if starts != 0 {
                open = Some(base + starts.trailing_zeros() as usize);
            }
            if other != 0 {
                let other = base + other.trailing_zeros() as usize;
                // Only a word up to there touches it.
                return Some(open.unwrap_or(other));
            }
            from = base + BLOCK;
        }
        if let Some(start) = open {
            run(start, self.bytes.len());
        }
        None
    }

    fn look_at(&mut self, block: usize) {
        self.block = block;
        let start = block * BLOCK;
        // The block with one byte on either side; blanks where the text is over.
        let mut window = [b' '; BLOCK + 2];
        match start.checked_sub(1).and_then(|before| self.bytes.get(before..before + BLOCK + 2)) {
            Some(bytes) => window.copy_from_slice(bytes),
            None => {
                let from = start.saturating_sub(1);
                let bytes = &self.bytes[from.min(self.bytes.len())..self.bytes.len().min(start + BLOCK + 1)];
                let at = from + 1 - start;
                window[at..at + bytes.len()].copy_from_slice(bytes);
            }
        }
        (self.word, self.other) = classify(&window);
    }
}

/// The bits of a block's bytes: of plain words, and of those that may be more than a separator.
fn classify(window: &[u8; BLOCK + 2]) -> (u64, u64) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[expect(unsafe_code, reason = "the processor has the instructions: it was asked just before")]
        return unsafe { in_wide_vectors(window) };
    }
    one_by_one(window)
}

fn one_by_one(window: &[u8; BLOCK + 2]) -> (u64, u64) {
    let bytes = &window[1..=BLOCK];
    bits(window, |set| bytes.iter().rev().fold(0, |bits, &byte| bits << 1 | u64::from(set.holds(byte))))
}

/// A set of bytes.
#[derive(Clone, Copy)]
enum Set {
    Byte(u8),
    /// The byte and its capital letter.
    Letter(u8),
    Letters,
    Digits,
    BeyondAscii,
}

impl Set {
    #[inline(always)]
    fn holds(self, byte: u8) -> bool {
        match self {
            Self::Byte(one) => byte == one,
            Self::Letter(one) => byte | 0x20 == one,
            Self::Letters => (byte | 0x20).wrapping_sub(b'a') < 26,
            Self::Digits => byte.wrapping_sub(b'0') < 10,
            Self::BeyondAscii => byte >= 0x80,
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn in_wide_vectors(window: &[u8; BLOCK + 2]) -> (u64, u64) {
    use std::arch::x86_64::{
        __m256i, _mm256_cmpeq_epi8, _mm256_min_epu8, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8,
        _mm256_setr_epi64x, _mm256_sub_epi8,
    };
    let load = |at: usize| {
        let word = |i: usize| i64::from_le_bytes(window[at + 8 * i..at + 8 * i + 8].try_into().expect("eight bytes"));
        _mm256_setr_epi64x(word(0), word(1), word(2), word(3))
    };
    let halves = [load(1), load(33)];
    let all = |byte: u8| _mm256_set1_epi8(byte as i8);
    let below = |value: __m256i, limit: u8| _mm256_cmpeq_epi8(_mm256_min_epu8(value, all(limit - 1)), value);
    let lower = |value: __m256i| _mm256_or_si256(value, all(0x20));
    bits(window, |set| {
        let [one, two] = halves.map(|bytes| {
            let holds = match set {
                Set::Byte(one) => _mm256_cmpeq_epi8(bytes, all(one)),
                Set::Letter(one) => _mm256_cmpeq_epi8(lower(bytes), all(one)),
                Set::Letters => below(_mm256_sub_epi8(lower(bytes), all(b'a')), 26),
                Set::Digits => below(_mm256_sub_epi8(bytes, all(b'0')), 10),
                Set::BeyondAscii => bytes,
            };
            u64::from(_mm256_movemask_epi8(holds) as u32)
        });
        two << 32 | one
    })
}

/// What the bytes are, by the bits of those that are in a set.
#[inline(always)]
fn bits(window: &[u8; BLOCK + 2], in_set: impl Fn(Set) -> u64) -> (u64, u64) {
    let (before, behind) = (window[0], window[BLOCK + 1]);
    let after = |bits: u64, set: Set| bits << 1 | u64::from(set.holds(before));
    let ahead = |bits: u64, set: Set| bits >> 1 | u64::from(set.holds(behind)) << (BLOCK - 1);
    let (letters, digits, beyond) = (in_set(Set::Letters), in_set(Set::Digits), in_set(Set::BeyondAscii));
    let apostrophes = in_set(Set::Byte(b'\''));
    let after_digits = after(digits, Set::Digits);
    let joining = apostrophes & (after(letters, Set::Letters) | after_digits) & ahead(letters, Set::Letters);
    let points = in_set(Set::Byte(b'.'));
    let in_numbers = (points | in_set(Set::Byte(b','))) & after_digits & ahead(digits, Set::Digits);
    let after_w = points & after(in_set(Set::Letter(b'w')), Set::Letter(b'w'));
    let before_slashes = in_set(Set::Byte(b':')) & ahead(in_set(Set::Byte(b'/')), Set::Byte(b'/'));
    let marks = in_set(Set::Byte(b'<')) | in_set(Set::Byte(b'&'));
    let before_beyond = apostrophes & ahead(beyond, Set::BeyondAscii);
    (letters | digits | joining, beyond | marks | before_beyond | in_numbers | after_w | before_slashes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(text: &str) -> Vec<&str> {
        let mut runs = Runs::new(text.as_bytes());
        let (mut at, mut found) = (0, Vec::new());
        while let Some(other) = runs.until_other(at, |start, end| found.push(&text[start..end])) {
            found.push("?");
            at = other + text[other..].bytes().take_while(|byte| *byte != b' ').count();
        }
        found
    }

    #[test]
    fn plain_words_are_runs() {
        assert_eq!(runs("Good, very-good (10)... x!"), ["Good", "very", "good", "10", "x"]);
        assert_eq!(
            runs("I don't 'quote' rock'n'roll's end.Next,one"),
            ["I", "don't", "quote", "rock'n'roll's", "end", "Next", "one"]
        );
        assert!(runs("").is_empty() && runs(" .,! ").is_empty());
    }

    #[test]
    fn words_beside_bytes_that_may_mean_more_are_not() {
        assert_eq!(
            runs("a don'é b<br c&amp; d 3.5 e 1,000 f http://x g www.-x h é i 'x j ftp://y k"),
            ["a", "?", "?", "?", "d", "?", "e", "?", "f", "?", "g", "?", "h", "?", "i", "x", "j", "?", "k"]
        );
    }

    #[test]
    fn runs_cross_blocks_and_end_with_the_text() {
        for length in 1..200 {
            let word = "x".repeat(length);
            for blanks in [0, 1, 62, 63, 64, 65] {
                let text = format!("{}{word}", " ".repeat(blanks));
                assert_eq!(runs(&text), [word.as_str()], "{blanks}");
                assert_eq!(runs(&format!("{text} y")), [word.as_str(), "y"], "{blanks}");
                assert_eq!(runs(&format!("{text}'s")), [format!("{word}'s")], "{blanks}");
                assert_eq!(runs(&format!("{text}é")), ["?"], "{blanks}");
            }
        }
    }

    #[test]
    fn wide_vectors_see_what_single_bytes_show() {
        let marks = *b"az09AZ'.,:/<&wW \x7F\x80\xC3\xFF";
        let mut state = 1_u64;
        for _ in 0..10_000 {
            let window: [u8; BLOCK + 2] = std::array::from_fn(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                marks[(state >> 33) as usize % marks.len()]
            });
            assert_eq!(classify(&window), one_by_one(&window), "{window:?}");
        }
    }
}
