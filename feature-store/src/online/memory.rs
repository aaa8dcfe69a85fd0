//! The online store of a process on its own: the semantics of the one in Redis, without a network. What it holds ends with
//! the process, and before that where it is much: Redis expires keys and refuses what it has no memory for, this forgets what
//! has not been written for longest.

mod passing;

use super::reviews::{REMEMBERED_SECONDS, RememberedEntities};
use super::rows::Row as FoundRow;
use super::store::Readings;
use super::update::{self, Applied, Origin, Reached, Update};
use super::{Entity, ReviewEntities};
use crate::views::{EntityKind, State, View, Views};
use passing::Passing;
use schemas::{Source, Timestamp};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many products, users and remembered reviews of each: with the default views some 400 MB when all three are full.
const LIMIT: usize = 500_000;

/// Aggregates in memory; clones share them.
#[derive(Debug, Clone)]
pub struct MemoryStore {
    rows: Arc<Mutex<Rows>>,
    /// What reviews name, by their ids.
    reviews: Arc<Mutex<Passing<String, RememberedEntities>>>,
    views: Views,
}

/// By kind and id; one row for each view of the kind.
type Rows = [Passing<String, Vec<Row>>; EntityKind::ALL.len()];

#[derive(Debug)]
struct Row {
    state: State,
    /// What was applied, by topic and partition. An entity's events come from few partitions: a list is enough.
    reached: Vec<(String, i32, Reached)>,
}

impl MemoryStore {
    /// An empty store for up to half a million products, users and remembered reviews of each.
    pub fn new(views: &Views) -> Self {
        Self::with_limit(views, LIMIT)
    }

    /// An empty store for up to so many of each.
    pub fn with_limit(views: &Views, limit: usize) -> Self {
        let now = Instant::now();
        let of_kind = |kind| Passing::new(limit, views.lifetime(kind), now);
        let remembered = Duration::from_secs(REMEMBERED_SECONDS.unsigned_abs());
        Self {
            rows: Arc::new(Mutex::new(EntityKind::ALL.map(of_kind))),
            reviews: Arc::new(Mutex::new(Passing::new(limit, Some(remembered), now))),
            views: views.clone(),
        }
    }

    pub(super) fn views(&self) -> &Views {
        &self.views
    }

    /// The values of entities, in their order.
    pub fn read(&self, entities: &[Entity<'_>], now: Timestamp) -> Readings {
        let mut readings = Readings { entities: Vec::with_capacity(entities.len()), undecodable: 0, error: None };
        self.read_rows(entities, |place, view, row| readings.add(place, view, row, now));
        readings
    }

    pub(super) fn read_rows(&self, entities: &[Entity<'_>], mut each: impl FnMut(usize, &View, FoundRow<'_>)) {
        let rows = self.rows();
        let mut values = Vec::new();
        for (place, entity) in entities.iter().enumerate() {
            let rows = rows[entity.kind as usize].get(entity.id);
            for (at, view) in self.views.of(entity.kind).enumerate() {
                let found = rows.map_or(FoundRow::Missing, |rows| rows[at].read(view, &mut values));
                each(place, view, found);
            }
        }
    }

    /// Applies updates as they come.
    pub fn apply(&self, updates: &[Update<'_>]) -> Applied {
        self.apply_from(updates, Origin::Live)
    }

    pub(super) fn apply_from(&self, updates: &[Update<'_>], origin: Origin) -> Applied {
        let mut outcome = Applied::default();
        let (mut rows, now) = (self.rows(), Instant::now());
        for group in update::by_entity(updates) {
            let kind = group.entity.kind;
            let make = || self.views.of(kind).map(Row::new).collect();
            let rows = rows[kind as usize].write(group.entity.id.to_owned(), now, make);
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
        let (mut remembered, now) = (self.reviews(), Instant::now());
        for (id, entities) in reviews {
            *remembered.write((*id).to_owned(), now, RememberedEntities::default) = RememberedEntities::of(entities);
        }
    }

    pub(super) fn recall(&self, review_ids: &[&str]) -> Vec<Option<RememberedEntities>> {
        let reviews = self.reviews();
        review_ids.iter().map(|review_id| reviews.get(*review_id).cloned()).collect()
    }

    fn reviews(&self) -> MutexGuard<'_, Passing<String, RememberedEntities>> {
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

    fn read<'v>(&self, view: &View, values: &'v mut Vec<f64>) -> FoundRow<'v> {
        let Some(event_time) = self.state.event_time() else { return FoundRow::Missing };
        values.clear();
        values.extend(view.features().iter().map(|feature| self.state.value(feature)));
        FoundRow::Found { values, event_time }
    }
}
