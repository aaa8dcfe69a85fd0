//! The verb `learn` as a service: labels from Kafka move the weights, exactly once, and what changed goes to the scorers.
//!
//! One thread reads three topics, merges their records into one order (`merge.rs`), lets labels find what was scored (`join.rs`),
//! learns, and publishes in transactions (`publish.rs`). Another one writes checkpoints meanwhile (`keeper.rs`). A process that
//! begins goes on from the last checkpoint and takes once more what came between it and the last transaction, in the same order
//! (`begin.rs`): so the weights are those of a process that never ended. `docs/LEARNING.md` has the argument.

mod begin;
mod cache;
mod error;
mod history;
mod inputs;
mod join;
mod keeper;
mod learned;
mod merge;
mod pointer;
mod positions;
mod production;
mod publish;
mod record;
mod report;
mod state;
mod tally;
mod versions;
mod waiting;
mod work;

pub use error::ServiceError;
pub use production::Production;
pub use report::LearnReport;
pub use tally::Outcomes;

use crate::config::LearnConfig;
use registry::Registry;
use schemas::{ModelName, ModelVersion, Topics};
use service::health::Component;
use service::kafka::KafkaConfig;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What is in hand is committed within this time when the process is told to stop, and a checkpoint is written.
pub const GRACE: Duration = Duration::from_secs(60);

/// What a learner needs.
pub struct Learning {
    /// Where Kafka is.
    pub kafka: KafkaConfig,
    /// What the topics are called.
    pub topics: Topics,
    /// How weights move.
    pub config: LearnConfig,
    /// Where versions, updates and checkpoints are.
    pub registry: Registry,
    /// Which model learns.
    pub name: ModelName,
    /// Which version of it is in production.
    pub production: watch::Receiver<ModelVersion>,
    /// Runs the requests to the registry.
    pub runtime: tokio::runtime::Handle,
    /// Stop at the end offsets seen at the start.
    pub until_end: bool,
    /// Where readiness is told.
    pub health: Component,
}

impl Learning {
    /// Works until the token is cancelled, or the end is reached. Blocks: give it a thread of its own.
    pub fn run(self, token: &CancellationToken) -> Result<LearnReport, ServiceError> {
        self.health.not_ready("takes over from the learner before");
        let health = self.health.clone();
        let Some(mut worker) = begin::begin(self, token)? else { return Ok(LearnReport::default()) };
        health.ready();
        worker.work(token)?;
        worker.finish()
    }
}
