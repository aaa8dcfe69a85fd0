//! The online store of a process on its own: the semantics of the one in Redis, without a network. What it holds ends with
//! the process.

use super::reviews::RememberedEntities;
use super::store::{Reading, Readings, ViewReading};
use super::update::{self, Applied, Origin, Reached, Update};
use super::{Entity, ReviewEntities};
use crate::views::{EntityKind, State, View, Views};
use schemas::{Source, Timestamp};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Aggregates in memory; clones share them.
#[derive(Debug, Clone)]
pub struct MemoryStore {
    rows: Arc<Mutex<Rows>>,
    /// What reviews name, by their ids.
    reviews: Arc<Mutex<HashMap<String, RememberedEntities>>>,
    views: Views,
}

/// By kind and id; one row for each view of the kind.
type Rows = HashMap<EntityKind, HashMap<String, Vec<Row>>>;

#[derive(Debug)]
struct Row {
    state: State,
    /// What was applied, by topic and partition. An entity's events come from few partitions: a list is enough.
    reached: Vec<(String, i32, Reached)>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new(views: &Views) -> Self {
        Self { rows: Arc::default(), reviews: Arc::default(), views: views.clone() }
    }

    pub(super) fn views(&self) -> &Views {
        &self.views
    }

    /// The values of entities, in their order.
    pub fn read(&self, entities: &[Entity<'_>], now: Timestamp) -> Readings {
        let rows = self.rows();
        let reading = |entity: &Entity<'_>| {
            let rows = rows.get(&entity.kind).and_then(|rows| rows.get(entity.id));
            let views = self.views.of(entity.kind).enumerate();
            let read =
                |(place, view): (usize, &View)| rows.map_or(ViewReading::Missing, |rows| rows[place].read(view, now));
            Reading { views: views.map(read).collect() }
        };
        Readings { entities: entities.iter().map(reading).collect(), undecodable: 0, error: None }
    }

    /// Applies updates as they come.
    pub fn apply(&self, updates: &[Update<'_>]) -> Applied {
        self.apply_from(updates, Origin::Live)
    }

    pub(super) fn apply_from(&self, updates: &[Update<'_>], origin: Origin) -> Applied {
        let mut outcome = Applied::default();
        let mut rows = self.rows();
        for group in update::by_entity(updates) {
            let kind = group.entity.kind;
            let rows = rows.entry(kind).or_default().entry(group.entity.id.to_owned());
            let rows = rows.or_insert_with(|| self.views.of(kind).map(Row::new).collect());
            for (row, view) in rows.iter_mut().zip(self.views.of(kind)).filter(|(_, view)| view.source() == group.from)
            {
                for update in &group.updates {
                    if row.advance(update.record, origin) {
                        row.state.apply(view, &update.event);
                        outcome.applied += 1;
                    } else {
                        outcome.replayed += 1;
                    }
                }
            }
        }
        outcome
    }

    pub(super) fn remember(&self, reviews: &[(&str, ReviewEntities<'_>)]) {
        let entries = reviews.iter().map(|(id, entities)| ((*id).to_owned(), RememberedEntities::of(entities)));
        self.reviews().extend(entries);
    }

    pub(super) fn recall(&self, review_ids: &[&str]) -> Vec<Option<RememberedEntities>> {
        let reviews = self.reviews();
        review_ids.iter().map(|review_id| reviews.get(*review_id).cloned()).collect()
    }

    fn reviews(&self) -> MutexGuard<'_, HashMap<String, RememberedEntities>> {
        self.reviews.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        // Nothing in here panics between two writes that belong together.
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Row {
    fn new(view: &View) -> Self {
        Self { state: State::new(view), reached: Vec::new() }
    }

    /// Notes that a record is applied, unless it was before.
    fn advance(&mut self, record: &Source, origin: Origin) -> bool {
        let of_partition =
            |(topic, partition, _): &(String, i32, Reached)| *topic == record.topic && *partition == record.partition;
        let place = self.reached.iter().position(of_partition).unwrap_or_else(|| {
            self.reached.push((record.topic.clone(), record.partition, Reached::NOTHING));
            self.reached.len() - 1
        });
        self.reached[place].2.advance(record.offset, origin)
    }

    fn read(&self, view: &View, now: Timestamp) -> ViewReading {
        let Some(event_time) = self.state.event_time() else { return ViewReading::Missing };
        let values = self.state.values(view).into_iter().map(|value| Some(value).filter(|value| !value.is_nan()));
        ViewReading::of(view, values.collect(), event_time, now)
    }
}
