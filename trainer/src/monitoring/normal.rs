//! What was normal for a version of the model, as the registry has it.

use super::reference::reference_of_version;
use model::{Document, Model, Scratch};
use registry::{Manifest, Reference, Registry};
use schemas::{ModelName, ModelVersion};
use std::sync::Arc;
use tokio::runtime::Handle;

/// A version as it was when it was made.
#[derive(Debug)]
pub(super) struct Normal {
    /// Its scores, features and words; none of a version that was made elsewhere, or from rows of which nobody knows a label.
    pub(super) reference: Option<monitor::Reference>,
    /// The share of its test rows that it got wrong.
    pub(super) error_rate: Option<f64>,
    model: Model,
}

/// The words of a text behind so many say nothing new about the others.
const MOST_WORDS: usize = 100;

impl Normal {
    /// How many of a text's words the model does not know, and how many there are. A word is known when it moves the
    /// prediction of a text that has no other.
    pub(super) fn unknown_words(&self, text: &str, scratch: &mut Scratch) -> (u64, u64) {
        unknown_words(&self.model, text, scratch)
    }
}

pub(super) fn unknown_words(model: &Model, text: &str, scratch: &mut Scratch) -> (u64, u64) {
    let document = |text| Document { title: None, text, features: &[] };
    let of_nothing = model.probability(&document(""), scratch);
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).take(MOST_WORDS);
    words.fold((0, 0), |(unknown, all), word| {
        let is_unknown = model.probability(&document(word), scratch) == of_nothing;
        (unknown + u64::from(is_unknown), all + 1)
    })
}

/// Where versions are looked up.
#[derive(Debug, Clone)]
pub(super) struct Normals {
    pub(super) registry: Registry,
    pub(super) name: ModelName,
    /// The version in use.
    pub(super) alias: Reference,
    pub(super) runtime: Handle,
}

impl Normals {
    /// The version in use, where the registry knows one.
    pub(super) fn in_use(&self) -> Option<ModelVersion> {
        match self.runtime.block_on(self.registry.resolve(&self.name, &self.alias)) {
            Ok(version) => Some(version),
            Err(error) => {
                tracing::info!("begins without a version: {error}");
                None
            }
        }
    }

    /// What was normal for a version; an error where the registry does not answer or has no such version.
    pub(super) fn of(&self, version: ModelVersion) -> Result<Arc<Normal>, String> {
        let read = async {
            let manifest = self.registry.manifest(&self.name, version).await?;
            let artifact = self.registry.artifact(&self.name, version).await?;
            Ok::<_, registry::Error>((manifest, artifact))
        };
        let (manifest, artifact) = self.runtime.block_on(read).map_err(|error| error.to_string())?;
        let model = Model::from_bytes(&artifact).map_err(|error| error.to_string())?;
        let reference = reference_of_version(&manifest);
        Ok(Arc::new(Normal { reference, error_rate: error_rate(&manifest), model }))
    }
}

fn error_rate(manifest: &Manifest) -> Option<f64> {
    manifest.run.metrics.get("accuracy")?.as_f64().map(|accuracy| 1.0 - accuracy)
}
