//! What `score` and `serve` begin with: the model that an alias stands for, followed when the alias moves, and with what an
//! online learner makes of it.

use crate::config::Config;
use crate::mlflow;
use registry::{Reference, Registry};
use scorer::ModelHandle;
use service::supervisor::{Policy, Supervisor};
use std::collections::BTreeSet;
use std::convert::Infallible;
use tokio::sync::oneshot;

/// A model that is kept up to date.
pub struct InUse {
    /// The model.
    pub model: ModelHandle,
    /// Is ready once the updates are in it that there were at the start, or when there are none to be had. None where no
    /// updates are followed.
    pub updated: Option<oneshot::Receiver<()>>,
}

/// Loads the model, `model.alias` where nothing else is asked for, and starts what keeps it up to date.
pub async fn follow(config: &Config, reference: Option<Reference>, supervisor: &Supervisor) -> anyhow::Result<InUse> {
    let registry = Registry::open(&config.registry.url)?;
    let reference = reference.unwrap_or_else(|| config.model.alias.clone());
    let (model, follower) = ModelHandle::load(&registry, &config.model.name, &reference).await?;
    let follower = follower.given(features_given(config)?);
    mlflow::follow(config, &registry, &reference, supervisor)?;
    let updated = if config.model.updates && matches!(reference, Reference::Alias(_)) {
        let mut updates = follower.updates(config.kafka.clone(), config.topics.models.clone());
        let (updated, stop) = (updates.looked(), supervisor.token().clone());
        supervisor.spawn_blocking("model updates", Policy::BestEffort, move || {
            updates.run(&stop);
            Ok::<_, Infallible>(())
        })?;
        Some(updated)
    } else {
        None
    };
    let (interval, stop) = (config.registry.poll_interval(), supervisor.token().clone());
    supervisor.spawn("model follower", Policy::Essential, async move {
        follower.run(interval, stop).await;
        Ok::<_, Infallible>(())
    });
    Ok(InUse { model, updated })
}

/// The features that reviews come with: those of the views, where there is an online store.
fn features_given(config: &Config) -> anyhow::Result<BTreeSet<String>> {
    if !config.redis.is_enabled() {
        return Ok(BTreeSet::new());
    }
    let views = config.features.parse()?;
    Ok(views.iter().flat_map(|view| view.features()).map(|feature| feature.full_name().to_owned()).collect())
}
