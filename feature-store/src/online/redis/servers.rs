//! The servers behind an address, and one round trip to each of them for any number of keys: the keys of one server share
//! one pipeline, whether there is one server, the master that sentinels name, or a cluster.

use super::address::{Address, Connector, Kind, Place};
use super::cluster::Cluster;
use super::sentinel::Sentinels;
use super::{reason, slot};
use crate::online::{Error, RedisConfig};
use ::redis::aio::ConnectionManager;
use ::redis::{Cmd, ErrorKind, Pipeline, RedisError, RedisResult, ServerErrorKind, Value};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Following a moved key once and an asked one once is usual; more than this many redirections of one batch mean that the
/// nodes do not agree.
const ROUNDS: usize = 8;

/// A batch of the scorer is one piece as a rule: more of them cost more changes between threads than they save. Beyond it,
/// the first answers come while the last commands are made.
const KEYS_PER_PIECE: usize = 1024;

pub(super) struct Servers {
    kind: ServersKind,
    url: Arc<str>,
}

enum ServersKind {
    One(ConnectionManager),
    Sentinel(Box<Sentinels>),
    Cluster(Box<Cluster>),
}

/// Commands for keys, one each.
pub(super) struct Batch<'a> {
    pub(super) keys: &'a [Vec<u8>],
    /// Adds the command of the key at this place.
    pub(super) add: &'a (dyn Fn(&mut Pipeline, usize) + Sync),
    /// Commands that each server is given first; their answers are passed over.
    pub(super) prelude: &'a [Cmd],
    /// The time for all of it.
    pub(super) limit: Duration,
}

/// What a server says to one command, its errors included; or why there is no answer.
pub(super) type Answer = Result<Value, Error>;

/// Keys that go to one server, by their places in the batch.
struct Share {
    connection: RedisResult<ConnectionManager>,
    places: Vec<usize>,
    /// Whether the keys are on their way to this server, which wants to be asked for them.
    is_asking: bool,
}

impl Servers {
    /// Connects, and makes sure that somebody answers.
    pub(super) async fn connect(config: &RedisConfig) -> Result<Self, Error> {
        let url: Arc<str> = config.masked_url().into();
        let invalid = |reason: String| Error::InvalidUrl { url: url.to_string(), reason };
        let Address { kind, places, info } = Address::parse(&config.url).map_err(invalid)?;
        let connector = Connector::new(info, config).map_err(invalid)?;
        let connecting = async {
            match kind {
                Kind::One => {
                    let mut connection = connector.connect(&places[0])?;
                    if is_cluster(&mut connection).await? {
                        Cluster::connect(connector, places).await.map(|cluster| ServersKind::Cluster(Box::new(cluster)))
                    } else {
                        Ok(ServersKind::One(connection))
                    }
                }
                Kind::Cluster => {
                    Cluster::connect(connector, places).await.map(|cluster| ServersKind::Cluster(Box::new(cluster)))
                }
                Kind::Sentinel { service } => {
                    let to_sentinels = connector.with_password(&config.sentinel_password);
                    Sentinels::connect(connector, to_sentinels, places, service)
                        .await
                        .map(|sentinels| ServersKind::Sentinel(Box::new(sentinels)))
                }
            }
        };
        let unreachable = |reason: String| Error::Unreachable { url: url.to_string(), reason };
        let limit = super::address::CONNECT_LIMIT;
        match tokio::time::timeout(limit, connecting).await {
            Ok(kind) => Ok(Self { kind: kind.map_err(|error| unreachable(reason(&error)))?, url }),
            Err(_) => Err(unreachable(format!("no answer within {} s", limit.as_secs()))),
        }
    }

    /// The address without its password.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Sends a batch, and brings one answer for each key: those of a server that fails or is late are errors, and the
    /// others are not.
    pub(super) async fn run(&self, batch: &Batch<'_>) -> Vec<Answer> {
        let deadline = Instant::now() + batch.limit;
        let mut answers: Vec<Option<Answer>> = vec![None; batch.keys.len()];
        let mut shares = match self.within(deadline, batch, self.shares(batch, (0..batch.keys.len()).collect())).await {
            Ok(shares) => shares,
            Err(error) => return vec![Err(error); batch.keys.len()],
        };
        for _ in 0..ROUNDS {
            let sent = shares.iter_mut().map(|share| self.within(deadline, batch, share.send(batch)));
            let sent = futures::future::join_all(sent).await;
            let (mut moved, mut asked, mut is_stale) = (Vec::new(), Vec::new(), false);
            for (share, values) in shares.into_iter().zip(sent) {
                match values {
                    Ok(values) => {
                        for (place, value) in share.places.into_iter().zip(values) {
                            match self.redirection(&value) {
                                None => answers[place] = Some(Ok(value)),
                                Some(Redirection::Moved) => moved.push(place),
                                Some(Redirection::Asked(to)) => asked.push((place, to)),
                            }
                        }
                    }
                    Err(error) => {
                        is_stale |= matches!(error, Error::Unavailable { .. });
                        share.places.into_iter().for_each(|place| answers[place] = Some(Err(error.clone())));
                    }
                }
            }
            if is_stale || !moved.is_empty() {
                self.forget_where();
            }
            if moved.is_empty() && asked.is_empty() {
                break;
            }
            shares = match self.within(deadline, batch, self.redirected(batch, moved, asked)).await {
                Ok(shares) => shares,
                Err(error) => return answers.into_iter().map(|answer| answer.unwrap_or(Err(error.clone()))).collect(),
            };
        }
        let undecided = || Err(self.unavailable("its nodes do not agree where keys are".to_owned()));
        answers.into_iter().map(|answer| answer.unwrap_or_else(undecided)).collect()
    }

    /// Which server each key goes to.
    async fn shares(&self, batch: &Batch<'_>, places: Vec<usize>) -> RedisResult<Vec<Share>> {
        let one = |connection, places| Ok(vec![Share { connection: Ok(connection), places, is_asking: false }]);
        match &self.kind {
            ServersKind::One(connection) => one(connection.clone(), places),
            ServersKind::Sentinel(sentinels) => one(sentinels.master().await?, places),
            ServersKind::Cluster(cluster) => {
                let topology = cluster.topology().await?;
                let mut shares: Vec<(usize, Share)> = Vec::new();
                for place in places {
                    let node = topology.node_of(slot::of(&batch.keys[place]));
                    match shares.iter_mut().find(|(known, _)| *known == node) {
                        Some((_, share)) => share.places.push(place),
                        None => {
                            let connection = topology.connection(node);
                            shares.push((node, Share { connection, places: vec![place], is_asking: false }));
                        }
                    }
                }
                Ok(shares.into_iter().map(|(_, share)| share).collect())
            }
        }
    }

    /// Where the keys are that were elsewhere, or are on their way.
    async fn redirected(
        &self,
        batch: &Batch<'_>,
        moved: Vec<usize>,
        asked: Vec<(usize, Place)>,
    ) -> RedisResult<Vec<Share>> {
        let mut shares = if moved.is_empty() { Vec::new() } else { self.shares(batch, moved).await? };
        if let ServersKind::Cluster(cluster) = &self.kind {
            let mut by_place: Vec<(Place, Vec<usize>)> = Vec::new();
            for (place, to) in asked {
                match by_place.iter_mut().find(|(known, _)| *known == to) {
                    Some((_, places)) => places.push(place),
                    None => by_place.push((to, vec![place])),
                }
            }
            let asking = |(to, places)| Share { connection: cluster.connection_to(&to), places, is_asking: true };
            shares.extend(by_place.into_iter().map(asking));
        }
        Ok(shares)
    }

    /// What a server says of where a key is, when it is not there. Without a cluster there is no elsewhere, but a master
    /// may have become a replica.
    fn redirection(&self, value: &Value) -> Option<Redirection> {
        let Value::ServerError(error) = value else { return None };
        match (&self.kind, error.kind()?) {
            (ServersKind::One(_), _) => None,
            (_, ServerErrorKind::ReadOnly) => Some(Redirection::Moved),
            (ServersKind::Cluster(_), ServerErrorKind::Moved) => Some(Redirection::Moved),
            (ServersKind::Cluster(_), ServerErrorKind::Ask) => {
                let to = error.details()?.split_ascii_whitespace().nth(1).and_then(Place::parse)?;
                Some(Redirection::Asked(to))
            }
            _ => None,
        }
    }

    /// What was known of who is where is no longer true: it is asked anew at the next use.
    fn forget_where(&self) {
        match &self.kind {
            ServersKind::One(_) => {}
            ServersKind::Sentinel(sentinels) => sentinels.forget(),
            ServersKind::Cluster(cluster) => cluster.forget(),
        }
    }

    async fn within<T>(
        &self,
        deadline: Instant,
        batch: &Batch<'_>,
        work: impl Future<Output = RedisResult<T>>,
    ) -> Result<T, Error> {
        match tokio::time::timeout_at(deadline, work).await {
            Ok(outcome) => outcome.map_err(|error| self.unavailable(reason(&error))),
            Err(_) => {
                let limit_ms = u64::try_from(batch.limit.as_millis()).unwrap_or(u64::MAX);
                Err(Error::TimedOut { url: self.url.to_string(), limit_ms })
            }
        }
    }

    fn unavailable(&self, reason: String) -> Error {
        Error::Unavailable { url: self.url.to_string(), reason }
    }
}

enum Redirection {
    Moved,
    Asked(Place),
}

impl Share {
    /// One answer for each key. Pieces of the pipeline follow each other without waiting for answers, so that one is made
    /// while the server works on those before it.
    async fn send(&mut self, batch: &Batch<'_>) -> RedisResult<Vec<Value>> {
        let connection = self.connection.clone()?;
        let pieces = self.places.chunks(KEYS_PER_PIECE).enumerate().map(|(piece, places)| {
            let prelude = if piece == 0 { batch.prelude } else { &[] };
            self.send_piece(connection.clone(), batch, prelude, places)
        });
        let answers = futures::future::join_all(pieces).await.into_iter().collect::<RedisResult<Vec<_>>>()?;
        Ok(answers.into_iter().flatten().collect())
    }

    async fn send_piece(
        &self,
        mut connection: ConnectionManager,
        batch: &Batch<'_>,
        prelude: &[Cmd],
        places: &[usize],
    ) -> RedisResult<Vec<Value>> {
        let commands = places.len() * if self.is_asking { 2 } else { 1 };
        let mut pipeline = Pipeline::with_capacity(prelude.len() + commands);
        for command in prelude {
            pipeline.add_command(command.clone());
        }
        for place in places {
            if self.is_asking {
                pipeline.cmd("ASKING");
            }
            (batch.add)(&mut pipeline, *place);
        }
        let answers = connection.send_packed_commands(&pipeline, prelude.len(), commands).await?;
        Ok(if self.is_asking { answers.into_iter().skip(1).step_by(2).collect() } else { answers })
    }
}

/// Whether a server is a node of a cluster. One that does not say is taken for a server on its own: what it holds elsewhere
/// would come back as an error that says so.
async fn is_cluster(connection: &mut ConnectionManager) -> RedisResult<bool> {
    ::redis::cmd("PING").exec_async(connection).await?;
    let info: RedisResult<String> = ::redis::cmd("INFO").arg("cluster").query_async(connection).await;
    match info {
        Ok(info) => Ok(info.contains("cluster_enabled:1")),
        Err(error) if matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The first that succeeds, or the last error.
pub(super) async fn first_of<'p, T, F: Future<Output = RedisResult<T>>>(
    places: impl IntoIterator<Item = &'p Place>,
    ask: impl Fn(&'p Place) -> F,
) -> RedisResult<T> {
    let mut failure = RedisError::from((ErrorKind::InvalidClientConfig, "there is nobody to ask"));
    for place in places {
        match ask(place).await {
            Ok(found) => return Ok(found),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}
