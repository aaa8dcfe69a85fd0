//! A server and the connections to it. Whatever ends a batch early ends its connection, too, so that nobody is ever given
//! the answers that another has waited for; the next batch makes a new one, and succeeds as soon as there is a server.

use super::address::Place;
use super::connection::{Connection, Connector};
use super::failure::Failure;
use super::reply::{Reply, Request};
use futures::StreamExt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::Instant;

/// Batches at a time of one process on a server, which does one thing at a time itself: more would only wait elsewhere.
const CONNECTIONS: usize = 16;

/// Servers that are asked the same thing at a time.
const ASKED_AT_A_TIME: usize = 4;
/// How long a server that did not answer in time is left alone, where others can be asked meanwhile.
const REST: Duration = Duration::from_secs(1);

/// A server; clones share its connections.
#[derive(Clone)]
pub(super) struct Server(Arc<Shared>);

struct Shared {
    connector: Connector,
    place: Place,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
    resting_until: Mutex<Option<Instant>>,
}

/// A connection for one batch. Given back, it is used again; else it ends.
pub(super) struct Lease {
    connection: Connection,
    server: Server,
    _permit: OwnedSemaphorePermit,
}

impl Server {
    /// A server that is connected to when it is needed.
    pub(super) fn new(connector: &Connector, place: &Place) -> Self {
        Self(Arc::new(Shared {
            connector: connector.clone(),
            place: place.clone(),
            idle: Mutex::default(),
            permits: Arc::new(Semaphore::new(CONNECTIONS)),
            resting_until: Mutex::new(None),
        }))
    }

    /// Leaves it alone for a while.
    pub(super) fn rest(&self) {
        *self.resting_until() = Some(Instant::now() + REST);
    }

    /// Whether it is left alone.
    pub(super) fn is_resting(&self) -> bool {
        self.resting_until().is_some_and(|until| Instant::now() < until)
    }

    pub(super) fn place(&self) -> &Place {
        &self.0.place
    }

    /// A connection that nobody else uses.
    pub(super) async fn lease(&self) -> Result<Lease, Failure> {
        let given_up = |_| Failure::Away("the process ends".to_owned());
        let permit = Semaphore::acquire_owned(self.0.permits.clone()).await.map_err(|_| given_up(()))?;
        while let Some(mut connection) = self.idle().pop() {
            if connection.is_usable() {
                return Ok(Lease { connection, server: self.clone(), _permit: permit });
            }
        }
        // A batch that cannot wait so long leaves the connection to the next one.
        let (made, taken) = oneshot::channel();
        let server = self.clone();
        #[expect(
            clippy::disallowed_methods,
            reason = "it ends by the connector's deadline, and has a name only as a connection"
        )]
        tokio::spawn(async move {
            let connection = server.0.connector.connect(&server.0.place).await;
            let lease = connection.map(|connection| Lease { connection, server, _permit: permit });
            if let Err(Ok(lease)) = made.send(lease) {
                lease.give_back();
            }
        });
        taken.await.map_err(|_| given_up(()))?
    }

    /// Sends one command, and brings its answer.
    pub(super) async fn call(&self, words: &[&[u8]]) -> Result<Reply, Failure> {
        let mut lease = self.lease().await?;
        let mut replies = lease.call(&Request::of(words)).await?;
        lease.give_back();
        replies.pop().ok_or_else(Failure::no_redis)
    }

    fn resting_until(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.resting_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        // Nothing panics while it is held.
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    pub(super) fn give_back(self) {
        let Self { connection, server, _permit } = self;
        server.idle().push(connection);
    }
}

impl Deref for Lease {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

/// The first answer of those who are asked, or the last error: a few at a time, so that one who is silent keeps nobody from
/// being asked.
pub(super) async fn first_of<T, F: Future<Output = Result<T, Failure>>>(asking: Vec<F>) -> Result<T, Failure> {
    let mut answers = futures::stream::iter(asking).buffer_unordered(ASKED_AT_A_TIME);
    let mut failure = Failure::Away("there is nobody to ask".to_owned());
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(found) => return Ok(found),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}
