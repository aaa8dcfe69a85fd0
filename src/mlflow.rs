//! MLflow beside the registry, as the verbs use it: what they have done is sent there, and if it can't be, that is said and
//! nothing else is held up by it.

use crate::config::Config;
use registry::mlflow::{Error, Mirror, Synced};
use registry::{Reference, Registry};
use schemas::{ModelName, ModelVersion};
use service::supervisor::{Policy, Supervisor};
use std::convert::Infallible;

/// Sends a version that was registered, and the aliases that were moved for it.
pub async fn send(config: &Config, registry: &Registry, name: &ModelName, version: ModelVersion) {
    let sending = async {
        let mirror = Mirror::new(&config.mlflow, registry)?;
        let sent = mirror.send(name, version).await?;
        mirror.agree_on_aliases(name).await?;
        Ok::<_, Error>(sent)
    };
    match sending.await {
        Ok(sent) => tracing::info!(
            model.name = %name, model.version = %version,
            "{version} of \"{name}\" is version {} in MLflow at {}, run {}", sent.version, sent.url, sent.run_id
        ),
        Err(error) => later(name, &error),
    }
}

/// Tells MLflow which version an alias stands for now.
pub async fn send_aliases(config: &Config, registry: &Registry, name: &ModelName) {
    let sending = async { Mirror::new(&config.mlflow, registry)?.agree_on_aliases(name).await };
    if let Err(error) = sending.await {
        later(name, &error);
    }
}

fn later(name: &ModelName, error: &Error) {
    tracing::warn!(model.name = %name, "MLflow was not told of \"{name}\", and `plaudit models sync` will tell it: {error}");
}

/// Sends all that MLflow lacks.
pub async fn sync(config: &Config, registry: &Registry, name: &ModelName) -> Result<Synced, Error> {
    Mirror::new(&config.mlflow, registry)?.sync(name).await
}

/// Has an alias that is set in MLflow followed while services run.
pub fn follow(
    config: &Config,
    registry: &Registry,
    reference: &Reference,
    supervisor: &Supervisor,
) -> Result<(), Error> {
    let Reference::Alias(alias) = reference else { return Ok(()) };
    if !config.mlflow.is_enabled() {
        return Ok(());
    }
    let follower = Mirror::new(&config.mlflow, registry)?.follow(&config.model.name, alias);
    let (interval, stop) = (config.mlflow.poll_interval(), supervisor.token().clone());
    supervisor.spawn("mlflow follower", Policy::BestEffort, async move {
        stop.run_until_cancelled(follower.run(interval)).await;
        Ok::<_, Infallible>(())
    });
    Ok(())
}
