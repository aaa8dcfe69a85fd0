//! What a batch of updates says, and how it is put in order. Every update is applied once, whether it comes live or as
//! history: per entity, view and source partition, the store knows which offsets it has applied.

use super::{Entity, ReviewEntities};
use crate::views::{Event, EventSource, value_of_label};
use schemas::{Label, Rating, Source, Timestamp};
use std::collections::HashMap;

/// Something that happened to an entity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Update<'a> {
    /// Whose aggregates it belongs to.
    pub entity: Entity<'a>,
    /// Which views it is for: those of this entity that are made from such events.
    pub from: EventSource,
    /// What happened, and when.
    pub event: Event,
    /// The record that holds it. Batches come in the order of offsets within a partition; an offset below one that was
    /// applied earlier counts as a replay.
    pub record: &'a Source,
}

impl<'a> Update<'a> {
    /// What a review's rating says of its product and its user.
    pub fn of_rating(
        entities: ReviewEntities<'a>,
        rating: Rating,
        event_time: Timestamp,
        record: &'a Source,
    ) -> impl Iterator<Item = Self> {
        let event = Event { value: rating.stars(), event_time };
        entities.entities().map(move |entity| Self { entity, from: EventSource::Reviews, event, record })
    }

    /// What a label says of the product and the user of the review that it is about.
    pub fn of_label(
        entities: ReviewEntities<'a>,
        label: Label,
        event_time: Timestamp,
        record: &'a Source,
    ) -> impl Iterator<Item = Self> {
        let event = Event { value: value_of_label(label), event_time };
        entities.entities().map(move |entity| Self { entity, from: EventSource::Feedback, event, record })
    }
}

/// Where updates come from. Either way the updates of a partition come in the order of offsets, and all of an entity's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// From the stream, from any offset on: what is behind the last one applied is new.
    Live,
    /// From files, which may begin before the first live one: what is between the two is new as well.
    History,
}

/// Which offsets of a partition have been applied: all up to the last one, but for a gap.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reached {
    last: i64,
    /// None of the offsets between these two has been applied. There from the first live update on.
    gap: Option<(i64, i64)>,
}

impl Reached {
    /// Nothing.
    pub(super) const NOTHING: Self = Self { last: -1, gap: None };

    /// Notes that an offset is applied; false when it was before.
    pub(super) fn advance(&mut self, offset: i64, origin: Origin) -> bool {
        if offset > self.last {
            if origin == Origin::Live {
                self.gap.get_or_insert((self.last, offset));
            }
            self.last = offset;
            return true;
        }
        match &mut self.gap {
            Some((begin, end)) if origin == Origin::History && *begin < offset && offset < *end => {
                *begin = offset;
                true
            }
            _ => false,
        }
    }
}

/// What came of a batch of updates. One that several views are made of counts for each of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Applied {
    /// Updates that changed an aggregate.
    pub applied: usize,
    /// Updates that had been applied before.
    pub replayed: usize,
    /// Updates of entities whose key holds something else than a hash: they are lost until somebody removes that key.
    pub unusable: usize,
}

/// The updates of one entity that come from one partition, by offset.
pub(super) struct Group<'u, 'a> {
    pub(super) entity: Entity<'a>,
    pub(super) from: EventSource,
    pub(super) topic: &'a str,
    pub(super) partition: i32,
    pub(super) updates: Vec<&'u Update<'a>>,
}

/// The updates of a batch by entity and partition, in the order in which these turn up.
pub(super) fn by_entity<'u, 'a>(updates: &'u [Update<'a>]) -> Vec<Group<'u, 'a>> {
    let mut groups: Vec<Group<'u, 'a>> = Vec::new();
    let mut place_of = HashMap::with_capacity(updates.len());
    for update in updates {
        let Update { entity, from, record, .. } = *update;
        let (topic, partition) = (record.topic.as_str(), record.partition);
        let place = *place_of.entry((entity, from, topic, partition)).or_insert_with(|| {
            groups.push(Group { entity, from, topic, partition, updates: Vec::with_capacity(1) });
            groups.len() - 1
        });
        groups[place].updates.push(update);
    }
    for group in &mut groups {
        group.updates.sort_by_key(|update| update.record.offset);
    }
    groups
}
