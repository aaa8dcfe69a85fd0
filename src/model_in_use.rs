//! What `score` and `serve` begin with: the model that an alias stands for, followed when the alias moves.

use crate::config::Config;
use registry::{Reference, Registry};
use scorer::ModelHandle;
use service::supervisor::{Policy, Supervisor};
use std::convert::Infallible;

/// Loads the model, `model.alias` where nothing else is asked for, and starts what keeps it up to date.
pub async fn follow(
    config: &Config,
    reference: Option<Reference>,
    supervisor: &Supervisor,
) -> anyhow::Result<ModelHandle> {
    let registry = Registry::open(&config.registry.url)?;
    let reference = reference.unwrap_or_else(|| config.model.alias.clone());
    let (model, follower) = ModelHandle::load(&registry, &config.model.name, &reference).await?;
    let (interval, stop) = (config.registry.poll_interval(), supervisor.token().clone());
    supervisor.spawn("model follower", Policy::Essential, async move {
        follower.run(interval, stop).await;
        Ok::<_, Infallible>(())
    });
    Ok(model)
}
