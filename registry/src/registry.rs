//! The registry itself: versions are registered, aliases moved, both looked up.

use crate::log::Aliases;
use crate::store::{Store, number_of, numbered};
use crate::{Action, Alias, Error, Existing, Follower, LogEntry, Manifest, Reference, Run, Standing};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use schemas::{ModelName, ModelVersion, Timestamp};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// Small files read at the same time: enough to hide a remote store's latency, few enough for its limits.
const CONCURRENT_READS: usize = 16;

/// A folder of models. Cloning is cheap, and clones are one registry.
#[derive(Debug, Clone)]
pub struct Registry {
    store: Store,
}

impl Registry {
    /// The registry in the folder `url`, which need not exist yet: the first write creates it.
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
        self.store.write(&artifact_path(name, &sha256), artifact).await?;
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

    /// Every version of a model, ascending; none where the model is unknown.
    pub async fn versions(&self, name: &ModelName) -> Result<Vec<Manifest>, Error> {
        let numbers = self.store.numbers(&versions_folder(name)).await?;
        let manifests = numbers.into_iter().map(|number| self.manifest(name, ModelVersion(number)));
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
        let artifact = artifact.ok_or_else(|| damaged(format!("is missing, but {version} of \"{name}\" needs it")))?;
        let size_bytes = artifact.len() as u64;
        if size_bytes != manifest.size_bytes {
            return Err(damaged(format!("has {size_bytes} bytes where {version} has {}", manifest.size_bytes)));
        }
        if sha256_of(artifact.clone()).await != manifest.sha256 {
            return Err(damaged(format!("does not have the sha256 of {version}")));
        }
        Ok(artifact)
    }

    /// Makes `alias` stand for `version`, and writes down who did it and why. The version's artifact is checked first, so
    /// that no alias is moved to a model that cannot be loaded. An alias that stands for it already gets no second line.
    pub async fn set_alias(
        &self,
        name: &ModelName,
        alias: &Alias,
        version: ModelVersion,
        who: &str,
        why: &str,
    ) -> Result<Standing, Error> {
        self.append(name, alias, who, why, |_| Some((Action::Set, version))).await
    }

    /// Makes `alias` stand for what it stood for before its current version. Doing so again goes one step further back, and
    /// after the first version there is nothing left; a version that was rolled back is never returned to.
    pub async fn rollback(&self, name: &ModelName, alias: &Alias, who: &str, why: &str) -> Result<LogEntry, Error> {
        let back = |aliases: &Aliases| Some((Action::Rollback, aliases.before(alias)?));
        Ok(self.append(name, alias, who, why, back).await?.entry)
    }

    /// What every alias of a model stands for.
    pub async fn aliases(&self, name: &ModelName) -> Result<BTreeMap<Alias, ModelVersion>, Error> {
        Ok(Aliases::after(&self.log(name).await?).into_current())
    }

    /// Every move of every alias of a model, in order.
    pub async fn log(&self, name: &ModelName) -> Result<Vec<LogEntry>, Error> {
        let folder = log_folder(name);
        let last = self.log_length(name).await?;
        // Read by number and not as listed: a listing may miss a line that is written meanwhile and show the next.
        let lines = (1..=last).map(|sequence| self.line(numbered(&folder, sequence), sequence));
        stream::iter(lines).buffered(CONCURRENT_READS).try_collect().await
    }

    /// The version that a reference means now.
    pub async fn resolve(&self, name: &ModelName, reference: &Reference) -> Result<ModelVersion, Error> {
        match reference {
            Reference::Version(version) => Ok(self.manifest(name, *version).await?.version),
            Reference::Alias(alias) => match Aliases::after(&self.log(name).await?).current(alias) {
                Some(version) => Ok(version),
                None => Err(self.unknown(name, reference).await?),
            },
        }
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

    /// Adds the line that `decide` makes of the aliases as they are; where it can't, the alias has no version for it.
    async fn append(
        &self,
        name: &ModelName,
        alias: &Alias,
        who: &str,
        why: &str,
        decide: impl Fn(&Aliases) -> Option<(Action, ModelVersion)>,
    ) -> Result<Standing, Error> {
        let mut taken = 0;
        loop {
            let entries = self.log(name).await?;
            if (entries.len() as u64) < taken {
                let path = self.store.display(&numbered(&log_folder(name), taken));
                let cause = "what stands there is no line of the log; remove it".into();
                return Err(Error::Store { action: "write", path, cause });
            }
            let aliases = Aliases::after(&entries);
            let previous = aliases.current(alias);
            let Some((action, version)) = decide(&aliases) else {
                return Err(match previous {
                    Some(current) => Error::NothingBefore { alias: alias.clone(), name: name.clone(), current },
                    None => self.unknown(name, &alias.clone().into()).await?,
                });
            };
            self.artifact(name, version).await?;
            let latest = entries.iter().rfind(|entry| entry.alias == *alias);
            if let Some(entry) = latest.filter(|_| action == Action::Set && previous == Some(version)) {
                return Ok(Standing { entry: entry.clone(), is_new: false });
            }
            let entry = LogEntry {
                sequence: entries.len() as u64 + 1,
                action,
                alias: alias.clone(),
                version,
                previous,
                who: who.to_owned(),
                why: why.to_owned(),
                at: Timestamp::now(),
            };
            if self.store.create(&numbered(&log_folder(name), entry.sequence), json(&entry)).await? {
                return Ok(Standing { entry, is_new: true });
            }
            // Another writer took the line: what it says may change what ours has to say.
            taken = entry.sequence;
        }
    }

    async fn line(&self, path: Path, sequence: u64) -> Result<LogEntry, Error> {
        let damaged = |problem: String| Error::Damaged { path: self.store.display(&path), problem };
        let bytes = self.store.read(&path).await?;
        let bytes = bytes.ok_or_else(|| damaged("is missing, but later lines of the log are there".into()))?;
        let entry: LogEntry = self.parse(&path, &bytes)?;
        if entry.sequence != sequence {
            return Err(damaged(format!("is line {} of the log", entry.sequence)));
        }
        Ok(entry)
    }

    fn parse<T: DeserializeOwned>(&self, path: &Path, bytes: &[u8]) -> Result<T, Error> {
        serde_json::from_slice(bytes).map_err(|error| Error::Damaged {
            path: self.store.display(path),
            problem: format!("cannot be read ({error})"),
        })
    }

    /// The error for a reference that means nothing, with what there is.
    async fn unknown(&self, name: &ModelName, wanted: &Reference) -> Result<Error, Error> {
        let versions =
            self.store.numbers(&versions_folder(name)).await?.into_iter().map(ModelVersion).collect::<Vec<_>>();
        let models = if versions.is_empty() { self.names().await? } else { Vec::new() };
        let aliases = self.aliases(name).await?.into_keys().collect();
        Ok(Error::Unknown {
            wanted: wanted.to_string(),
            name: name.clone(),
            registry: self.store.root(),
            existing: Box::new(Existing { versions, aliases, models }),
        })
    }
}

fn versions_folder(name: &ModelName) -> Path {
    Path::from_iter([name.as_str(), "versions"])
}

fn log_folder(name: &ModelName) -> Path {
    Path::from_iter([name.as_str(), "log"])
}

fn artifact_path(name: &ModelName, sha256: &str) -> Path {
    Path::from_iter([name.as_str(), "artifacts", &format!("{sha256}.safetensors")])
}

fn json(value: &impl serde::Serialize) -> Bytes {
    let mut text = serde_json::to_vec_pretty(value).expect("manifests and log lines have only text for keys");
    text.push(b'\n');
    text.into()
}

/// Off the runtime: tens of megabytes take a good part of a second.
async fn sha256_of(bytes: Bytes) -> String {
    let digest = tokio::task::spawn_blocking(move || Sha256::digest(&bytes)).await;
    digest.expect("hashing bytes doesn't panic").iter().map(|byte| format!("{byte:02x}")).collect()
}
