//! An update as bytes. All numbers are little endian:
//!
//! ```text
//! mark           8    "PLAUDITU"
//! format         u32  1
//! base           u64 version, 64 bytes SHA-256 of its artifact in lower-case hexadecimal
//! number         u64  from 1
//! documents      u64
//! bias           f64
//! keep rates     f64 negative, f64 positive
//! features       u32 n, then n times f64 mean, f64 scale, f64 weight
//! width          u8   bytes of an index: 4 where all are below 2^32, else 8
//! terms          u32 n, then n indices, n times f32 scale, n times f32 weight
//! removed        u32 n, then n indices
//! checksum       64 bytes SHA-256 of all that, in lower-case hexadecimal
//! ```
//!
//! The same update gives the same bytes. What is read is whole and makes sense, and no memory is taken for more than the bytes
//! hold.

use super::{Base, Update};
use crate::artifact::sha256_hex;
use crate::dense::Standard;
use crate::keep_rates::KeepRates;
use crate::parts::{FeaturePart, TermPart};
use crate::scoring::MAGNITUDE_LIMIT;
use schemas::ModelVersion;

const MARK: &[u8; 8] = b"PLAUDITU";
const VERSION: u32 = 1;
/// A SHA-256 in hexadecimal digits.
const CHECKSUM_BYTES: usize = 64;

/// Why bytes are no update.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpdateError {
    /// They begin with something else.
    #[error("the bytes are no update of a model")]
    Foreign,
    /// A newer program wrote them.
    #[error("the update has format {found}, and this build reads up to {VERSION}: use a newer plaudit")]
    NewerFormat {
        /// Its format version.
        found: u32,
    },
    /// They have changed since, or are not all there.
    #[error("the update is damaged: its checksum is another one")]
    Damaged,
    /// They are whole, and make no sense.
    #[error("the update makes no sense: {reason}")]
    Invalid {
        /// Why not.
        reason: String,
    },
}

impl Update {
    /// Its bytes. [`from_bytes`](Self::from_bytes) reads them if the update is what its fields' documentation says.
    pub fn to_bytes(&self) -> Vec<u8> {
        let indices = || self.terms.iter().map(|term| term.index).chain(self.removed.iter().copied());
        let width = if indices().all(|index| index <= u32::MAX.into()) { 4 } else { 8 };
        let size = 256 + 24 * self.features.len() + (width + 8) * self.terms.len() + width * self.removed.len();
        let mut to = Vec::with_capacity(size);
        let mut put = |bytes: &[u8]| to.extend_from_slice(bytes);
        put(MARK);
        put(&VERSION.to_le_bytes());
        put(&self.base.version.0.to_le_bytes());
        put(self.base.sha256.as_bytes());
        put(&self.number.to_le_bytes());
        put(&self.documents.to_le_bytes());
        put(&self.bias.to_le_bytes());
        put(&self.keep_rates.negative.to_le_bytes());
        put(&self.keep_rates.positive.to_le_bytes());
        put(&(self.features.len() as u32).to_le_bytes());
        for &FeaturePart { standard: Standard { mean, scale }, weight } in &self.features {
            [mean, scale, weight].iter().for_each(|number| put(&number.to_le_bytes()));
        }
        put(&[width as u8]);
        put(&(self.terms.len() as u32).to_le_bytes());
        self.terms.iter().for_each(|term| put(&term.index.to_le_bytes()[..width]));
        self.terms.iter().for_each(|term| put(&term.scale.to_le_bytes()));
        self.terms.iter().for_each(|term| put(&term.weight.to_le_bytes()));
        put(&(self.removed.len() as u32).to_le_bytes());
        self.removed.iter().for_each(|index| put(&index.to_le_bytes()[..width]));
        let checksum = sha256_hex(&to);
        to.extend_from_slice(checksum.as_bytes());
        to
    }

    /// Reads an update's bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, UpdateError> {
        let mut from = Reader(bytes.strip_prefix(MARK).ok_or(UpdateError::Foreign)?);
        let version = u32::from_le_bytes(from.array().map_err(|_| UpdateError::Damaged)?);
        if version > VERSION {
            return Err(UpdateError::NewerFormat { found: version });
        }
        let content = bytes.len().checked_sub(CHECKSUM_BYTES).ok_or(UpdateError::Damaged)?;
        if sha256_hex(&bytes[..content]).as_bytes() != &bytes[content..] {
            return Err(UpdateError::Damaged);
        }
        let base = from.base()?;
        let number = from.u64()?;
        let documents = from.u64()?;
        let bias = from.number()?;
        let keep_rates = KeepRates { negative: from.number()?, positive: from.number()? };
        let features = from.features()?;
        let width = match from.array()? {
            [4] => 4,
            [8] => 8,
            [other] => return Err(invalid(format!("its indices have {other} bytes"))),
        };
        let terms = from.terms(width)?;
        let removed = from.indices(width)?;
        if from.0.len() != CHECKSUM_BYTES {
            return Err(invalid("it goes on behind its end"));
        }
        let update = Self { base, number, documents, bias, keep_rates, features, terms, removed };
        update.check()?;
        Ok(update)
    }

    /// Checks what reading doesn't.
    fn check(&self) -> Result<(), UpdateError> {
        let is_sane = |number: f64| number.abs() < MAGNITUDE_LIMIT;
        if self.number == 0 {
            return Err(invalid("its number is 0, which is that of the version as it was trained"));
        }
        self.keep_rates.check().map_err(|error| invalid(error.to_string()))?;
        let is_feature = |part: &FeaturePart| part.standard.is_sane() && is_sane(part.weight);
        let is_term = |term: &TermPart| {
            let TermPart { scale, weight, .. } = *term;
            scale > 0.0 && is_sane(scale.into()) && is_sane(weight.into())
        };
        if !is_sane(self.bias) || !self.features.iter().all(is_feature) || !self.terms.iter().all(is_term) {
            return Err(invalid("it has a bias, a scale or a weight out of its range"));
        }
        let ascend = self.terms.is_sorted_by(|one, next| one.index < next.index);
        if !ascend || !self.removed.is_sorted_by(|one, next| one < next) {
            return Err(invalid("its terms are not in ascending order"));
        }
        let mut changed = self.terms.iter().map(|term| term.index).peekable();
        for removed in &self.removed {
            while changed.next_if(|index| index < removed).is_some() {}
            if changed.peek() == Some(removed) {
                return Err(invalid("it changes a term and removes it"));
            }
        }
        Ok(())
    }
}

fn invalid(reason: impl Into<String>) -> UpdateError {
    UpdateError::Invalid { reason: reason.into() }
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, bytes: usize) -> Result<&'a [u8], UpdateError> {
        let (taken, left) = self.0.split_at_checked(bytes).ok_or_else(|| invalid("it ends too early"))?;
        self.0 = left;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], UpdateError> {
        Ok(self.take(N)?.try_into().expect("so many bytes were taken"))
    }

    fn u64(&mut self) -> Result<u64, UpdateError> {
        self.array().map(u64::from_le_bytes)
    }

    fn number(&mut self) -> Result<f64, UpdateError> {
        self.array().map(f64::from_le_bytes)
    }

    /// A number of things of so many bytes each, of which there must be as many.
    fn length(&mut self, bytes_each: usize) -> Result<usize, UpdateError> {
        let length = u32::from_le_bytes(self.array()?) as usize;
        if length <= self.0.len() / bytes_each { Ok(length) } else { Err(invalid("it ends too early")) }
    }

    fn base(&mut self) -> Result<Base, UpdateError> {
        let version = ModelVersion(self.u64()?);
        let digits = self.take(CHECKSUM_BYTES)?;
        if version.0 == 0 || !digits.iter().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(invalid("it names no version with a checksum"));
        }
        Ok(Base { version, sha256: digits.iter().map(|&c| char::from(c)).collect() })
    }

    fn features(&mut self) -> Result<Vec<FeaturePart>, UpdateError> {
        let features = self.length(24)?;
        let feature = |from: &mut Self| {
            let standard = Standard { mean: from.number()?, scale: from.number()? };
            Ok(FeaturePart { standard, weight: from.number()? })
        };
        (0..features).map(|_| feature(self)).collect()
    }

    fn terms(&mut self, width: usize) -> Result<Vec<TermPart>, UpdateError> {
        let terms = self.length(width + 8)?;
        let indices = self.take(width * terms)?.chunks_exact(width).map(index);
        let (scales, weights) = (self.take(4 * terms)?, self.take(4 * terms)?);
        let numbers = scales.chunks_exact(4).map(single).zip(weights.chunks_exact(4).map(single));
        Ok(indices.zip(numbers).map(|(index, (scale, weight))| TermPart { index, scale, weight }).collect())
    }

    fn indices(&mut self, width: usize) -> Result<Vec<u64>, UpdateError> {
        let indices = self.length(width)?;
        Ok(self.take(width * indices)?.chunks_exact(width).map(index).collect())
    }
}

/// Of 4 or 8 bytes.
fn index(bytes: &[u8]) -> u64 {
    let mut index = [0; 8];
    index[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(index)
}

fn single(bytes: &[u8]) -> f32 {
    f32::from_le_bytes(bytes.try_into().expect("chunks_exact(4) gives four bytes"))
}
