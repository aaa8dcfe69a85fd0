//! Stores to test.

use feature_store::online::{Entity, FeaturesConfig, OnlineStore, RatingUpdate, RedisConfig};
use schemas::{Rating, Source, Timestamp};
use std::sync::atomic::{AtomicU64, Ordering};

/// Which store a contract is run on.
#[derive(Clone, Copy)]
pub enum Kind {
    Memory,
    Redis,
}

impl Kind {
    pub async fn store(self) -> OnlineStore {
        self.store_with(&features(0)).await
    }

    pub async fn store_with(self, features: &FeaturesConfig) -> OnlineStore {
        match self {
            Kind::Memory => OnlineStore::memory(features),
            Kind::Redis => OnlineStore::connect(&config(&redis_url()), features).await.unwrap(),
        }
    }
}

pub fn redis_url() -> String {
    let url = std::env::var("PLAUDIT_TEST_REDIS");
    url.unwrap_or_else(|_| {
        panic!("PLAUDIT_TEST_REDIS is not set: run dev/test, or dev/services up and what dev/services env prints")
    })
}

/// Patient, because tests run on busy machines; the tests of deadlines set their own.
pub fn config(url: &str) -> RedisConfig {
    RedisConfig { url: url.to_owned(), deadline_ms: 10_000 }
}

/// A project that no other test has, now or before.
pub fn features(ttl_days: u32) -> FeaturesConfig {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let (count, now) = (COUNT.fetch_add(1, Ordering::Relaxed), Timestamp::now().epoch_millis());
    FeaturesConfig { project: format!("test-{}-{now}-{count}", std::process::id()), ttl_days }
}

pub fn at(millis: i64) -> Timestamp {
    Timestamp::from_epoch_millis(millis).unwrap()
}

pub fn source(partition: i32, offset: i64) -> Source {
    Source { topic: "reviews".to_owned(), partition, offset }
}

pub fn update<'a>(entity: Entity<'a>, stars: f64, millis: i64, source: &'a Source) -> RatingUpdate<'a> {
    RatingUpdate { entity, rating: Rating::new(stars).unwrap(), event_time: at(millis), source }
}
