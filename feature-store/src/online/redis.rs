//! The online store in Redis, in Feast's layout: one hash per entity. Reading is one pipeline of HMGET for a whole batch;
//! writing is one script per entity, which alone decides what was applied before, so that any batch may be sent again.
//!
//! Beside Feast's fields a hash holds `_sum:<view>` (so that a mean of millions does not drift) and, per source partition,
//! `_src:<view>:<topic>:<partition>` with the last offset applied. Hashes don't expire: with one its offsets would go.

use super::aggregate::{self, Applied, RatingUpdate};
use super::feast::{self, KeyValue, Value};
use super::store::{Reading, Readings};
use super::{Entity, Error, FeaturesConfig, RatingStats, RedisConfig, View};
use ::redis::aio::{ConnectionManager, ConnectionManagerConfig};
use ::redis::{ErrorKind, IntoConnectionInfo, Pipeline, RedisError, RedisResult, Script, ServerErrorKind};
use schemas::Timestamp;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A server that runs answers a ping within this time, even across a continent.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Writing is not on the way of a score: patient enough for a server that saves to disk.
const APPLY_LIMIT: Duration = Duration::from_secs(10);
/// A peer that acknowledges nothing for so long is gone, and the connection is made anew.
#[cfg(target_os = "linux")]
const PEER_IS_GONE: Duration = Duration::from_secs(5);
/// Entities per pipeline of scripts: enough to forget the round trip, and about half a megabyte.
const ENTITIES_PER_PIPELINE: usize = 2000;

/// The online store in Redis; clones share one connection, which is made anew whenever it breaks.
#[derive(Clone)]
pub struct RedisStore {
    connection: ConnectionManager,
    script: Arc<Script>,
    project: Arc<str>,
    /// The address without its password.
    url: Arc<str>,
    deadline: Duration,
    ttl_millis: Option<i64>,
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("url", &self.url).field("project", &self.project).finish_non_exhaustive()
    }
}

impl RedisStore {
    /// Connects, and makes sure that the server answers.
    pub async fn connect(config: &RedisConfig, features: &FeaturesConfig) -> Result<Self, Error> {
        let url = config.masked_url();
        let invalid = |error: RedisError| Error::InvalidUrl { url: url.clone(), reason: reason(&error) };
        let unreachable = |reason: String| Error::Unreachable { url: url.clone(), reason };

        let address = config.url.as_str().into_connection_info().map_err(invalid)?;
        #[cfg(target_os = "linux")]
        let address = address.set_tcp_settings(
            ::redis::io::tcp::TcpSettings::default().set_nodelay(true).set_user_timeout(PEER_IS_GONE),
        );
        let client = ::redis::Client::open(address).map_err(invalid)?;
        // The time limits are set by call, below. Each command on a broken connection starts one attempt to connect anew,
        // in the background, so that reads fail at once while there is no server and succeed as soon as there is one.
        let manager = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_response_timeout(None)
            .set_connection_timeout(Some(CONNECT_LIMIT));
        let connecting = async {
            let mut connection = ConnectionManager::new_with_config(client, manager).await?;
            ::redis::cmd("PING").exec_async(&mut connection).await?;
            RedisResult::Ok(connection)
        };
        let connection = match tokio::time::timeout(CONNECT_LIMIT, connecting).await {
            Ok(connection) => connection.map_err(|error| unreachable(reason(&error)))?,
            Err(_) => return Err(unreachable(format!("no answer within {} s", CONNECT_LIMIT.as_secs()))),
        };
        Ok(Self {
            connection,
            script: Arc::new(Script::new(include_str!("rating_update.lua"))),
            project: features.project.as_str().into(),
            url: url.as_str().into(),
            deadline: config.deadline(),
            ttl_millis: features.ttl_millis(),
        })
    }

    /// Reads entities in one round trip. What cannot be decoded is missing, and counted.
    pub async fn read(&self, entities: &[Entity<'_>], now: Timestamp) -> Result<Readings, Error> {
        let mut readings = Readings { entities: Vec::with_capacity(entities.len()), undecodable: 0 };
        if entities.is_empty() {
            return Ok(readings);
        }
        let fields = View::ALL.map(Fields::of);
        let mut pipeline = ::redis::pipe();
        for entity in entities {
            let fields = &fields[entity.view as usize];
            pipeline.cmd("HMGET").arg(self.key(entity)).arg(&fields.count).arg(&fields.mean).arg(&fields.event_time);
        }
        type Answer = RedisResult<Vec<::redis::Value>>;
        let answers: Vec<Answer> = self.query(&mut pipeline, self.deadline).await?;
        for answer in answers {
            let row = match answer {
                Ok(values) => decode_row(&values),
                Err(error) if is_of_another_type(&error) => Err(Undecodable),
                Err(error) => return Err(self.unavailable(&error)),
            };
            readings.undecodable += usize::from(row.is_err());
            readings.entities.push(match row {
                Ok(Some((stats, event_time))) => Reading::of(stats, event_time, now, self.ttl_millis),
                Ok(None) | Err(Undecodable) => Reading::Missing,
            });
        }
        Ok(readings)
    }

    /// Applies updates, one script per entity.
    pub async fn apply(&self, updates: &[RatingUpdate<'_>]) -> Result<Applied, Error> {
        let fields = View::ALL.map(Fields::of);
        let mut outcome = Applied::default();
        for groups in aggregate::by_entity(updates).chunks(ENTITIES_PER_PIPELINE) {
            let mut pending: Vec<&(Entity<'_>, Vec<&RatingUpdate<'_>>)> = groups.iter().collect();
            let mut is_script_loaded = false;
            while !pending.is_empty() {
                let mut pipeline = ::redis::pipe();
                for (entity, updates) in &pending {
                    self.add_script(&mut pipeline, entity, &fields[entity.view as usize], updates);
                }
                let answers: Vec<RedisResult<usize>> = self.query(&mut pipeline, APPLY_LIMIT).await?;
                let mut unknown_script = Vec::new();
                for (group, answer) in pending.into_iter().zip(answers) {
                    let asked = group.1.len();
                    match answer {
                        Ok(applied) => {
                            outcome.applied += applied;
                            outcome.replayed += asked.saturating_sub(applied);
                        }
                        Err(error) if is_unknown_script(&error) && !is_script_loaded => unknown_script.push(group),
                        Err(error) if is_of_another_type(&error) => outcome.unusable += asked,
                        Err(error) => return Err(self.unavailable(&error)),
                    }
                }
                pending = unknown_script;
                if !pending.is_empty() {
                    self.load_script().await?;
                    is_script_loaded = true;
                }
            }
        }
        Ok(outcome)
    }

    fn key(&self, entity: &Entity<'_>) -> Vec<u8> {
        feast::entity_key(&[(entity.view.join_key(), KeyValue::String(entity.id))], &self.project)
    }

    fn add_script(&self, pipeline: &mut Pipeline, entity: &Entity<'_>, fields: &Fields, updates: &[&RatingUpdate<'_>]) {
        let script = pipeline.cmd("EVALSHA").arg(self.script.get_hash()).arg(1).arg(self.key(entity));
        script.arg(&fields.count).arg(&fields.mean).arg(&fields.event_time).arg(&fields.sum);
        let view = entity.view.name();
        for update in updates {
            let source = update.source;
            script
                .arg(format!("_src:{view}:{}:{}", source.topic, source.partition))
                .arg(source.offset)
                // Rust prints the shortest decimal that reads back as the same double.
                .arg(update.rating.stars().to_string())
                .arg(update.event_time.epoch_millis())
                .arg(feast::encode_timestamp(update.event_time));
        }
    }

    /// A server that was restarted, or told to flush its scripts, has to be given the script again.
    async fn load_script(&self) -> Result<(), Error> {
        let mut connection = self.connection.clone();
        match tokio::time::timeout(APPLY_LIMIT, self.script.load_async(&mut connection)).await {
            Ok(loaded) => loaded.map(|_| ()).map_err(|error| self.unavailable(&error)),
            Err(_) => Err(self.timed_out(APPLY_LIMIT)),
        }
    }

    /// Sends a pipeline and waits for its answers, an error of one command being the answer to that command.
    async fn query<T: ::redis::FromRedisValue>(&self, pipeline: &mut Pipeline, limit: Duration) -> Result<T, Error> {
        let mut connection = self.connection.clone();
        match tokio::time::timeout(limit, pipeline.ignore_errors().query_async(&mut connection)).await {
            Ok(answers) => answers.map_err(|error| self.unavailable(&error)),
            Err(_) => Err(self.timed_out(limit)),
        }
    }

    fn unavailable(&self, error: &RedisError) -> Error {
        Error::Unavailable { url: self.url.to_string(), reason: reason(error) }
    }

    fn timed_out(&self, limit: Duration) -> Error {
        let limit_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        Error::TimedOut { url: self.url.to_string(), limit_ms }
    }
}

/// The names of a view's fields in a hash.
struct Fields {
    count: [u8; 4],
    mean: [u8; 4],
    event_time: String,
    sum: String,
}

impl Fields {
    fn of(view: View) -> Self {
        let view = view.name();
        let [count, mean] = RatingStats::NAMES.map(|feature| feast::feature_field(view, feature));
        Self { count, mean, event_time: feast::event_time_field(view), sum: format!("_sum:{view}") }
    }
}

/// Something stands there, and it is no row.
struct Undecodable;

/// Reads a row from the values of its fields; none when there is none, or when it holds Feast's nulls.
fn decode_row(values: &[::redis::Value]) -> Result<Option<(RatingStats, Timestamp)>, Undecodable> {
    use ::redis::Value::{BulkString, Nil};
    match values {
        [Nil, Nil, Nil] => Ok(None),
        [BulkString(count), BulkString(mean), BulkString(event_time)] => {
            let (count, mean) = (Value::decode(count), Value::decode(mean));
            if let (Some(Value::Null), _) | (_, Some(Value::Null)) = (&count, &mean) {
                return Ok(None);
            }
            let (Some(Value::Int64(rating_count)), Some(Value::Double(rating_mean))) = (count, mean) else {
                return Err(Undecodable);
            };
            if rating_count < 1 || !rating_mean.is_finite() {
                return Err(Undecodable);
            }
            let event_time = feast::decode_timestamp(event_time).ok_or(Undecodable)?;
            Ok(Some((RatingStats { rating_count, rating_mean }, event_time)))
        }
        _ => Err(Undecodable),
    }
}

/// Whether a key holds something else than a hash. Servers before 7.0 wrap what a script's command answers in their words.
fn is_of_another_type(error: &RedisError) -> bool {
    error.code() == Some("WRONGTYPE") || error.detail().is_some_and(|detail| detail.contains("WRONGTYPE"))
}

fn is_unknown_script(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}

/// The client's words in one line and without a full stop, so that they fit into a sentence.
fn reason(error: &RedisError) -> String {
    let text = error.to_string();
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ").trim_end_matches('.').to_owned()
}
