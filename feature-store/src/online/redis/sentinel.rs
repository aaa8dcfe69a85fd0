//! A master that sentinels know. It is asked for at the first use and after every failure, so that a failover is followed as
//! soon as the sentinels have decided it.

use super::address::{Connector, Place};
use super::servers::first_of;
use ::redis::aio::ConnectionManager;
use ::redis::{ErrorKind, RedisError, RedisResult};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A sentinel that is frozen must not keep the next one from being asked.
const SENTINEL_LIMIT: Duration = Duration::from_millis(500);

pub(super) struct Sentinels {
    to_master: Connector,
    to_sentinels: Connector,
    sentinels: Vec<Place>,
    service: String,
    master: Mutex<Option<ConnectionManager>>,
}

impl Sentinels {
    pub(super) async fn connect(
        to_master: Connector,
        to_sentinels: Connector,
        sentinels: Vec<Place>,
        service: String,
    ) -> RedisResult<Self> {
        let sentinels = Self { to_master, to_sentinels, sentinels, service, master: Mutex::new(None) };
        sentinels.master().await?;
        Ok(sentinels)
    }

    /// A connection to the master.
    pub(super) async fn master(&self) -> RedisResult<ConnectionManager> {
        if let Some(master) = self.known().clone() {
            return Ok(master);
        }
        let place = first_of(&self.sentinels, |sentinel| self.ask(sentinel)).await?;
        let mut connection = self.to_master.connect(&place)?;
        // Sentinels learn late that a master has become a replica.
        let role: Vec<::redis::Value> = ::redis::cmd("ROLE").query_async(&mut connection).await?;
        let role: String = role.into_iter().next().map_or(Ok(String::new()), ::redis::from_redis_value)?;
        if role != "master" {
            let place = format!("{}:{} is a {role}", place.host, place.port);
            return Err((ErrorKind::Client, "the sentinels' master is none", place).into());
        }
        *self.known() = Some(connection.clone());
        Ok(connection)
    }

    /// The next use asks the sentinels again.
    pub(super) fn forget(&self) {
        *self.known() = None;
    }

    async fn ask(&self, sentinel: &Place) -> RedisResult<Place> {
        let asking = async {
            let mut connection = self.to_sentinels.connect(sentinel)?;
            let mut command = ::redis::cmd("SENTINEL");
            command.arg("get-master-addr-by-name").arg(&self.service);
            command.query_async::<Option<(String, u16)>>(&mut connection).await
        };
        match tokio::time::timeout(SENTINEL_LIMIT, asking).await {
            Ok(Ok(Some((host, port)))) => Ok(Place { host, port }),
            Ok(Ok(None)) => Err(failure("the sentinel knows no such service", &self.service)),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(failure("the sentinel does not answer", &format!("{}:{}", sentinel.host, sentinel.port))),
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Option<ConnectionManager>> {
        // Nothing panics while it is held.
        self.master.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failure(problem: &'static str, of: &str) -> RedisError {
    (ErrorKind::Client, problem, of.to_owned()).into()
}
