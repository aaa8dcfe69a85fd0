//! Runs of ASCII letters and digits between plain separators, 64 bytes at a time: most words of most texts. A run beside a
//! byte that may mean more (an apostrophe within a word, markup, an address, anything beyond ASCII) is left to the pass that
//! looks at each byte.

/// Bytes of one step: a bit of a word for each.
const BLOCK: usize = 64;

/// What stands at a place of the text.
pub(super) enum Next {
    /// A word from here to before there, and nothing else to it.
    Run(usize, usize),
    /// Something here that needs a closer look; a word may start with it.
    Other(usize),
    /// The text is over.
    End,
}

/// Finds the runs of a text. Keeps the bits of the block that it looked at last.
pub(super) struct Runs<'a> {
    bytes: &'a [u8],
    block: usize,
    /// ASCII letters and digits.
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

    /// What comes at `at` or behind it. A word must not have begun before.
    #[inline]
    pub(super) fn next(&mut self, at: usize) -> Next {
        let Some(start) = self.find(at, |runs| runs.word | runs.other) else { return Next::End };
        if self.other >> (start % BLOCK) & 1 == 1 {
            return Next::Other(start);
        }
        match self.find(start, |runs| !runs.word) {
            Some(end) if self.other >> (end % BLOCK) & 1 == 1 => Next::Other(start),
            Some(end) => Next::Run(start, end),
            None => Next::Run(start, self.bytes.len()),
        }
    }

    /// The first place from `at` on that has its bit set.
    #[inline]
    fn find(&mut self, at: usize, bits: impl Fn(&Self) -> u64) -> Option<usize> {
        let mut at = at;
        while at < self.bytes.len() {
            if at / BLOCK != self.block {
                self.look_at(at / BLOCK);
            }
            let ahead = bits(self) >> (at % BLOCK);
            if ahead != 0 {
                let found = at + ahead.trailing_zeros() as usize;
                return (found < self.bytes.len()).then_some(found);
            }
            at = (at / BLOCK + 1) * BLOCK;
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

/// The bits of a block's bytes: letters and digits, and bytes that may be more than a separator.
fn classify(window: &[u8; BLOCK + 2]) -> (u64, u64) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[target_feature(enable = "avx2")]
        fn in_wide_vectors(window: &[u8; BLOCK + 2]) -> (u64, u64) {
            bits(window)
        }
        #[expect(unsafe_code, reason = "the processor has the instructions: it was asked just before")]
        return unsafe { in_wide_vectors(window) };
    }
    bits(window)
}

/// Plain arithmetic over arrays, which the compiler turns into vector instructions.
#[inline(always)]
fn bits(window: &[u8; BLOCK + 2]) -> (u64, u64) {
    let (mut word, mut other) = ([0_u8; BLOCK], [0_u8; BLOCK]);
    for i in 0..BLOCK {
        let (before, byte, behind) = (window[i], window[i + 1], window[i + 2]);
        let is_alphanumeric = is_letter(byte) | is_digit(byte);
        word[i] = u8::from(is_alphanumeric);
        let goes_on = is_letter(behind) | is_digit(behind);
        other[i] = u8::from(
            (byte >= 0x80)
                | (byte == b'<')
                | (byte == b'&')
                | ((byte == b'\'') & ((behind >= 0x80) | is_letter(behind)))
                | ((byte == b',') & is_digit(behind))
                // Within a number, and in `www.`, whatever comes behind that.
                | ((byte == b'.') & (goes_on | (before | 0x20 == b'w')))
                | ((byte == b':') & (behind == b'/')),
        );
    }
    (pack(&word), pack(&other))
}

#[inline(always)]
fn is_letter(byte: u8) -> bool {
    (byte | 0x20).wrapping_sub(b'a') < 26
}

#[inline(always)]
fn is_digit(byte: u8) -> bool {
    byte.wrapping_sub(b'0') < 10
}

/// The lowest bits of 64 bytes, side by side.
#[inline(always)]
fn pack(flags: &[u8; BLOCK]) -> u64 {
    flags.as_chunks::<8>().0.iter().enumerate().fold(0, |bits, (i, &eight)| {
        // The product's top byte collects one bit of each of the eight; none of the sums below it carries.
        let top = u64::from_le_bytes(eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        bits | top << (8 * i)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(text: &str) -> Vec<&str> {
        let mut runs = Runs::new(text.as_bytes());
        let (mut at, mut found) = (0, Vec::new());
        loop {
            match runs.next(at) {
                Next::Run(start, end) => {
                    found.push(&text[start..end]);
                    at = end;
                }
                Next::Other(start) => {
                    found.push("?");
                    at = start + text[start..].bytes().take_while(|byte| *byte != b' ').count();
                }
                Next::End => return found,
            }
        }
    }

    #[test]
    fn plain_words_are_runs() {
        assert_eq!(runs("Good, very-good (10)... x!"), ["Good", "very", "good", "10", "x"]);
        assert!(runs("").is_empty() && runs(" .,! ").is_empty());
    }

    #[test]
    fn words_beside_bytes_that_may_mean_more_are_not() {
        assert_eq!(
            runs("a don't b<br c&amp; d 3.5 e 1,000 f http://x g www.-x h é i 'x j ftp://y k"),
            ["a", "?", "?", "?", "d", "?", "e", "?", "f", "?", "g", "?", "h", "?", "i", "?", "j", "?", "k"]
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
                assert_eq!(runs(&format!("{text}'s")), ["?"], "{blanks}");
            }
        }
    }
}
