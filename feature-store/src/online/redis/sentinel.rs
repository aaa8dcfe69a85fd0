//! A master that sentinels know. It is asked for at the first use and after every failure, so that a failover is followed as
//! soon as the sentinels have decided it.

use super::address::Place;
use super::connection::Connector;
use super::failure::Failure;
use super::reply::Value;
use super::server::{Server, first_of};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A sentinel that is frozen must not keep the next one from being asked.
const SENTINEL_LIMIT: Duration = Duration::from_millis(500);

pub(super) struct Sentinels {
    to_master: Connector,
    to_sentinels: Connector,
    sentinels: Vec<Place>,
    service: String,
    master: Mutex<Option<Server>>,
}

impl Sentinels {
    /// Of a service that they know. Nobody is asked yet.
    pub(super) fn new(to_master: Connector, to_sentinels: Connector, sentinels: Vec<Place>, service: String) -> Self {
        Self { to_master, to_sentinels, sentinels, service, master: Mutex::new(None) }
    }

    /// The master.
    pub(super) async fn master(&self) -> Result<Server, Failure> {
        if let Some(master) = self.known().clone() {
            return Ok(master);
        }
        let place = first_of(&self.sentinels, |sentinel| self.ask(sentinel)).await?;
        let server = Server::new(&self.to_master, &place);
        // Sentinels learn late that a master has become a replica.
        let answer = server.call(&[b"ROLE"]).await?;
        let role = match answer.value() {
            Value::Array(mut role) => role.next().and_then(Value::text).unwrap_or_default(),
            Value::Refused(reason) => return Err(Failure::of_refusal(reason)),
            _ => "",
        };
        if role != "master" {
            return Err(Failure::Away(format!("the sentinels' master {place} is none, but \"{role}\"")));
        }
        *self.known() = Some(server.clone());
        Ok(server)
    }

    /// The next use asks the sentinels again.
    pub(super) fn forget(&self) {
        *self.known() = None;
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

    fn known(&self) -> std::sync::MutexGuard<'_, Option<Server>> {
        // Nothing panics while it is held.
        self.master.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
