//! A learner as bytes, to go on from as if nothing had been: a mark, a format version, the settings that give the numbers
//! their meaning, the numbers in little endian, and a SHA-256 of all that. Terms come in ascending order, so that the same
//! state gives the same bytes.

use crate::cell::{Algorithm, Cell};
use crate::config::LearnConfig;
use crate::features::{Feature, Moments};
use crate::influence::{Allowance, Allowances};
use crate::learner::Learner;
use crate::table::Table;
use model::{ModelConfig, Standard, sha256_hex};
use serde::{Deserialize, Serialize};

/// Why bytes are no learner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// They begin with something else.
    #[error("the checkpoint is not one of a learner")]
    Foreign,
    /// A newer program wrote it.
    #[error("the checkpoint has format {found}, and this program knows formats up to {VERSION}: use a newer one")]
    NewerFormat {
        /// Its format version.
        found: u32,
    },
    /// They have changed since.
    #[error("the checkpoint is damaged: its checksum is another one")]
    Damaged,
    /// They are whole, and make no sense.
    #[error("the checkpoint makes no sense: {reason}")]
    Invalid {
        /// Why not.
        reason: String,
    },
    /// Its numbers mean something else with these settings.
    #[error("the checkpoint was written with learn.{key} = {written}, which is {now} now: set it back, or begin anew")]
    OtherSettings {
        /// The key.
        key: &'static str,
        /// Its value then.
        written: String,
        /// Its value now.
        now: String,
    },
}

const MARK: &[u8; 8] = b"PLAUDITL";
const VERSION: u32 = 1;
/// A SHA-256 in hexadecimal digits.
const CHECKSUM_BYTES: usize = 64;

/// The settings that the numbers depend on.
#[derive(Serialize, Deserialize)]
struct Header {
    algorithm: Algorithm,
    max_terms: usize,
    model: ModelConfig,
}

impl Learner {
    /// Everything that the next label depends on.
    pub fn to_bytes(&self) -> Vec<u8> {
        let known = self.table.known();
        let mut to = Writer(Vec::with_capacity(known.len() * 24 + 4096));
        to.0.extend_from_slice(MARK);
        to.u32(VERSION);
        let Self { config, model, .. } = self;
        let header = Header { algorithm: config.algorithm, max_terms: config.max_terms, model: model.clone() };
        let header = serde_json::to_vec(&header).expect("settings have string keys and finite numbers");
        to.u64(header.len() as u64);
        to.0.extend_from_slice(&header);
        to.u64(self.documents);
        to.f64(self.decay.now);
        to.f32(self.new_scale);
        to.cell(&self.bias);
        for feature in &self.features {
            to.feature(feature);
        }
        to.u64(known.len() as u64);
        for (index, cell) in &known {
            to.u64(*index);
            to.cell(cell);
        }
        let seen = if let Table::Exact(exact) = &self.table { exact.seen().words() } else { &[] };
        to.u64(seen.len() as u64);
        seen.iter().for_each(|word| to.u64(*word));
        to.allowances(&self.influence.users);
        to.allowances(&self.influence.products);
        let checksum = sha256_hex(&to.0);
        to.0.extend_from_slice(checksum.as_bytes());
        to.0
    }

    /// A learner that goes on from what [`to_bytes`](Self::to_bytes) gave, under the same settings.
    pub fn from_bytes(config: LearnConfig, bytes: &[u8]) -> Result<Self, CheckpointError> {
        let after_mark = bytes.strip_prefix(MARK).ok_or(CheckpointError::Foreign)?;
        let mut from = Reader(after_mark);
        let version = from.u32()?;
        if version > VERSION {
            return Err(CheckpointError::NewerFormat { found: version });
        }
        let content = bytes.len().checked_sub(CHECKSUM_BYTES).ok_or(CheckpointError::Damaged)?;
        if sha256_hex(&bytes[..content]).as_bytes() != &bytes[content..] {
            return Err(CheckpointError::Damaged);
        }
        let length = from.length(1)?;
        let header: Header = serde_json::from_slice(from.take(length)?).map_err(|error| invalid(error.to_string()))?;
        check_settings(&header, &config)?;
        header.model.check().map_err(|error| invalid(error.to_string()))?;
        let mut learner = Self::new(config, header.model).map_err(|error| invalid(error.to_string()))?;
        learner.documents = from.u64()?;
        learner.decay.now = from.f64()?;
        if !(learner.decay.now > 0.0 && learner.decay.now <= 1.0) {
            return Err(invalid("its decay is no share"));
        }
        learner.new_scale = from.f32()?;
        learner.bias = from.cell()?;
        for feature in &mut learner.features {
            *feature = from.feature()?;
        }
        from.terms(&mut learner)?;
        from.allowances(&mut learner.influence.users)?;
        from.allowances(&mut learner.influence.products)?;
        if from.0.len() != CHECKSUM_BYTES {
            return Err(invalid("it goes on behind its end"));
        }
        Ok(learner)
    }
}

fn check_settings(written: &Header, now: &LearnConfig) -> Result<(), CheckpointError> {
    let differ = |key, written, now| Err(CheckpointError::OtherSettings { key, written, now });
    if written.algorithm != now.algorithm {
        return differ("algorithm", format!("{:?}", written.algorithm), format!("{:?}", now.algorithm));
    }
    if written.max_terms != now.max_terms {
        return differ("max_terms", written.max_terms.to_string(), now.max_terms.to_string());
    }
    Ok(())
}

pub(crate) fn invalid(reason: impl Into<String>) -> CheckpointError {
    CheckpointError::Invalid { reason: reason.into() }
}

/// Numbers in little endian, one behind the other.
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    pub(crate) fn u32(&mut self, number: u32) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub(crate) fn i64(&mut self, number: i64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn f32(&mut self, number: f32) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn f64(&mut self, number: f64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn cell(&mut self, cell: &Cell) {
        [cell.scale, cell.weight, cell.squares, cell.pull].into_iter().for_each(|number| self.f32(number));
    }

    fn feature(&mut self, feature: &Feature) {
        self.cell(&feature.cell);
        let numbers = match feature.moments {
            Moments::Fixed(Standard { mean, scale }) => [-1.0, mean, scale],
            Moments::Running { count, mean, squares } => [count, mean, squares],
        };
        numbers.into_iter().for_each(|number| self.f64(number));
    }

    fn allowances(&mut self, allowances: &Allowances) {
        self.u64(allowances.quarantines);
        self.i64(allowances.now_millis);
        let known = allowances.known();
        self.u64(known.len() as u64);
        for (id, Allowance { left, at_millis, refused, until_millis }) in known {
            self.u64(id);
            self.f32(left);
            self.i64(at_millis);
            self.u32(refused);
            self.i64(until_millis);
        }
    }
}

/// Reads what a [`Writer`] wrote.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], CheckpointError> {
        let (taken, left) = self.0.split_at_checked(length).ok_or_else(|| invalid("it ends too early"))?;
        self.0 = left;
        Ok(taken)
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], CheckpointError> {
        Ok(self.take(N)?.try_into().expect("so many bytes were taken"))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, CheckpointError> {
        self.bytes().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, CheckpointError> {
        self.bytes().map(u64::from_le_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, CheckpointError> {
        self.bytes().map(i64::from_le_bytes)
    }

    fn f32(&mut self) -> Result<f32, CheckpointError> {
        let number = self.bytes().map(f32::from_le_bytes)?;
        if number.is_finite() { Ok(number) } else { Err(invalid("it holds what is no number")) }
    }

    fn f64(&mut self) -> Result<f64, CheckpointError> {
        let number = self.bytes().map(f64::from_le_bytes)?;
        if number.is_finite() { Ok(number) } else { Err(invalid("it holds what is no number")) }
    }

    /// A number of things of so many bytes each, of which there must be as many: no memory is taken for others.
    pub(crate) fn length(&mut self, bytes_each: usize) -> Result<usize, CheckpointError> {
        let length = usize::try_from(self.u64()?).ok();
        length.filter(|length| *length <= self.0.len() / bytes_each).ok_or_else(|| invalid("it ends too early"))
    }

    fn cell(&mut self) -> Result<Cell, CheckpointError> {
        Ok(Cell { scale: self.f32()?, weight: self.f32()?, squares: self.f32()?, pull: self.f32()? })
    }

    fn feature(&mut self) -> Result<Feature, CheckpointError> {
        let cell = self.cell()?;
        let moments = match [self.f64()?, self.f64()?, self.f64()?] {
            [count, mean, scale] if count < 0.0 => Moments::Fixed(Standard { mean, scale }),
            [count, mean, squares] => Moments::Running { count, mean, squares },
        };
        Ok(Feature { cell, moments })
    }

    fn terms(&mut self, learner: &mut Learner) -> Result<(), CheckpointError> {
        let terms = self.length(24)?;
        let mut last = None;
        for _ in 0..terms {
            let (index, cell) = (self.u64()?, self.cell()?);
            let fits = match &learner.table {
                Table::Hashed(cells) => index < cells.len() as u64,
                Table::Exact(exact) => exact.len() < learner.config.max_terms,
            };
            if !fits || last >= Some(index) || cell.scale.is_nan() || cell.scale <= 0.0 {
                return Err(invalid("its terms are not ascending numbers with scales above 0"));
            }
            last = Some(index);
            learner.table.insert(index, cell);
        }
        let words = self.length(8)?;
        let seen = (0..words).map(|_| self.u64()).collect::<Result<Vec<u64>, _>>()?;
        let fits = match &mut learner.table {
            Table::Hashed(_) => seen.is_empty(),
            Table::Exact(exact) => exact.seen_mut().restore(seen),
        };
        if fits { Ok(()) } else { Err(invalid("its filter has another size")) }
    }

    fn allowances(&mut self, allowances: &mut Allowances) -> Result<(), CheckpointError> {
        allowances.quarantines = self.u64()?;
        allowances.now_millis = self.i64()?;
        let entities = self.length(32)?;
        let entity = |from: &mut Self| {
            let id = from.u64()?;
            let (left, at_millis) = (from.f32()?, from.i64()?);
            let (refused, until_millis) = (from.u32()?, from.i64()?);
            Ok((id, Allowance { left, at_millis, refused, until_millis }))
        };
        allowances.restore((0..entities).map(|_| entity(self)).collect::<Result<Vec<_>, CheckpointError>>()?);
        Ok(())
    }
}
