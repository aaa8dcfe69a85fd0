//! A model as bytes: safetensors, so that any reader of that format sees its tensors, with one metadata entry, `plaudit`, whose
//! JSON holds everything else that scoring needs. Data, never code. The same model gives the same bytes; what is read has
//! been checked against its own sha256 and for sense, so that a damaged or foreign file is refused and never scored with.
//!
//! Tensors, each of one dimension: `bias` F64 \[1\]; `slot` U32 \[n\], or where terms are told apart exactly `term` U64 \[n\], in
//! ascending order; `scale` F32 \[n\], what the term's frequency is multiplied with; `weight` F32 \[n\].
//! Where the configuration names features, also `feature_mean`, `feature_scale` and `feature_weight`, F64 \[number of them\], in
//! its order. A file has the lowest format version that knows all it holds, so that older builds read what they can: 2 came with
//! features, 3 with keep rates, exact terms and more kinds of terms.

use crate::config::{ConfigError, ModelConfig, TermIndex};
use crate::dense::{Dense, Standard};
use crate::keep_rates::KeepRates;
use crate::scoring::{MAGNITUDE_LIMIT, Model};
use crate::slots::{Slot, Slots};
use crate::table::Table;
use crate::vocabulary::Vocabulary;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// A larger file is refused unread.
pub const MAX_ARTIFACT_BYTES: usize = 1 << 30;

const METADATA_KEY: &str = "plaudit";
/// The newest version that is read.
const FORMAT_VERSION: u32 = 3;

/// Why bytes are no model.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// More bytes than any model of ours.
    #[error("the model file has {bytes} bytes, more than the {MAX_ARTIFACT_BYTES} that a model may have")]
    TooLarge {
        /// How many.
        bytes: usize,
    },
    /// The bytes end too early.
    #[error("the model file is cut off")]
    Truncated,
    /// Not safetensors, or one of somebody else.
    #[error("the file is no model of Plaudit: {reason}")]
    Foreign {
        /// What gives it away.
        reason: String,
    },
    /// From a later release.
    #[error(
        "the model file has format version {found}, and this build reads up to {FORMAT_VERSION}: use a newer plaudit"
    )]
    NewerFormat {
        /// The file's version.
        found: u32,
    },
    /// The content is not what was written.
    #[error("the model file is damaged: its content has sha256 {found}, and says it should have {expected}")]
    Damaged {
        /// What the file says.
        expected: String,
        /// What its content has.
        found: String,
    },
    /// The content was written so and makes no sense.
    #[error("the model file makes no sense: {reason}")]
    Invalid {
        /// What is wrong.
        reason: String,
    },
}

impl From<ConfigError> for ArtifactError {
    fn from(error: ConfigError) -> Self {
        Self::Invalid { reason: error.to_string() }
    }
}

/// The JSON of the metadata entry.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format_version: u32,
    config: ModelConfig,
    documents: u64,
    /// Absent where nothing was left out of the training rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keep_rates: Option<KeepRates>,
    /// Over this header's JSON with nothing here, and the tensors' bytes in the order of the module's documentation.
    sha256: String,
}

/// What is read before anything else, whatever the version: later ones may have other fields.
#[derive(Deserialize)]
struct VersionOnly {
    format_version: u32,
}

/// The sha256 of bytes, in hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Model {
    /// The model's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let bias = self.bias.to_le_bytes();
        let (terms, values): (Vec<u8>, Vec<Slot>) = match &self.table {
            Table::Hashed(slots) => (
                slots.iter().flat_map(|(slot, _)| slot.to_le_bytes()).collect(),
                slots.iter().map(|(_, value)| value).collect(),
            ),
            Table::Exact(vocabulary) => (
                vocabulary.iter().flat_map(|(key, _)| key.to_le_bytes()).collect(),
                vocabulary.iter().map(|(_, value)| value).collect(),
            ),
        };
        let scale: Vec<u8> = values.iter().flat_map(|value| value.scale.to_le_bytes()).collect();
        let weight: Vec<u8> = values.iter().flat_map(|value| value.weight.to_le_bytes()).collect();
        let of_features = |number: fn(&Dense) -> f64| -> Vec<u8> {
            self.dense.iter().flat_map(|dense| number(dense).to_le_bytes()).collect()
        };
        let feature_mean = of_features(|dense| dense.standard.mean);
        let feature_scale = of_features(|dense| dense.standard.scale);
        let feature_weight = of_features(|dense| dense.weight);
        let mut header = Header {
            format_version: self.format_version(),
            config: self.config.clone(),
            documents: self.documents,
            keep_rates: (self.keep_rates != KeepRates::ALL).then_some(self.keep_rates),
            sha256: String::new(),
        };
        header.sha256 =
            checksum(&header, &[&bias, &terms, &scale, &weight, &feature_mean, &feature_scale, &feature_weight]);
        let index = Index::of(self.config.vectorizer.terms);
        // One entry: the map's order, and so the file's bytes, can't vary.
        let metadata = HashMap::from([(METADATA_KEY.to_owned(), json(&header))]);
        let tensor = |dtype, length: usize, bytes| {
            TensorView::new(dtype, vec![length], bytes).expect("the bytes are as many as the shape says")
        };
        let mut tensors = vec![
            ("bias", tensor(Dtype::F64, 1, &bias[..])),
            (index.tensor, tensor(index.dtype, values.len(), &terms)),
            ("scale", tensor(Dtype::F32, values.len(), &scale)),
            ("weight", tensor(Dtype::F32, values.len(), &weight)),
        ];
        if !self.dense.is_empty() {
            let tensor = |bytes| tensor(Dtype::F64, self.dense.len(), bytes);
            tensors.push(("feature_mean", tensor(&feature_mean)));
            tensors.push(("feature_scale", tensor(&feature_scale)));
            tensors.push(("feature_weight", tensor(&feature_weight)));
        }
        safetensors::serialize(tensors, Some(metadata)).expect("the tensors have different names")
    }

    /// The lowest version that knows all that the model holds.
    fn format_version(&self) -> u32 {
        let is_of_format_3 = self.config.cleaning.mark_negated || self.config.vectorizer.is_of_format_3();
        if is_of_format_3 || self.keep_rates != KeepRates::ALL {
            3
        } else if !self.dense.is_empty() {
            2
        } else {
            1
        }
    }

    /// Reads a model's bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ArtifactError> {
        if bytes.len() > MAX_ARTIFACT_BYTES {
            return Err(ArtifactError::TooLarge { bytes: bytes.len() });
        }
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| unreadable(bytes, &error))?;
        let mut header = header(bytes)?;
        header.config.check()?;
        let bias = tensor(&tensors, "bias", Dtype::F64)?;
        let index = Index::of(header.config.vectorizer.terms);
        let terms = tensor(&tensors, index.tensor, index.dtype)?;
        let scale = tensor(&tensors, "scale", Dtype::F32)?;
        let weight = tensor(&tensors, "weight", Dtype::F32)?;
        let of_features = if header.config.features.is_empty() {
            [&[][..]; 3]
        } else {
            let tensor = |name| tensor(&tensors, name, Dtype::F64);
            [tensor("feature_mean")?, tensor("feature_scale")?, tensor("feature_weight")?]
        };
        if tensors.len() != if header.config.features.is_empty() { 4 } else { 7 } {
            return Err(ArtifactError::Foreign { reason: "it has tensors besides those of a model".to_owned() });
        }
        header.config.vectorizer.check_terms(terms.len() / index.bytes)?;
        let expected = std::mem::take(&mut header.sha256);
        let [mean, deviation, feature_weight] = of_features;
        let found = checksum(&header, &[bias, terms, scale, weight, mean, deviation, feature_weight]);
        if found != expected {
            return Err(ArtifactError::Damaged { expected, found });
        }
        let of_text = bias.len() == 8 && terms.len() / index.bytes == scale.len() / 4 && scale.len() == weight.len();
        if !of_text || of_features.iter().any(|bytes| bytes.len() != 8 * header.config.features.len()) {
            return Err(invalid("its tensors have different lengths"));
        }
        let bias = f64::from_le_bytes(bias.try_into().expect("eight bytes"));
        if !is_sane(bias) {
            return Err(invalid("its bias is not a number of sensible size"));
        }
        let values = values(scale, weight)?;
        let table = match header.config.vectorizer.terms {
            TermIndex::Hashed => Table::Hashed(slots(&header.config, terms, values)?),
            TermIndex::Exact => Table::Exact(vocabulary(terms, values)?),
        };
        let dense = dense(of_features)?;
        let Header { config, documents, keep_rates, .. } = header;
        let keep_rates = keep_rates.unwrap_or_default();
        let model = Self { config, bias, documents, table, dense, keep_rates: KeepRates::ALL, correction: 0.0 };
        Ok(model.with_keep_rates(keep_rates)?)
    }
}

/// The tensor that tells terms apart.
struct Index {
    tensor: &'static str,
    dtype: Dtype,
    /// Of one term.
    bytes: usize,
}

impl Index {
    fn of(terms: TermIndex) -> Self {
        match terms {
            TermIndex::Hashed => Self { tensor: "slot", dtype: Dtype::U32, bytes: 4 },
            TermIndex::Exact => Self { tensor: "term", dtype: Dtype::U64, bytes: 8 },
        }
    }
}

/// What the model holds for each term.
fn values(scale: &[u8], weight: &[u8]) -> Result<Vec<Slot>, ArtifactError> {
    let value = |(scale, weight)| {
        let slot = Slot { scale: f32::from_le_bytes(scale), weight: f32::from_le_bytes(weight) };
        let is_usable = slot.scale > 0.0 && is_sane(slot.scale.into()) && is_sane(slot.weight.into());
        is_usable.then_some(slot).ok_or_else(|| invalid("a scale or weight of it is not a number of sensible size"))
    };
    words(scale).zip(words(weight)).map(value).collect()
}

/// The slots in memory.
fn slots(config: &ModelConfig, slots: &[u8], values: Vec<Slot>) -> Result<Slots, ArtifactError> {
    let slots: Vec<u32> = words(slots).map(u32::from_le_bytes).collect();
    let is_below = |&slot: &u32| slot >> config.vectorizer.hash_bits == 0;
    if !slots.is_sorted_by(|one, next| one < next) || !slots.iter().all(is_below) {
        return Err(invalid("its slots are not ascending numbers below 2^hash_bits"));
    }
    Ok(Slots::new(config.vectorizer.hash_bits, slots.into_iter().zip(values)))
}

/// The vocabulary in memory.
fn vocabulary(keys: &[u8], values: Vec<Slot>) -> Result<Vocabulary, ArtifactError> {
    let keys: Vec<u64> = eights(keys).map(u64::from_le_bytes).collect();
    if !keys.is_sorted_by(|one, next| one < next) {
        return Err(invalid("its terms are not ascending numbers"));
    }
    Ok(Vocabulary::new(keys.into_iter().zip(values)))
}

/// What is done with features.
fn dense([mean, scale, weight]: [&[u8]; 3]) -> Result<Vec<Dense>, ArtifactError> {
    let feature = |((mean, scale), weight)| {
        let dense = Dense { standard: Standard { mean, scale }, weight };
        let is_sane = dense.standard.is_sane() && is_sane(weight);
        is_sane.then_some(dense).ok_or_else(|| invalid("a mean, scale or weight of its features is no sensible number"))
    };
    numbers(mean).zip(numbers(scale)).zip(numbers(weight)).map(feature).collect()
}

fn is_sane(number: f64) -> bool {
    number.abs() < MAGNITUDE_LIMIT
}

fn words(bytes: &[u8]) -> impl Iterator<Item = [u8; 4]> + '_ {
    bytes.chunks_exact(4).map(|word| word.try_into().expect("chunks_exact(4) gives four bytes"))
}

fn eights(bytes: &[u8]) -> impl Iterator<Item = [u8; 8]> + '_ {
    bytes.chunks_exact(8).map(|word| word.try_into().expect("chunks_exact(8) gives eight bytes"))
}

fn numbers(bytes: &[u8]) -> impl Iterator<Item = f64> + '_ {
    eights(bytes).map(f64::from_le_bytes)
}

fn invalid(reason: &str) -> ArtifactError {
    ArtifactError::Invalid { reason: reason.to_owned() }
}

fn checksum(header: &Header, tensors: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    hash.update(json(header));
    tensors.iter().for_each(|bytes| hash.update(bytes));
    hex(&hash.finalize())
}

fn json(header: &Header) -> String {
    serde_json::to_string(header).expect("the header has string keys and finite numbers")
}

/// Tells a file that ends too early from one that is something else.
fn unreadable(bytes: &[u8], error: &safetensors::SafeTensorError) -> ArtifactError {
    use safetensors::SafeTensorError as Error;
    let looks_like_one = bytes.len() < 8 || bytes.get(8) == Some(&b'{');
    match error {
        Error::HeaderTooSmall | Error::InvalidHeaderLength if looks_like_one => ArtifactError::Truncated,
        Error::MetadataIncompleteBuffer => ArtifactError::Truncated,
        _ => ArtifactError::Foreign { reason: "it is no safetensors file".to_owned() },
    }
}

fn header(bytes: &[u8]) -> Result<Header, ArtifactError> {
    let foreign = |reason: String| ArtifactError::Foreign { reason };
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| unreadable(bytes, &error))?;
    let json = metadata
        .metadata()
        .as_ref()
        .and_then(|metadata| metadata.get(METADATA_KEY))
        .ok_or_else(|| foreign(format!("it is a safetensors file whose metadata has no entry `{METADATA_KEY}`")))?;
    let VersionOnly { format_version } =
        serde_json::from_str(json).map_err(|error| foreign(format!("its header cannot be read: {error}")))?;
    if format_version > FORMAT_VERSION {
        return Err(ArtifactError::NewerFormat { found: format_version });
    }
    serde_json::from_str(json).map_err(|error| foreign(format!("its header cannot be read: {error}")))
}

fn tensor<'a>(tensors: &SafeTensors<'a>, name: &str, dtype: Dtype) -> Result<&'a [u8], ArtifactError> {
    let missing = || ArtifactError::Foreign { reason: format!("it has no tensor `{name}` of type {dtype:?}") };
    let tensor = tensors.tensor(name).map_err(|_| missing())?;
    if tensor.dtype() != dtype || tensor.shape().len() != 1 {
        return Err(missing());
    }
    Ok(tensor.data())
}
