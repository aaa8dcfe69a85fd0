//! How ratings become aggregates: what an update says, how a batch of them is put in order, and the sum that both stores
//! keep. Every update is applied once: per entity and source partition, offsets at or below the last one applied change
//! nothing.

use super::{Entity, RatingStats};
use schemas::{Rating, Source, Timestamp};
use std::collections::HashMap;

/// A rating that an entity got (a product) or gave (a user).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RatingUpdate<'a> {
    /// Whose aggregate it belongs to.
    pub entity: Entity<'a>,
    /// The stars.
    pub rating: Rating,
    /// When the review was written.
    pub event_time: Timestamp,
    /// The record that holds it. Batches come in the order of offsets within a partition; an offset below one that was
    /// applied earlier counts as a replay.
    pub source: &'a Source,
}

/// What came of a batch of updates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Applied {
    /// Updates that changed an aggregate.
    pub applied: usize,
    /// Updates that had been applied before.
    pub replayed: usize,
    /// Updates of entities whose key holds something else than a hash: they are lost until somebody removes that key.
    pub unusable: usize,
}

/// The updates of a batch by entity, in the order in which entities turn up; within an entity by partition and offset.
pub(super) fn by_entity<'u, 'a>(updates: &'u [RatingUpdate<'a>]) -> Vec<(Entity<'a>, Vec<&'u RatingUpdate<'a>>)> {
    let mut groups: Vec<(Entity<'a>, Vec<&'u RatingUpdate<'a>>)> = Vec::new();
    let mut place_of: HashMap<Entity<'a>, usize> = HashMap::new();
    for update in updates {
        let place = *place_of.entry(update.entity).or_insert_with(|| {
            groups.push((update.entity, Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(update);
    }
    for (_, updates) in &mut groups {
        updates.sort_by_key(|update| (&update.source.topic, update.source.partition, update.source.offset));
    }
    groups
}

/// Count and sum. The mean is derived: a mean of means would round at every step.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Aggregate {
    count: i64,
    sum: f64,
}

impl Aggregate {
    pub(super) fn add(&mut self, rating: Rating) {
        self.count += 1;
        self.sum += rating.stars();
    }

    pub(super) fn stats(self) -> RatingStats {
        RatingStats { rating_count: self.count, rating_mean: self.sum / self.count as f64 }
    }
}
