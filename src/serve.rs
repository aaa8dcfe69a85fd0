//! `plaudit serve`: predictions over HTTP, by the model that an alias stands for.

use crate::config::Config;
use crate::model_in_use;
use crate::usage::WrongUsage;
use registry::Reference;
use scorer::features::Features;
use scorer::gateway::Gateway;
use service::shutdown::token_on_signals;
use service::supervisor::{Policy, Supervisor};
use std::convert::Infallible;
use std::time::Duration;

/// Answer predictions over HTTP: POST /predict, POST /predict/batch, and a page at /
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  plaudit serve
  plaudit serve --listen 0.0.0.0:8000 --model v3
  curl localhost:8080/predict -H 'content-type: application/json' -d '{\"text\": \"Great product\"}'")]
pub struct Args {
    /// Where to listen, as gateway.listen; port 0 takes a free one
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
    /// Which version to serve, as model.alias; an alias is followed when it moves
    #[arg(long, value_name = "VERSION or ALIAS")]
    model: Option<Reference>,
}

pub async fn run(args: Args, mut config: Config) -> anyhow::Result<()> {
    if let Some(listen) = args.listen {
        config.gateway.listen = listen;
        config.gateway.check().map_err(WrongUsage)?;
    }
    service::metrics::install();
    let supervisor = Supervisor::new(token_on_signals()?);
    let token = supervisor.token().clone();
    // What has begun stops also where the rest cannot begin, before the runtime goes.
    let _stopping = token.clone().drop_guard();

    let starting = async {
        let model = model_in_use::follow(&config, args.model, &supervisor).await?.model;
        anyhow::Ok((model, Features::connect(&config.redis, &config.features.parse()?).await?))
    };
    // Stopped before it answers anybody, it has nothing to finish.
    let Some(started) = token.run_until_cancelled(starting).await else { return Ok(()) };
    let (model, features) = started?;

    // Requests in flight have this long, and a little more to be written.
    let grace = Duration::from_millis(config.gateway.request_timeout_ms) + Duration::from_secs(1);
    let gateway = Gateway::new(config.gateway, features);
    gateway.set_model(model);
    let listener = gateway.bind().await?;

    supervisor.spawn("gateway", Policy::Essential, async move {
        gateway.serve(listener, token).await;
        Ok::<_, Infallible>(())
    });
    Ok(supervisor.join_all(grace).await?)
}
