//! The online store in Redis, in Feast's layout: one hash per entity. Reading is one pipeline of HMGET per server for a
//! whole batch; writing is one script per entity, view and source partition, which alone decides what was applied before, so that any batch
//! may be sent again.
//!
//! Beside Feast's fields a hash holds `_agg:<view>`, the state of the view's aggregates, and, per source partition,
//! `_src:<view>:<topic>:<partition>` with the last offset applied.

pub(super) mod address;
mod cluster;
mod remembering;
mod row;
mod script;
mod sentinel;
mod servers;
mod slot;

use super::feast::{self, KeyValue};
use super::store::{Reading, Readings, ViewReading};
use super::update::{self, Applied, Group, Update};
use super::{Entity, Error, RedisConfig};
use crate::views::{EntityKind, Views};
use ::redis::{Cmd, Pipeline, RedisError, ServerError, ServerErrorKind, Value};
use row::Undecodable;
use schemas::Timestamp;
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
    scripts: Arc<[ViewScript]>,
    /// The fields of all views of a kind of entity, by kind.
    fields: Arc<[Vec<Vec<u8>>]>,
    deadline: Duration,
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
    /// Connects, and makes sure that the server answers.
    pub async fn connect(config: &RedisConfig, views: &Views) -> Result<Self, Error> {
        let servers = Servers::connect(config).await?;
        Ok(Self {
            servers: Arc::new(servers),
            scripts: views.iter().map(|view| ViewScript::new(views, view)).collect(),
            fields: EntityKind::ALL.map(|kind| views.of(kind).flat_map(row::fields).collect()).into(),
            views: views.clone(),
            deadline: config.deadline(),
        })
    }

    pub(super) fn views(&self) -> &Views {
        &self.views
    }

    /// Reads entities in one round trip per server. What cannot be decoded is missing, and counted.
    pub async fn read(&self, entities: &[Entity<'_>], now: Timestamp) -> Readings {
        let keys: Vec<Vec<u8>> = entities.iter().map(|entity| self.key(entity)).collect();
        let add = |pipeline: &mut Pipeline, place: usize| {
            let fields = &self.fields[entities[place].kind as usize];
            let mut command = Cmd::with_capacity(fields.len() + 2, 160);
            command.arg("HMGET").arg(&keys[place]).arg(fields);
            pipeline.add_command(command);
        };
        let deadlines = u32::try_from(entities.len().div_ceil(ENTITIES_PER_DEADLINE)).unwrap_or(u32::MAX).max(1);
        let limit = self.deadline.saturating_mul(deadlines);
        let answers = self.servers.run(&Batch { keys: &keys, add: &add, prelude: &[], limit }).await;
        let mut readings = Readings { entities: Vec::with_capacity(entities.len()), undecodable: 0, error: None };
        for (entity, answer) in entities.iter().zip(answers) {
            let reading = self.reading(entity.kind, answer, now, &mut readings);
            readings.entities.push(reading);
        }
        readings
    }

    fn reading(&self, kind: EntityKind, answer: Answer, now: Timestamp, readings: &mut Readings) -> Reading {
        let of_all = |reading: ViewReading| Reading { views: self.views.of(kind).map(|_| reading.clone()).collect() };
        match answer {
            Ok(Value::Array(fields)) => {
                let mut fields = fields.as_slice();
                let mut views = Vec::with_capacity(1);
                for view in self.views.of(kind) {
                    let (row, others) = fields.split_at(fields.len().min(view.features().len() + 1));
                    fields = others;
                    views.push(match row::decode(row) {
                        Ok(Some((values, event_time))) => ViewReading::of(view, values, event_time, now),
                        Ok(None) => ViewReading::Missing,
                        Err(Undecodable) => {
                            readings.undecodable += 1;
                            ViewReading::Missing
                        }
                    });
                }
                Reading { views }
            }
            Ok(Value::ServerError(error)) if is_of_another_type(&error) => {
                readings.undecodable += 1;
                of_all(ViewReading::Missing)
            }
            other => {
                readings.error.get_or_insert_with(|| self.error_of(other));
                of_all(ViewReading::Unavailable)
            }
        }
    }

    /// Applies updates, one script per entity, view and source partition.
    pub async fn apply(&self, updates: &[Update<'_>]) -> Result<Applied, Error> {
        let groups = update::by_entity(updates);
        let calls: Vec<Call<'_, '_>> = groups.iter().flat_map(|group| self.calls(group)).collect();
        let mut outcome = Applied::default();
        for calls in calls.chunks(SCRIPTS_PER_PIPELINE) {
            let unknown = self.call(calls, &[], &mut outcome).await?;
            if !unknown.is_empty() {
                // A server that was restarted, or told to flush its scripts, has to be given them again.
                let scripts: Vec<Cmd> = self.scripts.iter().map(ViewScript::load).collect();
                let again: Vec<Call<'_, '_>> = unknown.into_iter().map(|place| calls[place]).collect();
                let unknown = self.call(&again, &scripts, &mut outcome).await?;
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
    async fn call(&self, calls: &[Call<'_, '_>], prelude: &[Cmd], outcome: &mut Applied) -> Result<Vec<usize>, Error> {
        let keys: Vec<Vec<u8>> = calls.iter().map(|call| self.key(&call.group.entity)).collect();
        let names: Vec<&str> = self.views.iter().map(|view| view.name()).collect();
        let add = |pipeline: &mut Pipeline, place: usize| {
            let Call { view, group } = calls[place];
            let mut script = Cmd::with_capacity(5 + 4 * group.updates.len(), 192 + 48 * group.updates.len());
            script.arg("EVALSHA").arg(self.scripts[view].hash()).arg(1).arg(&keys[place]);
            script.arg(format!("_src:{}:{}:{}", names[view], group.topic, group.partition));
            for update in &group.updates {
                script
                    .arg(update.record.offset)
                    // Rust prints the shortest decimal that reads back as the same double.
                    .arg(update.event.value.to_string())
                    .arg(update.event.event_time.epoch_millis())
                    .arg(feast::encode_timestamp(update.event.event_time));
            }
            pipeline.add_command(script);
        };
        let answers = self.servers.run(&Batch { keys: &keys, add: &add, prelude, limit: APPLY_LIMIT }).await;
        let (mut unknown, mut failure) = (Vec::new(), None);
        for (place, answer) in answers.into_iter().enumerate() {
            let asked = calls[place].group.updates.len();
            match answer {
                Ok(Value::Int(applied)) => {
                    let applied = usize::try_from(applied).unwrap_or(0);
                    outcome.applied += applied;
                    outcome.replayed += asked.saturating_sub(applied);
                }
                Ok(Value::ServerError(error)) if is_unknown_script(&error) => unknown.push(place),
                Ok(Value::ServerError(error)) if is_of_another_type(&error) => outcome.unusable += asked,
                other => {
                    failure.get_or_insert_with(|| self.error_of(other));
                }
            }
        }
        failure.map_or(Ok(unknown), Err)
    }

    fn key(&self, entity: &Entity<'_>) -> Vec<u8> {
        feast::entity_key(&[(entity.kind.join_key(), KeyValue::String(entity.id))], self.views.project())
    }

    fn error_of(&self, answer: Answer) -> Error {
        let reason = match answer {
            Err(error) => return error,
            Ok(Value::ServerError(error)) => reason(&RedisError::from(error)),
            Ok(_) => "it answers what no Redis would".to_owned(),
        };
        Error::Unavailable { url: self.servers.url().to_owned(), reason }
    }
}

/// One call of a script.
#[derive(Clone, Copy)]
struct Call<'g, 'a> {
    /// The view's place.
    view: usize,
    group: &'g Group<'g, 'a>,
}

/// Whether a key holds something else than a hash. Servers before 7.0 wrap what a script's command answers in their words.
fn is_of_another_type(error: &ServerError) -> bool {
    error.code() == "WRONGTYPE" || error.details().is_some_and(|detail| detail.contains("WRONGTYPE"))
}

fn is_unknown_script(error: &ServerError) -> bool {
    error.kind() == Some(ServerErrorKind::NoScript)
}

/// The client's words in one line and without a full stop, so that they fit into a sentence.
fn reason(error: &RedisError) -> String {
    let text = error.to_string();
    let text = text.lines().map(str::trim).collect::<Vec<_>>().join(" ").trim_end_matches('.').to_owned();
    if error.code() == Some("OOM") {
        return format!("{text}; raise its maxmemory, or give views a ttl_days so that old entities expire");
    }
    text
}
