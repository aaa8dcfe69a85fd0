//! The online and the offline store: does the one answer, and how fresh is the other.

use super::answer::{Answer, Deadline};
use crate::config::Config;
use feature_store::offline::store::{Dataset, Held, Store};
use feature_store::online::OnlineStore;
use serde::Serialize;
use std::time::Instant;

#[derive(Debug, PartialEq, Serialize)]
pub struct Online {
    /// How long it took to answer on a connection that was there.
    pub answer_ms: f64,
}

/// What the offline store holds of a record type.
#[derive(Debug, PartialEq, Serialize)]
pub struct Offline {
    pub dataset: &'static str,
    #[serde(flatten)]
    pub held: Held,
}

/// Asks the online store; none where none is configured.
pub async fn online(config: &Config, deadline: Deadline) -> Option<Answer<Online>> {
    let asked = async {
        let store = OnlineStore::open(&config.redis, &config.features.parse()?)?;
        store.check().await?;
        let began = Instant::now();
        store.check().await?;
        anyhow::Ok(Online { answer_ms: began.elapsed().as_secs_f64() * 1000.0 })
    };
    if config.redis.is_enabled() { Some(deadline.wait(asked).await) } else { None }
}

/// Asks the offline store; none where none is configured.
pub async fn offline(config: &Config, deadline: Deadline) -> Option<Answer<Vec<Offline>>> {
    let asked = async {
        let store = Store::open(&config.offline)?;
        let held =
            async |dataset: Dataset| store.held(dataset).await.map(|held| Offline { dataset: dataset.name(), held });
        let [reviews, feedback, predictions] = Dataset::ALL.map(held);
        let (reviews, feedback, predictions) = tokio::try_join!(reviews, feedback, predictions)?;
        anyhow::Ok(vec![reviews, feedback, predictions])
    };
    if config.offline.url.is_empty() { None } else { Some(deadline.wait(asked).await) }
}
