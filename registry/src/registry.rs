//! The registry itself: versions are registered and looked up. What is said of them in the log is in `journal.rs`.

use crate::log::deletion;
use crate::store::{Store, number_of, numbered};
use crate::{Error, Existing, Follower, Manifest, Reference, Run};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use schemas::{ModelName, ModelVersion, Timestamp};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// Small files read at the same time: enough to hide a remote store's latency, few enough for its limits.
pub(crate) const CONCURRENT_READS: usize = 16;

/// A folder or bucket of models. Cloning is cheap, and clones are one registry.
#[derive(Debug, Clone)]
pub struct Registry {
    pub(crate) store: Store,
}

impl Registry {
    /// The registry in the folder or bucket `url`. A folder need not exist yet: the first write creates it.
    pub fn open(url: &str) -> Result<Self, Error> {
        Ok(Self { store: Store::open(url)? })
    }

    /// Whether models can be registered here, found out by creating and removing a small file: to be asked before the work
    /// that would be lost. Leaves nothing behind, not even the folder where it wasn't there.
    pub async fn check_writable(&self) -> Result<(), Error> {
        self.store.check_writable().await
    }

    /// Stores a model's bytes as its next version. The version can be seen once all of it is safely written.
    pub async fn register(&self, name: &ModelName, artifact: Bytes, run: Run) -> Result<Manifest, Error> {
        let size_bytes = artifact.len() as u64;
        let sha256 = sha256_of(artifact.clone()).await;
        // Under this name there can only be these bytes: writing them again is harmless, and mends a damaged file.
        let path = artifact_path(name, &sha256);
        self.store.write(&path, artifact.clone()).await?;
        let mut number = self.store.numbers(&versions_folder(name)).await?.last().map_or(1, |last| last + 1);
        loop {
            let manifest = Manifest {
                name: name.clone(),
                version: ModelVersion(number),
                sha256: sha256.clone(),
                size_bytes,
                created_at: Timestamp::now(),
                run: run.clone(),
            };
            if self.store.create(&numbered(&versions_folder(name), number), json(&manifest)).await? {
                // Whoever deletes another version of the same bytes looks for this manifest after it removed them.
                if self.store.stat(&path).await?.is_none() {
                    self.store.write(&path, artifact).await?;
                }
                return Ok(manifest);
            }
            // Another writer took the number in between.
            number += 1;
        }
    }

    /// The models that have a version, by name.
    pub async fn names(&self) -> Result<Vec<ModelName>, Error> {
        let mut names = BTreeSet::new();
        for path in self.store.list(&Path::ROOT).await? {
            let name = path.parts().next().and_then(|part| part.as_ref().parse::<ModelName>().ok());
            names.extend(name.filter(|name| number_of(&versions_folder(name), &path).is_some()));
        }
        Ok(names.into_iter().collect())
    }

    /// Every version of a model that was not deleted, ascending; none where the model is unknown.
    pub async fn versions(&self, name: &ModelName) -> Result<Vec<Manifest>, Error> {
        let numbers = self.store.numbers(&versions_folder(name)).await?;
        let log = self.log(name).await?;
        let versions = numbers.into_iter().map(ModelVersion).filter(|version| deletion(&log, *version).is_none());
        let manifests = versions.map(|version| self.manifest(name, version));
        stream::iter(manifests).buffered(CONCURRENT_READS).try_collect().await
    }

    /// What a version is and how it was made.
    pub async fn manifest(&self, name: &ModelName, version: ModelVersion) -> Result<Manifest, Error> {
        let path = numbered(&versions_folder(name), version.0);
        let Some(bytes) = self.store.read(&path).await? else {
            return Err(self.unknown(name, &version.into()).await?);
        };
        let manifest: Manifest = self.parse(&path, &bytes)?;
        if manifest.name == *name && manifest.version == version {
            Ok(manifest)
        } else {
            let problem = format!("is the manifest of {} of \"{}\"", manifest.version, manifest.name);
            Err(Error::Damaged { path: self.store.display(&path), problem })
        }
    }

    /// A version's bytes, checked against its manifest.
    pub async fn artifact(&self, name: &ModelName, version: ModelVersion) -> Result<Bytes, Error> {
        let manifest = self.manifest(name, version).await?;
        let path = artifact_path(name, &manifest.sha256);
        let damaged = |problem: String| Error::Damaged { path: self.store.display(&path), problem };
        let artifact = self.store.read(&path).await?;
        let Some(artifact) = artifact else {
            return Err(match deletion(&self.log(name).await?, version) {
                Some(line) => Error::deleted(name, line),
                None => damaged(format!("is missing, but {version} of \"{name}\" needs it")),
            });
        };
        let size_bytes = artifact.len() as u64;
        if size_bytes != manifest.size_bytes {
            return Err(damaged(format!("has {size_bytes} bytes where {version} has {}", manifest.size_bytes)));
        }
        if sha256_of(artifact.clone()).await != manifest.sha256 {
            return Err(damaged(format!("does not have the sha256 of {version}")));
        }
        Ok(artifact)
    }

    /// Where an artifact is: its path in the registry.
    pub fn artifact_location(name: &ModelName, sha256: &str) -> String {
        artifact_path(name, sha256).to_string()
    }

    /// Follows what a reference means, at little cost while that doesn't change.
    pub fn follow(&self, name: &ModelName, reference: &Reference) -> Follower {
        Follower::new(self.clone(), name.clone(), reference.clone())
    }

    /// The number of the log's last line; 0 where there is none.
    pub(crate) async fn log_length(&self, name: &ModelName) -> Result<u64, Error> {
        Ok(self.store.numbers(&log_folder(name)).await?.last().copied().unwrap_or(0))
    }

    /// Identifies a line's file, to tell whether it is the same at another time; `None` where there is none.
    pub(crate) async fn line_identity(&self, name: &ModelName, sequence: u64) -> Result<Option<String>, Error> {
        let found = self.store.stat(&numbered(&log_folder(name), sequence)).await?;
        Ok(found.map(|found| found.e_tag.unwrap_or_else(|| found.last_modified.to_string())))
    }

    pub(crate) fn parse<T: DeserializeOwned>(&self, path: &Path, bytes: &[u8]) -> Result<T, Error> {
        serde_json::from_slice(bytes).map_err(|error| Error::Damaged {
            path: self.store.display(path),
            problem: format!("cannot be read ({error})"),
        })
    }

    /// The error for a reference that means nothing, with what there is.
    pub(crate) async fn unknown(&self, name: &ModelName, wanted: &Reference) -> Result<Error, Error> {
        let log = self.log(name).await?;
        let mut versions: Vec<_> =
            self.store.numbers(&versions_folder(name)).await?.into_iter().map(ModelVersion).collect();
        versions.retain(|version| deletion(&log, *version).is_none());
        let models = if versions.is_empty() { self.names().await? } else { Vec::new() };
        let aliases = self.aliases(name).await?.into_keys().collect();
        Ok(Error::Unknown {
            wanted: wanted.to_string(),
            name: name.clone(),
            registry: self.store.address().to_owned(),
            existing: Box::new(Existing { versions, aliases, models }),
        })
    }
}

fn versions_folder(name: &ModelName) -> Path {
    Path::from_iter([name.as_str(), "versions"])
}

pub(crate) fn log_folder(name: &ModelName) -> Path {
    Path::from_iter([name.as_str(), "log"])
}

pub(crate) fn artifact_path(name: &ModelName, sha256: &str) -> Path {
    Path::from_iter([name.as_str(), "artifacts", &format!("{sha256}.safetensors")])
}

pub(crate) fn json(value: &impl serde::Serialize) -> Bytes {
    let mut text = serde_json::to_vec_pretty(value).expect("manifests and log lines have only text for keys");
    text.push(b'\n');
    text.into()
}

/// Off the runtime: tens of megabytes take a good part of a second.
pub(crate) async fn sha256_of(bytes: Bytes) -> String {
    let digest = tokio::task::spawn_blocking(move || Sha256::digest(&bytes)).await;
    digest.expect("hashing bytes doesn't panic").iter().map(|byte| format!("{byte:02x}")).collect()
}
