//! `plaudit learn` as a service: labels from Kafka, and what they changed to the scorers.

use crate::config::Config;
use crate::mlflow;
use crate::output::Output;
use crate::until_end::{Prepared, UntilEnd};
use learner::service::{GRACE, Learning, Production};
use registry::{Reference, Registry};
use service::supervisor::{Policy, Supervisor};
use std::convert::Infallible;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Beyond what the service takes for what is in hand: the last answer of the registry.
const LEAVING: Duration = Duration::from_secs(15);

pub async fn run(model: Option<Reference>, until_end: bool, output: Output, config: Config) -> anyhow::Result<()> {
    service::metrics::install();
    learner::metrics::describe();
    let service = UntilEnd { name: "learn", health: config.health.clone(), until_end, output };
    let prepare = async |supervisor: &Supervisor, health| {
        let registry = Registry::open(&config.registry.url)?;
        registry.check_writable().await?;
        let reference = model.unwrap_or_else(|| config.model.alias.clone());
        let production = Production::of(&registry, &config.model.name, &reference).await?;
        mlflow::follow(&config, &registry, &reference, supervisor)?;
        let learning = Learning {
            kafka: config.kafka,
            topics: config.topics,
            config: config.learn,
            registry,
            name: config.model.name,
            production: production.watch(),
            runtime: tokio::runtime::Handle::current(),
            until_end,
            health,
        };
        let (interval, stop) = (config.registry.poll_interval(), supervisor.token().clone());
        supervisor.spawn("production", Policy::Essential, async move {
            production.follow(interval, stop).await;
            Ok::<_, Infallible>(())
        });
        Ok(Prepared { work: move |token: &CancellationToken| learning.run(token), grace: GRACE + LEAVING })
    };
    service.run(prepare).await
}
