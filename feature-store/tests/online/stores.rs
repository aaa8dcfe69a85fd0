//! Stores to test.

use feature_store::online::{Entity, MemoryStore, OnlineStore, Reading, RedisConfig, Update, Values, ViewReading};
use feature_store::views::{Event, EventSource, FeaturesConfig, Views};
use schemas::{Source, Timestamp};
use std::sync::atomic::{AtomicU64, Ordering};

/// More products than any contract has.
const SMALL: usize = 20_000;

/// Which store a contract is run on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Memory,
    /// In memory for no more entities than a test has.
    Small,
    Redis,
}

impl Kind {
    pub async fn store(self) -> OnlineStore {
        self.store_with(&views("")).await
    }

    pub async fn store_with(self, views: &Views) -> OnlineStore {
        match self {
            Kind::Memory => OnlineStore::memory(views),
            Kind::Small => OnlineStore::Memory(MemoryStore::with_limit(views, SMALL)),
            Kind::Redis => OnlineStore::connect(&config(&redis_url()), views).await.unwrap(),
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
    RedisConfig { url: url.to_owned(), deadline_ms: 10_000, ..RedisConfig::default() }
}

/// Views of a project that no other test has, now or before: the default ones, or those of a text of TOML.
pub fn views(text: &str) -> Views {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let (count, now) = (COUNT.fetch_add(1, Ordering::Relaxed), Timestamp::now().epoch_millis());
    let project = format!("test-{}-{now}-{count}", std::process::id());
    let default = FeaturesConfig::default();
    let config = if text.is_empty() {
        FeaturesConfig { project, ..default }
    } else {
        FeaturesConfig { project, ttl_days: 0, views: toml::from_str(text).unwrap() }
    };
    config.parse().unwrap()
}

/// The default views with a ttl.
pub fn views_with_ttl(days: u32) -> Views {
    let one = |name: &str, entity: &str| {
        format!(
            "[{name}]\nentity = '{entity}'\nsource = 'reviews'\nttl_days = {days}\n\
             features = {{ rating_count = 'count', rating_mean = 'mean' }}\n"
        )
    };
    views(&(one("product_stats", "product_id") + &one("user_stats", "user_id")))
}

pub fn at(millis: i64) -> Timestamp {
    Timestamp::from_epoch_millis(millis).unwrap()
}

pub fn source(partition: i32, offset: i64) -> Source {
    Source { topic: "reviews".to_owned(), partition, offset }
}

pub fn update<'a>(entity: Entity<'a>, value: f64, millis: i64, record: &'a Source) -> Update<'a> {
    Update { entity, from: EventSource::Reviews, event: Event { value, event_time: at(millis) }, record }
}

/// Count and mean in the only view of an entity's kind.
pub fn present(count: i64, mean: f64, millis: i64) -> Reading {
    Reading { views: vec![ViewReading::Present(values(count, mean, millis))] }
}

pub fn values(count: i64, mean: f64, millis: i64) -> Values {
    Values { values: vec![Some(count as f64), Some(mean)], event_time: at(millis) }
}

pub fn missing() -> Reading {
    Reading { views: vec![ViewReading::Missing] }
}

/// Reads one entity of a store that answers and can decode all it holds.
pub async fn read_one(store: &OnlineStore, entity: Entity<'_>) -> Reading {
    let mut readings = store.read(&[entity], at(0)).await;
    assert_eq!((readings.entities.len(), readings.undecodable, readings.error), (1, 0, None));
    readings.entities.remove(0)
}
