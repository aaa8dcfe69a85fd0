//! A model in memory, with what identifies it. Everything that is wrong with an artifact shows here, before a model is used.

use crate::FeatureInputs;
use model::{ArtifactError, Model};
use registry::{Reference, Registry};
use schemas::{ModelName, ModelRef, ModelVersion, Timestamp};

/// A model ready to score.
#[derive(Debug)]
pub struct LoadedModel {
    /// The model.
    pub model: Model,
    /// The features that it takes.
    pub inputs: FeatureInputs,
    /// Its name, version and update, as predictions carry them.
    pub reference: ModelRef,
    /// The checksum of its artifact.
    pub sha256: String,
    /// When it was registered.
    pub created_at: Timestamp,
    /// What its test measured; empty when there was none.
    pub metrics: serde_json::Map<String, serde_json::Value>,
}

/// Why a model cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The registry is there, the model is not.
    #[error(
        "no model \"{name}\" has the {} \"{wanted}\" in {registry}: train one with plaudit train --input FILE --promote",
        kind_of(.wanted)
    )]
    NoModel {
        /// The model asked for.
        name: ModelName,
        /// The alias or version asked for.
        wanted: Reference,
        /// Where was looked.
        registry: String,
    },
    /// The registry cannot answer.
    #[error(transparent)]
    Registry(registry::Error),
    /// The artifact is not a model that this version of the program can use.
    #[error("cannot use version {version} of \"{name}\": {error}")]
    Artifact {
        /// The model.
        name: ModelName,
        /// The version.
        version: ModelVersion,
        /// What is wrong with the bytes.
        error: ArtifactError,
    },
}

fn kind_of(wanted: &Reference) -> &'static str {
    match wanted {
        Reference::Version(_) => "version",
        Reference::Alias(_) => "alias",
    }
}

impl LoadError {
    /// Whether the same version may load at another time.
    pub fn may_pass(&self) -> bool {
        !matches!(self, Self::Artifact { .. })
    }

    /// The registry's error for a reference, in the words of somebody who wants to start a service.
    pub(crate) fn resolving(error: registry::Error, wanted: &Reference) -> Self {
        match error {
            registry::Error::Unknown { name, registry, existing, .. } if existing.versions.is_empty() => {
                Self::NoModel { name, wanted: wanted.clone(), registry }
            }
            error => Self::Registry(error),
        }
    }
}

impl LoadedModel {
    /// Fetches a version from the registry.
    pub async fn fetch(registry: &Registry, name: &ModelName, version: ModelVersion) -> Result<Self, LoadError> {
        let manifest = registry.manifest(name, version).await.map_err(LoadError::Registry)?;
        let artifact = registry.artifact(name, version).await.map_err(LoadError::Registry)?;
        // Off the runtime: decoding millions of weights takes tens of milliseconds.
        let decoded = tokio::task::spawn_blocking(move || Model::from_bytes(&artifact)).await;
        let decoded = decoded.expect("decoding an artifact doesn't panic, and isn't cancelled");
        let model = decoded.map_err(|error| LoadError::Artifact { name: name.clone(), version, error })?;
        Ok(Self {
            inputs: FeatureInputs::of(&model),
            model,
            reference: ModelRef { name: name.clone(), version, update: 0 },
            sha256: manifest.sha256,
            created_at: manifest.created_at,
            metrics: manifest.run.metrics,
        })
    }

    /// The same version at an update.
    pub(crate) fn with_update(&self, model: Model, update: u64) -> Self {
        Self {
            inputs: FeatureInputs::of(&model),
            model,
            reference: ModelRef { update, ..self.reference.clone() },
            sha256: self.sha256.clone(),
            created_at: self.created_at,
            metrics: self.metrics.clone(),
        }
    }
}
