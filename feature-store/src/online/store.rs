//! The online store as its callers hold it: Redis or memory, with one meaning. Reading takes the present as an argument,
//! because whether a value is stale depends on it and on nothing else.

use super::aggregate::{Applied, RatingUpdate};
use super::{Entity, Error, FeaturesConfig, MemoryStore, RatingStats, RedisConfig, RedisStore};
use schemas::Timestamp;

/// An online store; clones share its connection or its memory.
#[derive(Debug, Clone)]
pub enum OnlineStore {
    /// Shared by every process that knows the address.
    Redis(RedisStore),
    /// Of this process alone.
    Memory(MemoryStore),
}

/// What the store knows of an entity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reading {
    /// Values, and the time of the latest event in them.
    Present {
        /// The values.
        stats: RatingStats,
        /// The latest event.
        event_time: Timestamp,
    },
    /// Nothing.
    Missing,
    /// Values whose latest event is older than the ttl.
    Stale {
        /// The values.
        stats: RatingStats,
        /// The latest event.
        event_time: Timestamp,
    },
}

/// What the store knows of a batch of entities.
#[derive(Debug, Clone, PartialEq)]
pub struct Readings {
    /// One for each entity that was asked for, in that order.
    pub entities: Vec<Reading>,
    /// How many of them are missing because what stands in the store cannot be decoded.
    pub undecodable: usize,
}

impl Reading {
    pub(super) fn of(stats: RatingStats, event_time: Timestamp, now: Timestamp, ttl_millis: Option<i64>) -> Self {
        let age_millis = now.epoch_millis() - event_time.epoch_millis();
        if ttl_millis.is_some_and(|ttl| age_millis > ttl) {
            Reading::Stale { stats, event_time }
        } else {
            Reading::Present { stats, event_time }
        }
    }
}

impl OnlineStore {
    /// Connects to Redis and makes sure that it answers.
    pub async fn connect(redis: &RedisConfig, features: &FeaturesConfig) -> Result<Self, Error> {
        RedisStore::connect(redis, features).await.map(Self::Redis)
    }

    /// An empty store in memory.
    pub fn memory(features: &FeaturesConfig) -> Self {
        Self::Memory(MemoryStore::new(features))
    }

    /// Reads entities in one round trip, within the store's deadline.
    pub async fn read(&self, entities: &[Entity<'_>], now: Timestamp) -> Result<Readings, Error> {
        match self {
            Self::Redis(store) => store.read(entities, now).await,
            Self::Memory(store) => Ok(store.read(entities, now)),
        }
    }

    /// Applies updates. After an error any part of them may have been applied: apply the same batch again, and what was
    /// applied changes nothing.
    pub async fn apply(&self, updates: &[RatingUpdate<'_>]) -> Result<Applied, Error> {
        match self {
            Self::Redis(store) => store.apply(updates).await,
            Self::Memory(store) => Ok(store.apply(updates)),
        }
    }
}
