//! The version in production, as far as its successor is concerned: its settings, and up to when it has learned.

use super::RetrainError;
use crate::validate::{Profile, profile_of_version};
use model::{FitConfig, Model, ModelConfig};
use registry::{Manifest, Registry};
use schemas::{ModelName, ModelVersion, Timestamp};
use serde::de::DeserializeOwned;

/// The version that the alias stands for.
#[derive(Debug, Clone)]
pub(super) struct Production {
    pub(super) version: ModelVersion,
    /// The latest time among the rows that it learned from, where that is known.
    pub(super) learned_until: Option<Timestamp>,
    manifest: Manifest,
}

/// How a version is made.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Settings {
    pub(super) model: ModelConfig,
    pub(super) fit: FitConfig,
    /// Where they come from, in words.
    pub(super) source: String,
}

impl Production {
    /// Reads what there is to know of it.
    pub(super) async fn find(
        registry: &Registry,
        name: &ModelName,
        version: ModelVersion,
    ) -> Result<Self, RetrainError> {
        let manifest = registry.manifest(name, version).await?;
        let learned_until = manifest.run.data.as_ref().and_then(|data| data.last_created_at);
        Ok(Self { version, learned_until, manifest })
    }

    /// Its name, and the words that it learned from; none of a version from before they were kept.
    pub(super) fn words(&self) -> Option<(String, Profile)> {
        let Manifest { name, version, .. } = &self.manifest;
        Some((format!("{name} {version}"), profile_of_version(&self.manifest)?))
    }

    /// Its settings: from its manifest, and what that does not say from the model itself and from the configuration.
    pub(super) async fn settings(
        &self,
        registry: &Registry,
        configured: &Settings,
        notes: &mut Vec<String>,
    ) -> Result<Settings, RetrainError> {
        let Manifest { name, version, run, .. } = &self.manifest;
        let wrong = |what, reason: String| RetrainError::Settings { version: version.to_string(), what, reason };
        let model = match parameter(run, "model") {
            Some(model) => model.map_err(|error| wrong("how texts become numbers", error))?,
            None => {
                let artifact = registry.artifact(name, *version).await?;
                let model = Model::from_bytes(&artifact)
                    .map_err(|error| wrong("how texts become numbers", error.to_string()))?;
                notes.push(format!(
                    "the manifest of {version} has no settings of its texts: those stored in the model are used"
                ));
                model.config().clone()
            }
        };
        let fit = match parameter(run, "train") {
            Some(fit) => fit.map_err(|error| wrong("how weights are fitted", error))?,
            None => {
                notes.push(format!("the manifest of {version} does not say how it was fitted: [train] says it now"));
                configured.fit.clone()
            }
        };
        Ok(Settings { model, fit, source: format!("{version} in production") })
    }
}

fn parameter<T: DeserializeOwned>(run: &registry::Run, key: &str) -> Option<Result<T, String>> {
    let value = run.parameters.get(key)?.clone();
    Some(serde_json::from_value(value).map_err(|error| error.to_string()))
}

#[cfg(test)]
impl Production {
    pub(super) fn sample(learned_until: Option<Timestamp>) -> Self {
        let manifest = Manifest {
            name: "sentiment".parse().expect("it is a name"),
            version: ModelVersion(3),
            sha256: String::new(),
            size_bytes: 0,
            created_at: Timestamp::now(),
            run: registry::Run::default(),
        };
        Self { version: manifest.version, learned_until, manifest }
    }
}
