//! The online store in Redis, in Feast's layout: one hash per entity. Reading is one pipeline of HMGET per server for a
//! whole batch; writing is one script per entity, view and source partition, which alone decides what was applied before, so that any batch
//! may be sent again.
//!
//! Beside Feast's fields a hash holds `_agg:<view>`, the state of the view's aggregates, and, per source partition,
//! `_src:<view>:<topic>:<partition>` with the last offset applied, and where history may still fill in what came before.
//!
//! The protocol is spoken here and not by a crate: a batch of a scorer is a thousand small answers, and what a general client
//! makes of each of them costs more than the server's work for it (`docs/decisions/0009`).

pub(super) mod address;
mod arrangement;
mod cluster;
mod connection;
mod discovery;
mod failure;
mod keys;
mod remembering;
mod reply;
mod row;
mod script;
mod sentinel;
mod server;
mod servers;
mod slot;

use super::feast::{self, KeyValue};
use super::rows::{Outcome, Row};
use super::update::{self, Applied, Group, Origin, Update};
use super::{Entity, Error, RedisConfig};
use crate::views::{EntityKind, View, Views};
use failure::Failure;
use keys::Keys;
use reply::{Reply, Request, Value};
use row::Undecodable;
use script::ViewScript;
use servers::{Answer, Batch, Servers};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Writing is not on the way of a score: patient enough for a server that saves to disk.
const APPLY_LIMIT: Duration = Duration::from_secs(10);
/// Scripts per pipeline: enough to forget the round trip, and about half a megabyte.
const SCRIPTS_PER_PIPELINE: usize = 2000;
/// Entities that the deadline of a read is for; a larger batch has as many times longer.
const ENTITIES_PER_DEADLINE: usize = 1000;

/// The online store in Redis; clones share their connections, which are made anew whenever they break.
#[derive(Clone)]
pub struct RedisStore {
    servers: Arc<Servers>,
    views: Views,
    /// By view.
    scripts: Arc<[ViewScripts]>,
    /// By kind of entity.
    fields: Arc<[Fields]>,
    deadline: Duration,
}

/// The fields of all views of a kind of entity, as a command ends with them.
struct Fields {
    count: usize,
    encoded: Vec<u8>,
}

/// The scripts of a view.
struct ViewScripts {
    live: ViewScript,
    history: ViewScript,
}

impl ViewScripts {
    fn of(&self, origin: Origin) -> &ViewScript {
        match origin {
            Origin::Live => &self.live,
            Origin::History => &self.history,
        }
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let project = self.views.project();
        f.debug_struct("RedisStore")
            .field("url", &self.servers.url())
            .field("project", &project)
            .finish_non_exhaustive()
    }
}

impl RedisStore {
    /// Of the servers that the configuration names. Nobody is asked yet.
    pub(super) fn open(config: &RedisConfig, views: &Views) -> Result<Self, Error> {
        Ok(Self {
            servers: Arc::new(Servers::open(config)?),
            scripts: views
                .iter()
                .map(|view| ViewScripts {
                    live: ViewScript::new(views, view, Origin::Live),
                    history: ViewScript::new(views, view, Origin::History),
                })
                .collect(),
            fields: EntityKind::ALL.map(|kind| Fields::of(views, kind)).into(),
            views: views.clone(),
            deadline: config.deadline(),
        })
    }

    /// Makes sure that somebody answers.
    pub(super) async fn check(&self) -> Result<(), Error> {
        self.servers.check().await
    }

    pub(super) fn views(&self) -> &Views {
        &self.views
    }

    /// Reads entities in one round trip per server. What cannot be decoded is missing, and counted.
    pub(super) async fn read_rows(
        &self,
        entities: &[Entity<'_>],
        mut each: impl FnMut(usize, &View, Row<'_>) + Send,
    ) -> Outcome {
        let keys = self.keys(entities.iter());
        let add = |request: &mut Request, place: usize| {
            let fields = &self.fields[entities[place].kind as usize];
            request.begin(2 + fields.count);
            request.word(b"HMGET");
            request.word(keys.get(place));
            request.encoded(&fields.encoded);
        };
        let deadlines = u32::try_from(entities.len().div_ceil(ENTITIES_PER_DEADLINE)).unwrap_or(u32::MAX).max(1);
        let limit = self.deadline.saturating_mul(deadlines);
        let answers = self.servers.run(&Batch { keys: &keys, add: &add, prelude: None, limit }).await;
        let (mut outcome, mut values) = (Outcome::default(), Vec::new());
        for (place, (entity, answer)) in entities.iter().zip(answers).enumerate() {
            let views = self.views.of(entity.kind);
            match value_of(&answer) {
                Ok(Value::Array(mut fields)) => {
                    for view in views {
                        match row::decode(view, &mut fields, &mut values) {
                            Ok(Some(event_time)) => each(place, view, Row::Found { values: &values, event_time }),
                            Ok(None) => each(place, view, Row::Missing),
                            Err(Undecodable) => {
                                outcome.undecodable += 1;
                                each(place, view, Row::Missing);
                            }
                        }
                    }
                }
                Ok(Value::Refused(reason)) if is_of_another_type(reason) => {
                    outcome.undecodable += 1;
                    views.for_each(|view| each(place, view, Row::Missing));
                }
                _ => {
                    outcome.error.get_or_insert_with(|| self.error_of(&answer));
                    views.for_each(|view| each(place, view, Row::Unavailable));
                }
            }
        }
        outcome
    }

    /// Applies updates, one script per entity, view and source partition.
    pub(super) async fn apply(&self, updates: &[Update<'_>], origin: Origin) -> Result<Applied, Error> {
        let groups = update::by_entity(updates);
        let calls: Vec<Call<'_, '_>> = groups.iter().flat_map(|group| self.calls(group)).collect();
        let mut outcome = Applied::default();
        for calls in calls.chunks(SCRIPTS_PER_PIPELINE) {
            let unknown = self.call(calls, origin, None, &mut outcome).await?;
            if !unknown.is_empty() {
                // A server that was restarted, or told to flush its scripts, has to be given them again.
                let mut scripts = Request::default();
                self.scripts.iter().for_each(|view| scripts.append(&view.of(origin).load()));
                let again: Vec<Call<'_, '_>> = unknown.into_iter().map(|place| calls[place]).collect();
                let unknown = self.call(&again, origin, Some(&scripts), &mut outcome).await?;
                if !unknown.is_empty() {
                    let reason = "it forgets scripts as soon as it is given them".to_owned();
                    return Err(Error::Unavailable { url: self.servers.url().to_owned(), reason });
                }
            }
        }
        Ok(outcome)
    }

    /// The scripts to call for a group: one for each view that is made of such events.
    fn calls<'g, 'a>(&'g self, group: &'g Group<'g, 'a>) -> impl Iterator<Item = Call<'g, 'a>> {
        let views = self.views.iter().enumerate();
        views
            .filter(|(_, view)| view.entity() == group.entity.kind && view.source() == group.from)
            .map(move |(view, _)| Call { view, group })
    }

    /// Calls scripts; answers the places of those that a server doesn't know.
    async fn call(
        &self,
        calls: &[Call<'_, '_>],
        origin: Origin,
        prelude: Option<&Request>,
        outcome: &mut Applied,
    ) -> Result<Vec<usize>, Error> {
        let keys = self.keys(calls.iter().map(|call| &call.group.entity));
        let names: Vec<&str> = self.views.iter().map(|view| view.name()).collect();
        let add = |request: &mut Request, place: usize| {
            let Call { view, group } = calls[place];
            request.begin(5 + 4 * group.updates.len());
            let hash = self.scripts[view].of(origin).hash();
            [b"EVALSHA", hash.as_bytes(), b"1", keys.get(place)].into_iter().for_each(|word| request.word(word));
            request.written(format_args!("_src:{}:{}:{}", names[view], group.topic, group.partition));
            for update in &group.updates {
                request.written(update.record.offset);
                // Rust prints the shortest decimal that reads back as the same double.
                request.written(update.event.value);
                request.written(update.event.event_time.epoch_millis());
                request.word(&feast::encode_timestamp(update.event.event_time));
            }
        };
        let answers = self.servers.run(&Batch { keys: &keys, add: &add, prelude, limit: APPLY_LIMIT }).await;
        let (mut unknown, mut failure) = (Vec::new(), None);
        for (place, answer) in answers.into_iter().enumerate() {
            let asked = calls[place].group.updates.len();
            match value_of(&answer) {
                Ok(Value::Int(applied)) => {
                    let applied = usize::try_from(applied).unwrap_or(0);
                    outcome.applied += applied;
                    outcome.replayed += asked.saturating_sub(applied);
                }
                Ok(Value::Refused(reason)) if reason.starts_with("NOSCRIPT") => unknown.push(place),
                Ok(Value::Refused(reason)) if is_of_another_type(reason) => outcome.unusable += asked,
                _ => {
                    failure.get_or_insert_with(|| self.error_of(&answer));
                }
            }
        }
        failure.map_or(Ok(unknown), Err)
    }

    fn keys<'e>(&self, entities: impl ExactSizeIterator<Item = &'e Entity<'e>>) -> Keys {
        let mut keys = Keys::with_capacity(entities.len());
        for entity in entities {
            let join_key = [(entity.kind.join_key(), KeyValue::String(entity.id))];
            keys.add(|key| feast::append_entity_key(key, &join_key, self.views.project()));
        }
        keys
    }

    fn error_of(&self, answer: &Answer) -> Error {
        let failure = match value_of(answer) {
            Err(error) => return error.clone(),
            Ok(Value::Refused(reason)) => Failure::of_refusal(reason).said(|reason| advised(&reason)),
            Ok(_) => Failure::no_redis(),
        };
        self.servers.error_of(failure)
    }
}

impl Fields {
    fn of(views: &Views, kind: EntityKind) -> Self {
        let (mut count, mut request) = (0, Request::default());
        for field in views.of(kind).flat_map(row::fields) {
            count += 1;
            request.word(&field);
        }
        Self { count, encoded: request.bytes().to_vec() }
    }
}

/// One call of a script.
#[derive(Clone, Copy)]
struct Call<'g, 'a> {
    /// The view's place.
    view: usize,
    group: &'g Group<'g, 'a>,
}

fn value_of(answer: &Answer) -> Result<Value<'_>, &Error> {
    answer.as_ref().map(Reply::value)
}

/// Whether a key holds something else than a hash. Servers before 7.0 wrap what a script's command answers in their words.
fn is_of_another_type(reason: &str) -> bool {
    reason.contains("WRONGTYPE")
}

/// The server's words without a full stop, so that they fit into a sentence, and what helps.
fn advised(reason: &str) -> String {
    let text = reason.trim().trim_end_matches('.');
    if text.starts_with("OOM") {
        return format!("{text}; raise its maxmemory, or give views a ttl_days so that old entities expire");
    }
    text.to_owned()
}
