//! The online store of a process on its own: the semantics of the one in Redis, without a network. What it holds ends with
//! the process.

use super::aggregate::{self, Aggregate, Applied, RatingUpdate};
use super::store::{Reading, Readings};
use super::{Entity, FeaturesConfig, View};
use schemas::Timestamp;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Aggregates in memory; clones share them.
#[derive(Debug, Clone)]
pub struct MemoryStore {
    rows: Arc<Mutex<HashMap<View, HashMap<String, Row>>>>,
    ttl_millis: Option<i64>,
}

#[derive(Debug)]
struct Row {
    aggregate: Aggregate,
    event_time: Timestamp,
    /// The last offset applied, by topic and partition. An entity's ratings come from few partitions: a list is enough.
    applied: Vec<(String, i32, i64)>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new(features: &FeaturesConfig) -> Self {
        Self { rows: Arc::default(), ttl_millis: features.ttl_millis() }
    }

    /// The values of entities, in their order.
    pub fn read(&self, entities: &[Entity<'_>], now: Timestamp) -> Readings {
        let rows = self.rows();
        let reading = |entity: &Entity<'_>| match rows.get(&entity.view).and_then(|rows| rows.get(entity.id)) {
            Some(row) => Reading::of(row.aggregate.stats(), row.event_time, now, self.ttl_millis),
            None => Reading::Missing,
        };
        Readings { entities: entities.iter().map(reading).collect(), undecodable: 0 }
    }

    /// Applies updates.
    pub fn apply(&self, updates: &[RatingUpdate<'_>]) -> Applied {
        let mut outcome = Applied::default();
        let mut rows = self.rows();
        for (entity, updates) in aggregate::by_entity(updates) {
            let rows = rows.entry(entity.view).or_default();
            for update in updates {
                let row = rows.entry(entity.id.to_owned()).or_insert_with(|| Row {
                    aggregate: Aggregate::default(),
                    event_time: update.event_time,
                    applied: Vec::new(),
                });
                if row.advance(update) { outcome.applied += 1 } else { outcome.replayed += 1 }
            }
        }
        outcome
    }

    fn rows(&self) -> MutexGuard<'_, HashMap<View, HashMap<String, Row>>> {
        // Nothing in here panics between two writes that belong together.
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Row {
    /// Applies an update, unless its offset was applied before.
    fn advance(&mut self, update: &RatingUpdate<'_>) -> bool {
        let source = update.source;
        let of_partition =
            |(topic, partition, _): &&mut (String, i32, i64)| *topic == source.topic && *partition == source.partition;
        match self.applied.iter_mut().find(of_partition) {
            Some((_, _, last)) if source.offset <= *last => return false,
            Some((_, _, last)) => *last = source.offset,
            None => self.applied.push((source.topic.clone(), source.partition, source.offset)),
        }
        self.aggregate.add(update.rating);
        self.event_time = self.event_time.max(update.event_time);
        true
    }
}
