//! The model in use. Whoever scores takes [`ModelHandle::current`] and keeps it for a batch or a request; meanwhile a
//! [`ModelFollower`] watches the alias and swaps the model in one step. A version that cannot be loaded changes nothing: the
//! service goes on with the model it has, and says so once. What an online learner makes of the version is followed by an
//! [`UpdateFollower`].

mod arrived;
mod topic;
mod updates;

pub(crate) use arrived::MANY_UPDATES;
pub use updates::UpdateFollower;

use crate::loaded::{LoadError, LoadedModel};
use crate::metrics;
use registry::{Reference, Registry};
use schemas::{ModelName, ModelVersion};
use service::kafka::KafkaConfig;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// The model in use, seen from those who score. Clones see the same model.
#[derive(Debug, Clone)]
pub struct ModelHandle {
    current: watch::Receiver<Arc<LoadedModel>>,
    reference: Reference,
}

impl ModelHandle {
    /// Loads what `reference` means now. The follower keeps the handle up to date for as long as it runs.
    pub async fn load(
        registry: &Registry,
        name: &ModelName,
        reference: &Reference,
    ) -> Result<(Self, ModelFollower), LoadError> {
        let mut version = registry.follow(name, reference);
        let now = version.version().await.map_err(|error| LoadError::resolving(error, reference))?;
        let model = LoadedModel::fetch(registry, name, now).await?;
        in_service(&model);
        let (sender, receiver) = watch::channel(Arc::new(model));
        let follower = ModelFollower {
            registry: registry.clone(),
            name: name.clone(),
            version,
            current: sender,
            complaint: None,
            unusable: None,
            given: None,
        };
        Ok((Self { current: receiver, reference: reference.clone() }, follower))
    }

    /// A handle to a model that never changes.
    pub fn fixed(model: LoadedModel) -> Self {
        let reference = Reference::Version(model.reference.version);
        Self { current: watch::channel(Arc::new(model)).1, reference }
    }

    /// The model in use now.
    pub fn current(&self) -> Arc<LoadedModel> {
        Arc::clone(&self.current.borrow())
    }

    /// What the model was asked for by: an alias, or a version.
    pub fn reference(&self) -> &Reference {
        &self.reference
    }
}

/// Keeps a [`ModelHandle`] up to date.
#[derive(Debug)]
pub struct ModelFollower {
    registry: Registry,
    name: ModelName,
    version: registry::Follower,
    current: watch::Sender<Arc<LoadedModel>>,
    /// What was last said in the log, so that it is said once.
    complaint: Option<String>,
    /// A version whose bytes are no model: versions never change, so it is not fetched again.
    unusable: Option<ModelVersion>,
    /// The features that scoring is given, where that is known.
    given: Option<BTreeSet<String>>,
}

impl ModelFollower {
    /// Says which features scoring is given. A model in service that takes others is named in the log, now and whenever one
    /// comes into service.
    pub fn given(mut self, features: BTreeSet<String>) -> Self {
        self.given = Some(features);
        self.warn_of_features(&self.current.borrow());
        self
    }

    /// What applies the updates of an online learner, from the topic `models` of that name, to the model that this one follows.
    /// Needs a tokio runtime.
    pub fn updates(&self, kafka: KafkaConfig, topic: String) -> UpdateFollower {
        UpdateFollower::new((kafka, topic), (self.registry.clone(), self.name.clone()), self.current.clone())
    }

    /// Looks at the alias each `interval`, until the token is cancelled.
    pub async fn run(mut self, interval: Duration, token: CancellationToken) {
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let follow = async {
            loop {
                ticks.tick().await;
                self.look().await;
            }
        };
        tokio::select! {
            // First, for when the process ends: what a look then comes to means nothing.
            biased;
            () = token.cancelled() => {}
            () = follow => {}
        }
    }

    /// Looks at the alias once, and swaps the model if it has changed.
    pub async fn look(&mut self) {
        match self.changed().await {
            Ok(None) => self.complaint = None,
            Ok(Some(model)) => {
                self.complaint = None;
                in_service(&model);
                self.warn_of_features(&model);
                self.current.send_replace(Arc::new(model));
            }
            Err(error) => self.complain(&error),
        }
    }

    async fn changed(&mut self) -> Result<Option<LoadedModel>, LoadError> {
        let version = self.version.version().await.map_err(LoadError::Registry)?;
        if version == self.current.borrow().reference.version {
            self.unusable = None;
            return Ok(None);
        }
        if self.unusable == Some(version) {
            return Ok(None);
        }
        LoadedModel::fetch(&self.registry, &self.name, version).await.map(Some).inspect_err(|error| {
            if !error.may_pass() {
                self.unusable = Some(version);
            }
        })
    }

    fn warn_of_features(&self, model: &LoadedModel) {
        let beyond = self.given.as_ref().map(|given| model.inputs.beyond(given)).unwrap_or_default();
        if !beyond.is_empty() {
            let reference = &model.reference;
            tracing::warn!(
                model.name = %reference.name,
                model.version = %reference.version,
                "model \"{}\" {} takes features that no view of an online store gives, and counts them as missing: {} (see \
                 redis.url and features.views)",
                reference.name, reference.version, beyond.join(", ")
            );
        }
    }

    fn complain(&mut self, error: &LoadError) {
        metrics::count_model_load_failure();
        let complaint = error.to_string();
        if self.complaint.as_ref() != Some(&complaint) {
            let kept = self.current.borrow().reference.version;
            tracing::error!(model.name = %self.name, model.version = %kept, "keeps model \"{}\" {kept}: {complaint}", self.name);
            self.complaint = Some(complaint);
        }
    }
}

fn in_service(model: &LoadedModel) {
    let reference = &model.reference;
    metrics::set_model_version(reference);
    metrics::set_model_update(reference);
    tracing::info!(
        model.name = %reference.name,
        model.version = %reference.version,
        model.sha256 = %model.sha256,
        "model \"{}\" {} is in service", reference.name, reference.version
    );
}
