//! A master that sentinels know. It is asked for at the first use and after every failure, so that a failover is followed as
//! soon as the sentinels have decided it.

use super::address::Place;
use super::connection::Connector;
use super::discovery::Discovery;
use super::failure::Failure;
use super::reply::Value;
use super::server::{Server, first_of};
use futures::FutureExt;
use std::sync::Arc;
use std::time::Duration;

/// A sentinel that is frozen must not keep the next one from being asked.
const SENTINEL_LIMIT: Duration = Duration::from_millis(500);

/// As long may the server that they name take to say that it is the master: through TLS, across a continent.
const MASTER_LIMIT: Duration = Duration::from_secs(2);

/// Those who know the master.
pub(super) struct Sentinels {
    to_master: Connector,
    to_sentinels: Connector,
    sentinels: Vec<Place>,
    service: String,
}

/// The master of a service. Nobody is asked yet.
pub(super) fn master(
    to_master: Connector,
    to_sentinels: Connector,
    sentinels: Vec<Place>,
    service: String,
) -> Discovery<Server> {
    let sentinels = Arc::new(Sentinels { to_master, to_sentinels, sentinels, service });
    Discovery::new(move |before| {
        let sentinels = sentinels.clone();
        async move { sentinels.master(before).await }.boxed()
    })
}

impl Sentinels {
    async fn master(&self, before: Option<Server>) -> Result<Server, Failure> {
        let place = first_of(self.sentinels.iter().map(|sentinel| self.ask(sentinel)).collect()).await?;
        // It keeps its connections.
        let same = before.filter(|server| *server.place() == place);
        let server = same.unwrap_or_else(|| Server::new(&self.to_master, &place));
        // Sentinels learn late that a master has become a replica.
        let silent = |_| Failure::Away(format!("the sentinels' master {place} does not answer"));
        let answer = tokio::time::timeout(MASTER_LIMIT, server.call(&[b"ROLE"])).await.map_err(silent)??;
        let role = match answer.value() {
            Value::Array(mut role) => role.next().and_then(Value::text).unwrap_or_default(),
            Value::Refused(reason) => return Err(Failure::of_refusal(reason)),
            _ => "",
        };
        if role != "master" {
            return Err(Failure::Away(format!("the sentinels' master {place} is none, but \"{role}\"")));
        }
        Ok(server)
    }

    async fn ask(&self, sentinel: &Place) -> Result<Place, Failure> {
        let server = Server::new(&self.to_sentinels, sentinel);
        let words: [&[u8]; 3] = [b"SENTINEL", b"get-master-addr-by-name", self.service.as_bytes()];
        let asking = server.call(&words);
        let silent = |_| Failure::Away(format!("the sentinel {sentinel} does not answer"));
        let answer = tokio::time::timeout(SENTINEL_LIMIT, asking).await.map_err(silent)??;
        let place = match answer.value() {
            Value::Array(place) => place.map(Value::text).collect::<Option<Vec<_>>>(),
            Value::Refused(reason) => return Err(Failure::of_refusal(reason)),
            _ => {
                return Err(Failure::Refused(format!("the sentinel knows no such service: \"{}\"", self.service)));
            }
        };
        let place = place.and_then(|place| match place[..] {
            [host, port] => Some(Place { host: host.to_owned(), port: port.parse().ok()? }),
            _ => None,
        });
        place.ok_or_else(|| Failure::Away(format!("the sentinel {sentinel} names no place for \"{}\"", self.service)))
    }
}
