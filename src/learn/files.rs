//! `plaudit learn` on files: each row is scored, and then learned from.

use super::FileLearnArgs;
use crate::config::Config;
use crate::output::Output;
use crate::reading::{self, Shown};
use crate::usage::sorted;
use anyhow::Context;
use learner::Learner;
use learner::progressive::{self, Error, Progress, Report, Request, Start};
use model::Model;
use registry::{Reference, Registry, Run};
use schemas::ModelVersion;
use scorer::LoadedModel;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// The report, with the versions that it is about.
#[derive(Serialize)]
struct Answer {
    model: Versions,
    #[serde(flatten)]
    report: Report,
}

#[derive(Serialize)]
struct Versions {
    name: String,
    /// What it went on from.
    from: Option<ModelVersion>,
    /// What was registered.
    saved: Option<ModelVersion>,
}

pub async fn run(
    input: Vec<PathBuf>,
    model: Option<Reference>,
    args: FileLearnArgs,
    output: Output,
    config: Config,
) -> anyhow::Result<()> {
    let registry = Registry::open(&config.registry.url)?;
    if args.save {
        registry.check_writable().await?;
    }
    let (from, start) = match &model {
        Some(reference) => {
            let version = registry.resolve(&config.model.name, reference).await?;
            let loaded = LoadedModel::fetch(&registry, &config.model.name, version).await?;
            (Some(version), Start::Warm(Box::new(loaded.model)))
        }
        None => (None, Start::Cold(Box::new(config.model.to_train()))),
    };
    let request = Request {
        input,
        read: args.rows.options(),
        start,
        config: config.learn.clone(),
        views: config.features.parse()?,
        delay: args.delay,
        burn_in: args.burn_in,
    };
    let learning = tokio::task::spawn_blocking(move || {
        let mut shown = Shown::new();
        progressive::run(request, |Progress { rows, bytes_read, total_bytes }| {
            shown.show("learning", reading::message("learning", rows, bytes_read, total_bytes));
        })
    });
    let outcome = learning.await.context("learning ended early")?;
    let outcome = outcome.map_err(|error| sorted(error, Error::is_wrong_usage))?;
    let saved =
        if args.save { Some(save(&registry, &config, from, &outcome.learner, &outcome.report).await?) } else { None };
    let model = Versions { name: config.model.name.to_string(), from, saved };
    output.result(&Answer { model, report: outcome.report })
}

/// Registers what was learned, with the figures of the scores before each label.
async fn save(
    registry: &Registry,
    config: &Config,
    from: Option<ModelVersion>,
    learner: &Learner,
    report: &Report,
) -> anyhow::Result<ModelVersion> {
    let model = learner.to_model().context("what was learned makes no model")?;
    let artifact = model.to_bytes();
    // What is registered can be loaded.
    Model::from_bytes(&artifact).context("what was learned makes no model")?;
    let serde_json::Value::Object(metrics) = serde_json::to_value(report.metrics)? else {
        anyhow::bail!("figures are an object");
    };
    let parameters =
        serde_json::json!({"learn": config.learn, "from": from, "rows": report.rows, "delay": report.delay});
    let run = Run {
        parameters: parameters.as_object().cloned().unwrap_or_default(),
        features: model.features().iter().map(|feature| feature.name.clone()).collect(),
        metrics,
        data: None,
        library_version: concat!("plaudit ", env!("CARGO_PKG_VERSION")).to_owned(),
        seconds: BTreeMap::from([("learn".to_owned(), report.seconds)]),
        curves: BTreeMap::new(),
    };
    Ok(registry.register(&config.model.name, artifact.into(), run).await?.version)
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Versions { name, from, saved } = &self.model;
        let from = from.map_or_else(|| "from nothing".to_owned(), |from| format!("from {from}"));
        let saved = saved.map(|saved| format!(", saved as {saved}")).unwrap_or_default();
        writeln!(f, "model      {name} {from}{saved}")?;
        write!(f, "{}", self.report)
    }
}
