//! The buffer that a word is built in.

/// A longer word is cut off here: such are no words of a language, and a text without spaces must not cost memory.
pub(crate) const MAX_WORD_BYTES: usize = 128;

/// A word under construction. The bytes beyond `len` may be anything.
pub(crate) struct Word {
    bytes: [u8; MAX_WORD_BYTES + 8],
    len: usize,
    /// Whether it stands behind a negation, where these are marked.
    is_negated: bool,
}

impl Word {
    pub(crate) fn new() -> Self {
        Self { bytes: [0; MAX_WORD_BYTES + 8], len: 0, is_negated: false }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    pub(crate) fn is_negated(&self) -> bool {
        self.is_negated
    }

    pub(super) fn set_negated(&mut self, is_negated: bool) {
        self.is_negated = is_negated;
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    #[inline]
    pub(crate) fn push_byte(&mut self, byte: u8) {
        if self.len < MAX_WORD_BYTES {
            self.bytes[self.len] = byte;
            self.len += 1;
        }
    }

    /// Adds ASCII letters and digits, as much as there is room for.
    #[inline]
    pub(crate) fn push_ascii(&mut self, run: &[u8], lowercase: bool) {
        let run = &run[..run.len().min(MAX_WORD_BYTES - self.len)];
        let target = &mut self.bytes[self.len..self.len + run.len()];
        // This bit makes a letter lower case, and every digit has it set.
        let bit = if lowercase { 0x20 } else { 0 };
        target.iter_mut().zip(run).for_each(|(target, &byte)| *target = byte | bit);
        self.len += run.len();
    }

    /// Becomes the first `len` of these ASCII letters and digits.
    #[inline]
    pub(super) fn set_ascii(&mut self, bytes: &[u8; 16], len: usize, lowercase: bool) {
        let bits = if lowercase { 0x20 * (u128::MAX / 0xFF) } else { 0 };
        let bytes = u128::from_le_bytes(*bytes) | bits;
        self.bytes[..16].copy_from_slice(&bytes.to_le_bytes());
        self.len = len;
    }

    pub(crate) fn push_char(&mut self, c: char) {
        let mut utf8 = [0; 4];
        let encoded = c.encode_utf8(&mut utf8).as_bytes();
        if self.len + encoded.len() <= MAX_WORD_BYTES {
            self.bytes[self.len..self.len + encoded.len()].copy_from_slice(encoded);
            self.len += encoded.len();
        }
    }

    /// Takes the last character off, if it is a whole one.
    pub(crate) fn pop_char(&mut self) -> Option<char> {
        let start = (self.len.saturating_sub(4)..self.len).rev().find(|&at| self.bytes[at] & 0xC0 != 0x80)?;
        let c = std::str::from_utf8(&self.bytes[start..self.len]).ok()?.chars().next()?;
        self.len = start;
        Some(c)
    }

    /// Shortens or rewrites the word in place; `rewrite` gets the bytes and answers the new length.
    pub(crate) fn rewrite(&mut self, rewrite: impl FnOnce(&mut [u8]) -> usize) {
        self.len = rewrite(&mut self.bytes[..self.len]).min(self.len);
    }

    /// A 64-bit hash of the word, eight bytes a step. It is part of the artifact's format: another function would need
    /// another format version.
    #[inline]
    pub(crate) fn hash(&self) -> u64 {
        let hash = self.hash_of_bytes();
        if self.is_negated { mix(hash ^ NEGATED) } else { hash }
    }

    #[inline]
    fn hash_of_bytes(&self) -> u64 {
        let Some(&[one, two]) = MASKS.get(self.len) else { return self.hash_of_a_long_word() };
        // Both steps for a short word too: a second one costs less than a branch that goes either way.
        let first = mix(self.seed() ^ self.chunk(0) & one);
        let second = mix(first ^ self.chunk(8) & two);
        std::hint::select_unpredictable(self.len <= 8, first, second)
    }

    #[cold]
    fn hash_of_a_long_word(&self) -> u64 {
        hash_bytes(self.as_bytes())
    }

    #[inline]
    fn seed(&self) -> u64 {
        SEED ^ self.len as u64
    }

    #[inline]
    fn chunk(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.bytes[at..at + 8].try_into().expect("a slice of eight bytes"))
    }
}

const SEED: u64 = 0x9E37_79B9_7F4A_7C15;

/// The hash of a negated word is that of the word, mixed with this.
const NEGATED: u64 = 0xA54F_F53A_5F1D_36F1;

/// The hash of a word of these bytes: eight at a time, the last ones with zeros behind them.
#[inline]
pub(crate) fn hash_bytes(bytes: &[u8]) -> u64 {
    let (chunks, rest) = bytes.as_chunks::<8>();
    let mut hash = SEED ^ bytes.len() as u64;
    for &chunk in chunks {
        hash = mix(hash ^ u64::from_le_bytes(chunk));
    }
    if rest.is_empty() {
        return hash;
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mix(hash ^ u64::from_le_bytes(last))
}

/// For each length up to 16, the bits of the first and of the second eight bytes that belong to the word.
const MASKS: [[u64; 2]; 17] = {
    let mut masks = [[0, 0]; 17];
    let mut len = 0;
    while len <= 16 {
        let bits = if len == 16 { u128::MAX } else { (1 << (8 * len)) - 1 };
        masks[len] = [bits as u64, (bits >> 64) as u64];
        len += 1;
    }
    masks
};

/// Multiplies to 128 bits and folds the halves: every bit of the input reaches every bit of the output. The constants are
/// the fractions of the golden ratio and of the square root of 3, made odd.
#[inline]
pub(crate) fn mix(value: u64) -> u64 {
    let product = u128::from(value ^ 0xBB67_AE85_84CA_A73B) * 0x9E37_79B9_7F4A_7C15_u128;
    (product as u64) ^ ((product >> 64) as u64)
}
