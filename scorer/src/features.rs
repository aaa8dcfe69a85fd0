//! Features of products and users at the moment of scoring, for the stream and the gateway alike. Reading never fails and never
//! takes longer than the store's deadline: what cannot be had is `unavailable` in the prediction, a metric, and a line in the
//! log now and then. A store that keeps failing is left alone for a while.

mod circuit;

use crate::metrics;
use circuit::{Circuit, Ticket};
use feature_store::online::{Error, FeatureBatch, OnlineStore, RedisConfig, ReviewEntities};
use feature_store::views::Views;
use schemas::Timestamp;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A store that is away fails every read: one line in the log each time would drown everything else.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// Reads features, where there is a store. Clones share the store.
#[derive(Debug, Clone)]
pub struct Features {
    store: Option<OnlineStore>,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    circuit: Circuit,
    logged: Option<Instant>,
}

impl Features {
    /// No store: predictions carry no features.
    pub fn none() -> Self {
        Self { store: None, shared: Arc::default() }
    }

    /// Reads from `store`.
    pub fn from_store(store: OnlineStore) -> Self {
        metrics::set_features_circuit(false);
        Self { store: Some(store), shared: Arc::default() }
    }

    /// Connects to the store that the configuration names, if it names one. A store that is away is unavailable until it is
    /// there; one that refuses what the configuration says is an error.
    pub async fn connect(redis: &RedisConfig, views: &Views) -> Result<Self, Error> {
        if !redis.is_enabled() {
            return Ok(Self::none());
        }
        let store = OnlineStore::open(redis, views)?;
        let checked = store.check().await;
        let features = Self::from_store(store);
        match checked {
            Err(away @ Error::Unreachable { .. }) => features.begin_without(&away),
            checked => checked?,
        }
        Ok(features)
    }

    /// Takes note that the store is away before anybody has read.
    fn begin_without(&self, away: &Error) {
        let now = Instant::now();
        *self.shared() = Shared { circuit: Circuit::open(now), logged: Some(now) };
        metrics::set_features_circuit(true);
        metrics::count_feature_read_failure();
        tracing::warn!("predictions begin without features, and have them once the store is there: {away}");
    }

    /// Whether there is a store.
    pub fn has_store(&self) -> bool {
        self.store.is_some()
    }

    /// The features of each review of a batch, given its product and user, in one round trip.
    pub async fn read(&self, batch: &[(Option<&str>, Option<&str>)]) -> FeatureBatch {
        let Some(store) = &self.store else { return FeatureBatch::none(batch.len()) };
        let entities = reviews(batch);
        // What asks for nothing shows nothing of the store, and is no trial.
        if !entities.iter().any(|review| review.is_known_to(store.views())) {
            return FeatureBatch::none(batch.len());
        }
        let Some(ticket) = self.shared().circuit.allows(Instant::now()) else {
            return FeatureBatch::unavailable(store.views(), &entities);
        };
        let found = store.features(&entities, Timestamp::now()).await;
        self.record(ticket, &found);
        if found.undecodable > 0 {
            metrics::count_undecodable_features(found.undecodable);
            self.log("some of what the online store holds cannot be decoded, and counts as missing");
        }
        found
    }

    /// What a batch gets whose reading came to no end.
    pub fn unavailable(&self, batch: &[(Option<&str>, Option<&str>)]) -> FeatureBatch {
        metrics::count_feature_read_failure();
        let Some(store) = &self.store else { return FeatureBatch::none(batch.len()) };
        FeatureBatch::unavailable(store.views(), &reviews(batch))
    }

    /// Takes note of whether the store answered. A node of a cluster that refuses costs its own entities and no time; one
    /// that is late costs every batch its deadline, as a store that is away as a whole does.
    fn record(&self, ticket: Ticket, found: &FeatureBatch) {
        let is_costly = matches!(found.error, Some(Error::TimedOut { .. })) || !found.is_answered;
        let mut shared = self.shared();
        let was_open = shared.circuit.is_open();
        shared.circuit.record(ticket, !is_costly, Instant::now());
        let is_open = shared.circuit.is_open();
        drop(shared);
        if is_open != was_open {
            metrics::set_features_circuit(is_open);
            let state = if is_open { "left alone for a while: it keeps failing" } else { "read again" };
            tracing::warn!("the online store is {state}");
        }
        if let Some(error) = &found.error {
            metrics::count_feature_read_failure();
            self.log(&error.to_string());
        }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        // Nothing panics while it is held.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self, problem: &str) {
        let mut shared = self.shared();
        if shared.logged.is_none_or(|last| last.elapsed() >= LOG_INTERVAL) {
            shared.logged = Some(Instant::now());
            drop(shared);
            tracing::warn!("predictions go on without some features: {problem}");
        }
    }
}

fn reviews<'b>(batch: &[(Option<&'b str>, Option<&'b str>)]) -> Vec<ReviewEntities<'b>> {
    batch.iter().map(|&(product_id, user_id)| ReviewEntities { product_id, user_id }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use feature_store::online::Update;
    use feature_store::views::FeaturesConfig;
    use schemas::{FeaturesStatus, Rating, Source};

    fn views() -> Views {
        FeaturesConfig::default().parse().unwrap()
    }

    #[tokio::test]
    async fn without_a_store_there_is_nothing_to_read() {
        let features = Features::connect(&RedisConfig::default(), &views()).await.unwrap();
        assert!(!features.has_store());
        let read = features.read(&[(Some("p"), None), (None, None)]).await;
        assert!(read.iter().all(|features| features.is_empty() && features.status == FeaturesStatus::None));
        assert_eq!(read.len(), 2);
    }

    #[tokio::test]
    async fn a_batch_that_asks_for_nothing_closes_no_circuit() {
        let mut config = FeaturesConfig::default();
        config.views.remove("user_stats");
        let features = Features::from_store(OnlineStore::memory(&config.parse().unwrap()));
        let long_ago = Instant::now().checked_sub(Duration::from_secs(60)).unwrap();
        features.shared().circuit = Circuit::open(long_ago);
        // Nobody, somebody whom no view is about, and somebody without a name.
        features.read(&[(None, None), (None, Some("u")), (Some(" "), None)]).await;
        assert!(features.shared().circuit.is_open());
        features.read(&[(Some("p"), None)]).await;
        assert!(!features.shared().circuit.is_open());
    }

    #[tokio::test]
    async fn each_review_gets_its_own_features() {
        let store = OnlineStore::memory(&views());
        let source = Source { topic: "reviews".into(), partition: 0, offset: 7 };
        let of_p = ReviewEntities { product_id: Some("p"), user_id: None };
        let rating = Rating::new(4.0).unwrap();
        store.apply(&Update::of_rating(of_p, rating, Timestamp::now(), &source).collect::<Vec<_>>()).await.unwrap();
        let features = Features::from_store(store);
        let read = features.read(&[(Some("p"), None), (None, None), (Some("p"), Some("nobody"))]).await;
        let read: Vec<_> = read.iter().map(|features| (features.iter().collect::<Vec<_>>(), features.status)).collect();
        let of_p = [("product_stats.rating_count", 1.0), ("product_stats.rating_mean", 4.0)];
        use FeaturesStatus::{Missing, None as Nothing, Present};
        assert_eq!(read, [(of_p.to_vec(), Present), (vec![], Nothing), (of_p.to_vec(), Missing)]);
    }
}
