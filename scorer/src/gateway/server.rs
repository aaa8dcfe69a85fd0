//! From a listening socket to the router: connections are bounded in number and in how long they may sit without a request,
//! and a shutdown lets requests in flight finish. HTTP/1.1 only: telling HTTP/2 apart means waiting for a connection's first
//! bytes, and hyper has no limit for that wait.

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Beyond this many connections new ones wait in the listener's queue. Each costs some 20 KB.
const MAX_CONNECTIONS: usize = 10_000;

/// How long a connection may take to send a request's header, and so how long it may stay idle between requests. Longer than
/// the 60 s after which load balancers close their side, so that they never send into a connection just closed here.
const HEADER_TIMEOUT: Duration = Duration::from_secs(75);

/// After an error of `accept` such as too many open files, which only other connections' ends can mend.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The gateway cannot listen.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {error}; stop what listens there, or set gateway.listen to another address")]
pub struct BindError {
    address: String,
    error: io::Error,
}

pub(super) async fn bind(address: &str) -> Result<TcpListener, BindError> {
    let failed = |error| BindError { address: address.to_owned(), error };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    tracing::info!(server.address = %bound, "listening on http://{bound}");
    Ok(listener)
}

/// Serves `router` until the token is cancelled, then waits up to `drain` for the requests in flight.
pub(super) async fn serve(listener: TcpListener, router: Router, token: CancellationToken, drain: Duration) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let shutdown = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let (stream, slot) = tokio::select! {
            biased;
            () = token.cancelled() => break,
            // Ended connections are collected here, or their results would pile up.
            Some(_) = connections.join_next() => continue,
            accepted = accept(&listener, &slots) => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        let service = TowerToHyperService::new(router.clone());
        let connection = shutdown.watch(http.serve_connection(TokioIo::new(stream), service));
        connections.spawn(async move {
            // How a connection ends is the client's affair: resets and cut-off requests are no errors of the service.
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended: {error}");
            }
            drop(slot);
        });
    }
    drop(listener);
    if tokio::time::timeout(drain, shutdown.shutdown()).await.is_err() {
        tracing::warn!(connections = connections.len(), "requests still open after {drain:?} are dropped");
    }
}

async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.expect("the semaphore of connections is never closed");
    let (stream, _) = listener.accept().await?;
    // Answers are one small write each: waiting to fill a packet would only delay them.
    stream.set_nodelay(true)?;
    Ok((stream, slot))
}
