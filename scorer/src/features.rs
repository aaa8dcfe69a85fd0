//! Features of products and users at the moment of scoring, for the stream and the gateway alike. Reading never fails and never
//! takes longer than the store's deadline: what cannot be had is `unavailable` in the prediction, a metric, and a line in the
//! log now and then.

use crate::metrics;
use feature_store::online::{Error, FeaturesConfig, OnlineStore, RedisConfig, ReviewEntities};
use schemas::{FeaturesStatus, Timestamp};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A store that is away fails every read: one line in the log each time would drown everything else.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// The features that go into one prediction.
#[derive(Debug, Clone, PartialEq)]
pub struct EntityFeatures {
    /// Values by name, such as `product_stats.rating_mean`.
    pub values: BTreeMap<String, f64>,
    /// How they came to be.
    pub status: FeaturesStatus,
}

impl Default for EntityFeatures {
    fn default() -> Self {
        Self { values: BTreeMap::new(), status: FeaturesStatus::None }
    }
}

/// Reads features, where there is a store. Clones share the store.
#[derive(Debug, Clone)]
pub struct Features {
    store: Option<OnlineStore>,
    logged: Arc<Mutex<Option<Instant>>>,
}

impl Features {
    /// No store: predictions carry no features.
    pub fn none() -> Self {
        Self { store: None, logged: Arc::default() }
    }

    /// Reads from `store`.
    pub fn from_store(store: OnlineStore) -> Self {
        Self { store: Some(store), logged: Arc::default() }
    }

    /// Connects to the store that the configuration names, if it names one.
    pub async fn connect(redis: &RedisConfig, features: &FeaturesConfig) -> Result<Self, Error> {
        if redis.is_enabled() {
            OnlineStore::connect(redis, features).await.map(Self::from_store)
        } else {
            Ok(Self::none())
        }
    }

    /// Whether there is a store.
    pub fn has_store(&self) -> bool {
        self.store.is_some()
    }

    /// The features of each review of a batch, given its product and user, in one round trip.
    pub async fn read(&self, batch: &[(Option<&str>, Option<&str>)]) -> Vec<EntityFeatures> {
        let Some(store) = &self.store else { return vec![EntityFeatures::default(); batch.len()] };
        let entities = |&(product_id, user_id): &(_, _)| ReviewEntities { product_id, user_id };
        let entities: Vec<_> = batch.iter().map(entities).collect();
        let found = store.features(&entities, Timestamp::now()).await;
        if let Some(error) = &found.error {
            metrics::count_feature_read_failure();
            self.log(&error.to_string());
        }
        if found.undecodable > 0 {
            metrics::count_undecodable_features(found.undecodable);
            self.log("some of what the online store holds cannot be decoded, and counts as missing");
        }
        found
            .reviews
            .into_iter()
            .map(|review| EntityFeatures { values: review.values, status: review.status })
            .collect()
    }

    fn log(&self, problem: &str) {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.is_none_or(|last| last.elapsed() >= LOG_INTERVAL) {
            *logged = Some(Instant::now());
            tracing::warn!("predictions go on without some features: {problem}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use feature_store::online::{Entity, RatingUpdate};
    use schemas::{Rating, Source};

    fn config() -> FeaturesConfig {
        FeaturesConfig { project: "plaudit".into(), ttl_days: 0 }
    }

    #[tokio::test]
    async fn without_a_store_there_is_nothing_to_read() {
        let redis = RedisConfig { url: String::new(), deadline_ms: 20 };
        let features = Features::connect(&redis, &config()).await.unwrap();
        assert!(!features.has_store());
        assert_eq!(features.read(&[(Some("p"), None), (None, None)]).await, vec![EntityFeatures::default(); 2]);
    }

    #[tokio::test]
    async fn each_review_gets_its_own_features() {
        let store = OnlineStore::memory(&config());
        let source = Source { topic: "reviews".into(), partition: 0, offset: 7 };
        let (entity, rating) = (Entity::product("p"), Rating::new(4.0).unwrap());
        store.apply(&[RatingUpdate { entity, rating, event_time: Timestamp::now(), source: &source }]).await.unwrap();
        let features = Features::from_store(store);
        let read = features.read(&[(Some("p"), None), (None, None), (Some("p"), Some("nobody"))]).await;
        let of_p = [("product_stats.rating_count".to_owned(), 1.0), ("product_stats.rating_mean".to_owned(), 4.0)];
        assert_eq!(read[0], EntityFeatures { values: of_p.clone().into(), status: FeaturesStatus::Present });
        assert_eq!(read[1], EntityFeatures::default());
        assert_eq!(read[2], EntityFeatures { values: of_p.into(), status: FeaturesStatus::Missing });
    }
}
