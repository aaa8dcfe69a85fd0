//! Writes checkpoints and snapshots while learning goes on: what they hold is copied first, which takes a small part of the time.
//! They count from the next transaction on, which names them.

use super::error::ServiceError;
use crate::checkpoint::Writer;
use crate::learner::Learner;
use model::sha256_hex;
use registry::Registry;
use schemas::{ModelName, ModelState, ModelVersion};
use std::thread::JoinHandle;
use tokio::runtime::Handle;

pub(super) struct Keeper {
    pub(super) registry: Registry,
    pub(super) name: ModelName,
    pub(super) runtime: Handle,
    writing: Option<JoinHandle<Result<Kept, ServiceError>>>,
}

/// What is to be written.
pub(super) struct Keep {
    pub(super) number: u64,
    /// The checkpoint but for the learner.
    pub(super) before_learner: Writer,
    pub(super) learner: Learner,
    /// Checkpoints with smaller numbers than this are named by nobody.
    pub(super) remove_before: u64,
    /// The version and the update that the learner is at, where a snapshot is due.
    pub(super) snapshot: Option<(ModelVersion, u64)>,
}

/// What was written.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) number: u64,
    pub(super) location: String,
    pub(super) sha256: String,
    pub(super) snapshot: Option<ModelState>,
}

impl Keeper {
    pub(super) fn new(registry: Registry, name: ModelName, runtime: Handle) -> Self {
        Self { registry, name, runtime, writing: None }
    }

    /// Begins to write.
    pub(super) fn begin(&mut self, keep: Keep) -> Result<(), ServiceError> {
        let (registry, name, runtime) = (self.registry.clone(), self.name.clone(), self.runtime.clone());
        let thread = std::thread::Builder::new().name("checkpoint".to_owned());
        let writing = thread.spawn(move || runtime.block_on(write(&registry, &name, keep)));
        self.writing = Some(writing.map_err(ServiceError::Thread)?);
        Ok(())
    }

    pub(super) fn is_writing(&self) -> bool {
        self.writing.is_some()
    }

    /// What was written since the last call, if it is done.
    pub(super) fn done(&mut self) -> Option<Result<Kept, ServiceError>> {
        self.writing.as_ref().is_some_and(JoinHandle::is_finished).then(|| self.wait()).flatten()
    }

    /// Waits for what is being written.
    pub(super) fn wait(&mut self) -> Option<Result<Kept, ServiceError>> {
        let writing = self.writing.take()?;
        Some(writing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    }

    /// Stores the learner's model as an update; none where that number is taken.
    pub(super) fn snapshot(
        &self,
        learner: &Learner,
        version: ModelVersion,
        number: u64,
    ) -> Result<Option<ModelState>, ServiceError> {
        self.runtime.block_on(snapshot(&self.registry, &self.name, learner, version, number))
    }
}

async fn write(registry: &Registry, name: &ModelName, keep: Keep) -> Result<Kept, ServiceError> {
    let Keep { number, mut before_learner, learner, remove_before, snapshot: due } = keep;
    before_learner.some(&learner.to_bytes());
    let Writer(bytes) = before_learner;
    let sha256 = sha256_hex(&bytes);
    let file = registry.create_checkpoint(name, number, bytes.into()).await?;
    if let Err(error) = registry.remove_checkpoints_before(name, remove_before).await {
        tracing::warn!("checkpoints that nobody needs stay: {error}");
    }
    let snapshot = match due {
        Some((version, update)) => snapshot(registry, name, &learner, version, update).await?,
        None => None,
    };
    Ok(Kept { number, location: format!("{name}/checkpoints/{file}"), sha256, snapshot })
}

async fn snapshot(
    registry: &Registry,
    name: &ModelName,
    learner: &Learner,
    version: ModelVersion,
    number: u64,
) -> Result<Option<ModelState>, ServiceError> {
    let model = learner.to_model().map_err(|error| ServiceError::NoModel(error.to_string()))?;
    Ok(registry.create_snapshot(name, version, number, model.to_bytes().into()).await?)
}
