//! Trying again what fails in passing, for as long as it takes: a store or a broker that is away is waited for, and health says
//! so meanwhile. One that refuses is tried a few times; at the start, one that is away for half a minute. An end that is asked
//! for is not waited away.

use super::ServiceError;
use feature_store::offline::store::ErrorKind as StoreErrorKind;
use feature_store::online::Error as OnlineError;
use service::health::Component;
use service::kafka::ErrorKind;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

/// The first wait; each further one is twice as long,
const FIRST: Duration = Duration::from_millis(100);
/// up to this.
const LONGEST: Duration = Duration::from_secs(10);
/// A store that refuses has often had its users or certificates changed just now, one part before the other: some six seconds.
const REFUSALS: u32 = 6;
/// What was never there is more often a wrong setting than an outage.
const START: Duration = Duration::from_secs(30);

pub(super) struct Waiting<'r> {
    component: Component,
    runtime: &'r Handle,
    /// How long work may go on when the process is told to stop.
    grace: Duration,
    /// When that time is over.
    deadline: OnceLock<Instant>,
}

impl<'r> Waiting<'r> {
    /// For work that is told of under this component's name.
    pub(super) fn new(component: Component, runtime: &'r Handle, grace: Duration) -> Self {
        component.ready();
        Self { component, runtime, grace, deadline: OnceLock::new() }
    }

    /// Does it until it succeeds. Once the token is cancelled it is tried once, for as long as the grace lasts; none when it did
    /// not succeed.
    pub(super) fn until_done<T>(
        &self,
        stop: &CancellationToken,
        attempt: impl AsyncFnMut() -> Result<T, ServiceError>,
    ) -> Result<Option<T>, ServiceError> {
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                done = self.retry(stop, attempt) => done,
                () = self.overdue(stop) => Ok(None),
            }
        })
    }

    /// Does it until it succeeds, as [`until_done`](Self::until_done) does, but fails when it has not within some time.
    pub(super) fn until_begun<T>(
        &self,
        stop: &CancellationToken,
        mut attempt: impl AsyncFnMut() -> Result<T, ServiceError>,
    ) -> Result<Option<T>, ServiceError> {
        let began = Instant::now();
        let attempt = async || {
            let done = attempt().await;
            if began.elapsed() < START { done.map(Ok) } else { Ok(done) }
        };
        self.until_done(stop, attempt)?.transpose()
    }

    async fn retry<T>(
        &self,
        stop: &CancellationToken,
        mut attempt: impl AsyncFnMut() -> Result<T, ServiceError>,
    ) -> Result<Option<T>, ServiceError> {
        let (mut pause, mut refusals) = (Pause::new(), 0);
        loop {
            let outcome = attempt().await;
            refusals = if outcome.as_ref().is_err_and(is_refusal) { refusals + 1 } else { 0 };
            match outcome {
                Ok(done) => {
                    if pause.is_long() {
                        tracing::info!("goes on");
                    }
                    self.component.ready();
                    return Ok(Some(done));
                }
                Err(error) if is_passing(&error) || (1..=REFUSALS).contains(&refusals) => {
                    tracing::warn!("tries again in {} s: {error}", pause.0.as_secs_f64());
                    self.component.not_ready(error.to_string());
                }
                Err(error) => return Err(error),
            }
            tokio::select! {
                () = sleep(pause.next()) => {}
                () = stop.cancelled() => return Ok(None),
            }
        }
    }

    async fn overdue(&self, stop: &CancellationToken) {
        stop.cancelled().await;
        sleep_until(*self.deadline.get_or_init(|| Instant::now() + self.grace)).await;
    }
}

/// How long to wait before the next attempt.
pub(super) struct Pause(Duration);

impl Pause {
    pub(super) fn new() -> Self {
        Self(FIRST)
    }

    pub(super) fn next(&mut self) -> Duration {
        let now = self.0;
        self.0 = (2 * now).min(LONGEST);
        now
    }

    fn is_long(&self) -> bool {
        self.0 > FIRST
    }
}

/// Whether waiting helps.
pub(super) fn is_passing(error: &ServiceError) -> bool {
    match error {
        ServiceError::Kafka(error) => error.kind() == ErrorKind::Retry,
        ServiceError::Offline(error) => error.kind() == StoreErrorKind::Retry,
        ServiceError::Online(error) => error.may_pass(),
        ServiceError::NoStore | ServiceError::Ahead { .. } => false,
    }
}

/// Whether a store says no: it may be told otherwise in a moment, and not later.
fn is_refusal(error: &ServiceError) -> bool {
    matches!(error, ServiceError::Online(OnlineError::Refused { .. }))
}
