//! What the registry holds of the versions that are learned on from.

use super::error::ServiceError;
use bytes::Bytes;
use model::{Base, Model};
use registry::Registry;
use schemas::{ModelName, ModelVersion};
use tokio::runtime::Handle;

/// The registry, asked from a thread.
pub(super) struct Versions {
    pub(super) registry: Registry,
    pub(super) name: ModelName,
    pub(super) runtime: Handle,
}

impl Versions {
    pub(super) fn model(&self, version: ModelVersion) -> Result<Model, ServiceError> {
        let artifact = self.runtime.block_on(self.registry.artifact(&self.name, version))?;
        Model::from_bytes(&artifact).map_err(|error| ServiceError::Version {
            name: self.name.clone(),
            version,
            reason: error.to_string(),
        })
    }

    pub(super) fn base(&self, version: ModelVersion) -> Result<Base, ServiceError> {
        let manifest = self.runtime.block_on(self.registry.manifest(&self.name, version))?;
        Ok(Base { version, sha256: manifest.sha256 })
    }

    pub(super) fn checkpoint(&self, location: &str) -> Result<Bytes, ServiceError> {
        let file = location.rsplit('/').next().unwrap_or(location);
        Ok(self.runtime.block_on(self.registry.checkpoint(&self.name, file))?)
    }

    pub(super) fn create_update(&self, version: ModelVersion, number: u64, bytes: Bytes) -> Result<bool, ServiceError> {
        Ok(self.runtime.block_on(self.registry.create_update(&self.name, version, number, bytes))?)
    }

    pub(super) fn remove_snapshot(&self, version: ModelVersion, update: u64) -> Result<(), ServiceError> {
        Ok(self.runtime.block_on(self.registry.remove_snapshot(&self.name, version, update))?)
    }

    pub(super) fn has_update(&self, version: ModelVersion, number: u64) -> Result<bool, ServiceError> {
        Ok(self.runtime.block_on(self.registry.update(&self.name, version, number))?.is_some())
    }
}
