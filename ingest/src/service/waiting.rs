//! Trying again what fails in passing, for as long as it takes: a store or a broker that is away is waited for, and health says
//! so meanwhile.

use super::ServiceError;
use super::placing::is_passing;
use service::health::Component;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The first wait; each further one is twice as long,
const FIRST: Duration = Duration::from_millis(100);
/// up to this.
const LONGEST: Duration = Duration::from_secs(10);
/// How soon a cancelled token is seen.
const LOOK: Duration = Duration::from_millis(100);

pub(super) struct Waiting {
    component: Component,
}

impl Waiting {
    /// For work that is told of under this component's name.
    pub(super) fn new(component: Component) -> Self {
        component.ready();
        Self { component }
    }

    /// Does it until it succeeds. None when the token was cancelled before.
    pub(super) fn until_done<T>(
        &self,
        stop: &CancellationToken,
        mut attempt: impl FnMut() -> Result<T, ServiceError>,
    ) -> Result<Option<T>, ServiceError> {
        let mut pause = FIRST;
        loop {
            match attempt() {
                Ok(done) => {
                    if pause > FIRST {
                        tracing::info!("goes on");
                    }
                    self.component.ready();
                    return Ok(Some(done));
                }
                Err(error) if is_passing(&error) => {
                    tracing::warn!("tries again in {} s: {error}", pause.as_secs_f64());
                    self.component.not_ready(error.to_string());
                }
                Err(error) => return Err(error),
            }
            let until = std::time::Instant::now() + pause;
            while std::time::Instant::now() < until {
                if stop.is_cancelled() {
                    return Ok(None);
                }
                std::thread::park_timeout(LOOK.min(pause));
            }
            if stop.is_cancelled() {
                return Ok(None);
            }
            pause = (2 * pause).min(LONGEST);
        }
    }
}
