//! The online store as its callers hold it: Redis or memory, with one meaning. Reading takes the present as an argument,
//! because whether a value is stale depends on it and on nothing else.

use super::rows::{Row, is_stale};
use super::update::{Applied, Origin, Update};
use super::{Entity, Error, MemoryStore, RedisConfig, RedisStore};
use crate::views::{View, Views};
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
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// One for each view of the entity's kind, in the order of [`Views::of`].
    pub views: Vec<ViewReading>,
}

/// What a view knows of an entity.
#[derive(Debug, Clone, PartialEq)]
pub enum ViewReading {
    /// Values.
    Present(Values),
    /// Values whose latest event is older than the view's ttl.
    Stale(Values),
    /// Nothing.
    Missing,
    /// The store did not answer, or not in time.
    Unavailable,
}

/// The values of a view.
#[derive(Debug, Clone, PartialEq)]
pub struct Values {
    /// One for each feature of the view, in their order; none where the row has no value for it.
    pub values: Vec<Option<f64>>,
    /// The time of the latest event in them.
    pub event_time: Timestamp,
}

/// What the store knows of a batch of entities.
#[derive(Debug, Clone, PartialEq)]
pub struct Readings {
    /// One for each entity that was asked for, in that order.
    pub entities: Vec<Reading>,
    /// How many of their rows are missing because what stands in the store cannot be decoded.
    pub undecodable: usize,
    /// Why some of them, or all, are unavailable.
    pub error: Option<Error>,
}

impl Readings {
    /// Takes the next row of the entity at this place.
    pub(super) fn add(&mut self, place: usize, view: &View, row: Row<'_>, now: Timestamp) {
        if self.entities.len() == place {
            self.entities.push(Reading { views: Vec::with_capacity(1) });
        }
        if let Some(reading) = self.entities.last_mut() {
            reading.views.push(ViewReading::of(view, row, now));
        }
    }
}

impl ViewReading {
    fn of(view: &View, row: Row<'_>, now: Timestamp) -> Self {
        let (values, event_time) = match row {
            Row::Found { values, event_time } => (values, event_time),
            Row::Missing => return Self::Missing,
            Row::Unavailable => return Self::Unavailable,
        };
        let values = values.iter().map(|value| Some(*value).filter(|value| !value.is_nan())).collect();
        let values = Values { values, event_time };
        if is_stale(view, event_time, now) { Self::Stale(values) } else { Self::Present(values) }
    }
}

impl OnlineStore {
    /// The store in Redis. Nobody is asked yet: one that is away is unavailable until it is there.
    pub fn open(redis: &RedisConfig, views: &Views) -> Result<Self, Error> {
        RedisStore::open(redis, views).map(Self::Redis)
    }

    /// Makes sure that the store answers.
    pub async fn check(&self) -> Result<(), Error> {
        match self {
            Self::Redis(store) => store.check().await,
            Self::Memory(_) => Ok(()),
        }
    }

    /// The store in Redis, which answers.
    pub async fn connect(redis: &RedisConfig, views: &Views) -> Result<Self, Error> {
        let store = Self::open(redis, views)?;
        store.check().await.map(|()| store)
    }

    /// An empty store in memory.
    pub fn memory(views: &Views) -> Self {
        Self::Memory(MemoryStore::new(views))
    }

    /// The views that it holds.
    pub fn views(&self) -> &Views {
        match self {
            Self::Redis(store) => store.views(),
            Self::Memory(store) => store.views(),
        }
    }

    /// Reads entities in one round trip per server, within the store's deadline. Never fails: what cannot be had is
    /// unavailable.
    pub async fn read(&self, entities: &[Entity<'_>], now: Timestamp) -> Readings {
        let mut readings = Readings { entities: Vec::with_capacity(entities.len()), undecodable: 0, error: None };
        let outcome = self.read_rows(entities, |place, view, row| readings.add(place, view, row, now)).await;
        Readings { undecodable: outcome.undecodable, error: outcome.error, ..readings }
    }

    /// Applies updates as they come from the stream. After an error any part of them may have been applied: apply the same
    /// batch again, and what was applied changes nothing.
    pub async fn apply(&self, updates: &[Update<'_>]) -> Result<Applied, Error> {
        self.apply_from(updates, Origin::Live).await
    }

    /// Applies updates of the past, as [`apply`](Self::apply) does; also those that lie before the first one that came from
    /// the stream, and while others come from there.
    pub async fn apply_history(&self, updates: &[Update<'_>]) -> Result<Applied, Error> {
        self.apply_from(updates, Origin::History).await
    }

    async fn apply_from(&self, updates: &[Update<'_>], origin: Origin) -> Result<Applied, Error> {
        match self {
            Self::Redis(store) => store.apply(updates, origin).await,
            Self::Memory(store) => Ok(store.apply_from(updates, origin)),
        }
    }
}
