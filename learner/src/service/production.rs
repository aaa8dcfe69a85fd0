//! Which version is in production.

use registry::{Error, Reference, Registry};
use schemas::{ModelName, ModelVersion};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What a reference stands for, looked up again and again by whoever runs [`follow`](Self::follow).
pub struct Production {
    follower: registry::Follower,
    current: watch::Sender<ModelVersion>,
}

impl Production {
    /// What the reference stands for now.
    pub async fn of(registry: &Registry, name: &ModelName, reference: &Reference) -> Result<Self, Error> {
        let mut follower = registry.follow(name, reference);
        let now = follower.version().await?;
        Ok(Self { follower, current: watch::channel(now).0 })
    }

    /// Tells of each change.
    pub fn watch(&self) -> watch::Receiver<ModelVersion> {
        self.current.subscribe()
    }

    /// Looks each `interval`, until the token is cancelled. A registry that is away changes nothing.
    pub async fn follow(mut self, interval: Duration, token: CancellationToken) {
        let mut complaint = None;
        while tokio::time::timeout(interval, token.cancelled()).await.is_err() {
            match self.follower.version().await {
                Ok(version) => {
                    complaint = None;
                    self.current.send_if_modified(|current| std::mem::replace(current, version) != version);
                }
                Err(error) => {
                    let said = error.to_string();
                    if complaint.as_ref() != Some(&said) {
                        tracing::warn!("goes on with {}: {said}", *self.current.borrow());
                        complaint = Some(said);
                    }
                }
            }
        }
    }
}
