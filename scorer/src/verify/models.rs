//! The model that a prediction names, made again: the version from the registry, and its updates from where the learner stored
//! them. The last one is kept, so that predictions in the order of their updates cost each update once.

use super::Reason;
use crate::follow::MANY_UPDATES;
use model::{Base, Model, Update, UpdatedModel};
use registry::{Error, Registry};
use schemas::{ModelName, ModelRef, ModelVersion};
use tokio::runtime::Handle;

pub(super) struct Models {
    registry: Registry,
    runtime: Handle,
    last: Option<Last>,
}

struct Last {
    name: ModelName,
    version: ModelVersion,
    updated: UpdatedModel,
    model: Model,
    /// The numbers of the snapshots, as they were when it was looked last.
    snapshots: Vec<u64>,
}

impl Models {
    pub(super) fn new(registry: Registry, runtime: Handle) -> Self {
        Self { registry, runtime, last: None }
    }

    /// The model of a reference, or why there is none any more.
    pub(super) fn at(&mut self, wanted: &ModelRef) -> Result<Result<&Model, Reason>, Error> {
        let is_wanted = |last: &Last| last.name == wanted.name && last.version == wanted.version;
        let last = self.last.take().filter(|last| is_wanted(last) && last.updated.number() <= wanted.update);
        let last = match last {
            Some(last) if last.updated.number() == wanted.update => Ok(last),
            Some(last) => self.advance(last, wanted.update)?,
            None => match self.base(wanted)? {
                Ok(last) => self.advance(last, wanted.update)?,
                Err(reason) => Err(reason),
            },
        };
        Ok(last.map(|last| &self.last.insert(last).model))
    }

    fn base(&self, wanted: &ModelRef) -> Result<Result<Last, Reason>, Error> {
        let ModelRef { name, version, .. } = wanted.clone();
        let fetched = self.runtime.block_on(async {
            let manifest = self.registry.manifest(&name, version).await?;
            let artifact = self.registry.artifact(&name, version).await?;
            Ok((manifest.sha256, artifact, self.registry.snapshots(&name, version).await?))
        });
        let (sha256, artifact, snapshots) = match fetched {
            Ok(fetched) => fetched,
            Err(Error::Unknown { .. } | Error::Deleted { .. }) => return Ok(Err(Reason::NoVersion)),
            Err(Error::Damaged { .. }) => return Ok(Err(Reason::Damaged)),
            Err(error) => return Err(error),
        };
        Ok(Model::from_bytes(&artifact).map_err(|_| Reason::Damaged).map(|model| {
            let updated = UpdatedModel::new(Base { version, sha256 }, 0, &model);
            Last { name, version, updated, model, snapshots }
        }))
    }

    fn advance(&self, mut last: Last, to: u64) -> Result<Result<Last, Reason>, Error> {
        if last.updated.number() == to {
            return Ok(Ok(last));
        }
        if to - last.updated.number() > MANY_UPDATES {
            self.jump(&mut last, to)?;
        }
        while last.updated.number() < to {
            let next = last.updated.number() + 1;
            // Where a learner began again, the update of that number may be of one that died.
            if last.snapshots.contains(&next) && self.jump(&mut last, next)? {
                continue;
            }
            let stored = self.runtime.block_on(self.registry.update(&last.name, last.version, next))?;
            let applied = match stored {
                Some(bytes) => Update::from_bytes(&bytes).is_ok_and(|update| last.updated.apply(&update).is_ok()),
                None => false,
            };
            if !applied {
                last.snapshots = self.runtime.block_on(self.registry.snapshots(&last.name, last.version))?;
                if !self.jump(&mut last, to)? {
                    return Ok(Err(Reason::NoUpdate));
                }
            }
        }
        Ok(match last.updated.to_model() {
            Ok(model) => Ok(Last { model, ..last }),
            Err(_) => Err(Reason::Damaged),
        })
    }

    /// Goes on from the last snapshot that is not behind `to`, if there is one.
    fn jump(&self, last: &mut Last, to: u64) -> Result<bool, Error> {
        let Last { name, version, updated, snapshots, .. } = last;
        let ahead = updated.number() + 1..=to;
        for &number in snapshots.iter().rev().filter(|number| ahead.contains(number)) {
            let bytes = self.runtime.block_on(self.registry.snapshot_at(name, *version, number))?;
            if let Some(Ok(model)) = bytes.map(|bytes| Model::from_bytes(&bytes)) {
                *updated = UpdatedModel::new(updated.base().clone(), number, &model);
                return Ok(true);
            }
        }
        Ok(false)
    }
}
