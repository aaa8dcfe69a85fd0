//! The servers behind an address, and one round trip to each of them for any number of keys: the keys of one server share
//! one pipeline, whether there is one server, the master that sentinels name, or a cluster.

use super::address::{Address, Place};
use super::arrangement::{self, Arrangement};
use super::connection::CONNECT_LIMIT;
use super::failure::Failure;
use super::keys::Keys;
use super::reply::{Reply, Request, Value};
use super::server::Server;
use super::slot;
use crate::online::{Error, RedisConfig};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Following a moved key once and an asked one once is usual; more than this many redirections of one batch mean that the
/// nodes do not agree.
const ROUNDS: usize = 8;

/// Commands that are sent together, while the next ones are made: some ten microseconds of work for either side.
const KEYS_PER_PIECE: usize = 128;

pub(super) struct Servers {
    servers: arrangement::Servers,
    url: Arc<str>,
}

/// Commands for keys, one each.
pub(super) struct Batch<'a> {
    pub(super) keys: &'a Keys,
    /// Adds the command of the key at this place.
    pub(super) add: &'a (dyn Fn(&mut Request, usize) + Sync),
    /// Commands that each server is given first; should it refuse one, that is its answer to all.
    pub(super) prelude: Option<&'a Request>,
    /// The time for all of it.
    pub(super) limit: Duration,
}

/// What a server says to one command, its errors included; or why there is no answer.
pub(super) type Answer = Result<Reply, Error>;

/// Keys that go to one server, by their places in the batch.
struct Share {
    server: Result<Server, Failure>,
    places: Vec<usize>,
    /// Whether the keys are on their way to this server, which wants to be asked for them.
    is_asking: bool,
}

impl Servers {
    /// Of an address. Nobody is asked yet.
    pub(super) fn open(config: &RedisConfig) -> Result<Self, Error> {
        let url: Arc<str> = config.masked_url().into();
        let invalid = |reason: String| Error::InvalidUrl { url: url.to_string(), reason };
        let address = Address::parse(&config.url).map_err(invalid)?;
        let servers = arrangement::Servers::open(address, config).map_err(invalid)?;
        Ok(Self { servers, url })
    }

    /// Makes sure that somebody answers.
    pub(super) async fn check(&self) -> Result<(), Error> {
        let silent = || Failure::Away(format!("no answer within {} s", CONNECT_LIMIT.as_secs()));
        let checked = tokio::time::timeout(CONNECT_LIMIT, self.servers.check()).await;
        checked.unwrap_or_else(|_| Err(silent())).map_err(|failure| match failure {
            Failure::Away(reason) => Error::Unreachable { url: self.url.to_string(), reason },
            Failure::Refused(reason) => Error::Unusable { url: self.url.to_string(), reason },
        })
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
            let (mut moved, mut asked) = (Vec::new(), Vec::new());
            let is_alone = shares.len() == 1;
            for (share, replies) in shares.into_iter().zip(sent) {
                match replies {
                    Ok(replies) => {
                        for (place, reply) in share.places.into_iter().zip(replies) {
                            match self.redirection(&reply) {
                                None => answers[place] = Some(Ok(reply)),
                                Some(Redirection::Moved) => moved.push(place),
                                Some(Redirection::Asked(to)) => asked.push((place, to)),
                            }
                        }
                    }
                    Err(error) => {
                        self.servers.doubt();
                        share.leave_alone_after(&error, is_alone);
                        share.places.into_iter().for_each(|place| answers[place] = Some(Err(error.clone())));
                    }
                }
            }
            if moved.is_empty() && asked.is_empty() {
                break;
            }
            if !moved.is_empty() {
                self.servers.refute();
            }
            shares = match self.within(deadline, batch, self.redirected(batch, moved, asked)).await {
                Ok(shares) => shares,
                Err(error) => return answers.into_iter().map(|answer| answer.unwrap_or(Err(error.clone()))).collect(),
            };
        }
        let undecided = || Err(self.error_of(Failure::Away("its nodes do not agree where keys are".to_owned())));
        answers.into_iter().map(|answer| answer.unwrap_or_else(undecided)).collect()
    }

    /// Which server each key goes to.
    async fn shares(&self, batch: &Batch<'_>, places: Vec<usize>) -> Result<Vec<Share>, Failure> {
        let one = |server, places| Ok(vec![Share { server: Ok(server), places, is_asking: false }]);
        match self.servers.arrangement().await? {
            Arrangement::One(server) => one(server.clone(), places),
            Arrangement::Sentinel(master) => one(master.get().await?, places),
            Arrangement::Cluster(cluster) => {
                let topology = cluster.topology().get().await?;
                let mut shares: Vec<(usize, Share)> = Vec::new();
                for place in places {
                    let node = topology.node_of(slot::of(batch.keys.get(place)));
                    match shares.iter_mut().find(|(known, _)| *known == node) {
                        Some((_, share)) => share.places.push(place),
                        None => {
                            let server = topology.server(node);
                            shares.push((node, Share { server, places: vec![place], is_asking: false }));
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
    ) -> Result<Vec<Share>, Failure> {
        let mut shares = if moved.is_empty() { Vec::new() } else { self.shares(batch, moved).await? };
        if let Some(Arrangement::Cluster(cluster)) = self.servers.known() {
            let mut by_place: Vec<(Place, Vec<usize>)> = Vec::new();
            for (place, to) in asked {
                match by_place.iter_mut().find(|(known, _)| *known == to) {
                    Some((_, places)) => places.push(place),
                    None => by_place.push((to, vec![place])),
                }
            }
            let asking = |(to, places)| Share { server: Ok(cluster.server_at(&to)), places, is_asking: true };
            shares.extend(by_place.into_iter().map(asking));
        }
        Ok(shares)
    }

    /// What a server says of where a key is, when it is not there. Without a cluster there is no elsewhere, but a master
    /// may have become a replica.
    fn redirection(&self, reply: &Reply) -> Option<Redirection> {
        let Value::Refused(reason) = reply.value() else { return None };
        let mut words = reason.split_ascii_whitespace();
        match (self.servers.known()?, words.next()?) {
            (Arrangement::One(_), _) => None,
            (_, "READONLY") => Some(Redirection::Moved),
            (Arrangement::Cluster(_), "MOVED") => Some(Redirection::Moved),
            (Arrangement::Cluster(_), "ASK") => words.nth(1).and_then(Place::parse).map(Redirection::Asked),
            _ => None,
        }
    }

    async fn within<T>(
        &self,
        deadline: Instant,
        batch: &Batch<'_>,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Error> {
        match tokio::time::timeout_at(deadline, work).await {
            Ok(outcome) => outcome.map_err(|failure| self.error_of(failure)),
            Err(_) => {
                let limit_ms = u64::try_from(batch.limit.as_millis()).unwrap_or(u64::MAX);
                Err(Error::TimedOut { url: self.url.to_string(), limit_ms })
            }
        }
    }

    /// A failure in the words of whoever has to do something.
    pub(super) fn error_of(&self, failure: Failure) -> Error {
        let url = self.url.to_string();
        match failure {
            Failure::Away(reason) => Error::Unavailable { url, reason },
            Failure::Refused(reason) => Error::Refused { url, reason },
        }
    }
}

enum Redirection {
    Moved,
    Asked(Place),
}

impl Share {
    /// One of several servers that is late would cost every batch its deadline, for the sake of its own keys.
    fn leave_alone_after(&self, error: &Error, is_alone: bool) {
        if let (Error::TimedOut { .. }, false, Ok(server)) = (error, is_alone, &self.server) {
            server.rest();
        }
    }

    /// One answer for each key.
    async fn send(&mut self, batch: &Batch<'_>) -> Result<Vec<Reply>, Failure> {
        let server = self.server.clone()?;
        if server.is_resting() {
            return Err(Failure::Away(format!(
                "{} did not answer in time, and is left alone for a moment",
                server.place()
            )));
        }
        let mut lease = server.lease().await?;
        let commands_per_key = if self.is_asking { 2 } else { 1 };
        let before = batch.prelude.map_or(0, Request::commands);
        let mut prelude = batch.prelude;
        let mut pieces = self.places.chunks(KEYS_PER_PIECE);
        let next = |request: &mut Request| {
            let (first, piece) = (prelude.take(), pieces.next());
            first.into_iter().for_each(|first| request.append(first));
            for place in piece.into_iter().flatten() {
                if self.is_asking {
                    request.append(&Request::of(&[b"ASKING"]));
                }
                (batch.add)(request, *place);
            }
            request.commands() > 0
        };
        let replies = lease.exchange(before + commands_per_key * self.places.len(), next).await?;
        lease.give_back();
        let refused = replies[..before].iter().find_map(|reply| match reply.value() {
            Value::Refused(reason) => Some(Failure::of_refusal(reason)),
            _ => None,
        });
        if let Some(refused) = refused {
            return Err(refused);
        }
        Ok(replies.into_iter().skip(before).skip(commands_per_key - 1).step_by(commands_per_key).collect())
    }
}
