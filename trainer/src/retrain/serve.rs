//! The process that retrains by itself: it does what the agenda says when the clock says so, hears alerts meanwhile, and ends
//! when it is told to.

use super::agenda::{Agenda, Outcome, Step};
use super::alerts::Alerts;
use super::cron::Schedule;
use super::run::{RetrainOrder, Retrained, Retrainer};
use super::{RetrainError, RetrainReport, metrics};
use crate::progress::Progress;
use registry::{Refusal, Trigger};
use schemas::Timestamp;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The clock may be set, and machines sleep: it is looked at this often.
const LOOK: Duration = Duration::from_secs(20);

/// While another process retrains, this long passes until it is looked at again; less where its lease is over before.
const LOOK_AT_OTHERS: Duration = Duration::from_secs(10);

/// What the process waits for.
pub struct RetrainService {
    /// What it does.
    pub retrainer: Retrainer,
    /// The slots; none where alerts alone begin runs.
    pub schedule: Option<Schedule>,
    /// The alerts; none where the schedule alone does.
    pub alerts: Option<Alerts>,
    /// How many settings each run tries first; none for production's.
    pub trials: Option<u32>,
}

impl RetrainService {
    /// Works until the token is cancelled. The report of each run goes to `each`; no error of a run ends the service.
    pub async fn run<P, F>(
        mut self,
        stop: &CancellationToken,
        progress: impl Fn() -> P,
        mut each: impl FnMut(RetrainReport) -> F,
    ) -> Result<(), RetrainError>
    where
        P: FnMut(Progress) + Send + 'static,
        F: Future<Output = ()>,
    {
        let config = self.retrainer.config.clone();
        let history = self.retrainer.history(Some(1000)).await?;
        metrics::begin(&history);
        let mut agenda = Agenda::new(self.schedule.clone(), config, &history, Timestamp::now());
        let mut heard = 0;
        while !stop.is_cancelled() {
            if let Some((count, trigger)) = self.alerts.as_mut().and_then(Alerts::take) {
                heard = count;
                agenda.alert(trigger, Timestamp::now());
            }
            match agenda.next(Timestamp::now()) {
                Step::Run(trigger) => {
                    let order = RetrainOrder {
                        trigger: trigger.clone(),
                        since: None,
                        until: None,
                        trials: self.trials,
                        configured: false,
                        why: String::new(),
                    };
                    let outcome = self.retrainer.run(&order, stop, progress()).await;
                    self.take_note(&mut agenda, &trigger, &outcome, stop);
                    if let Ok(Retrained::Done(report)) = outcome {
                        each(*report).await;
                    }
                }
                Step::Wait(until) => self.wait(until, stop).await,
            }
            if let Some(alerts) = self.alerts.as_ref().filter(|_| !agenda.has_alert()) {
                alerts.answered(heard);
            }
        }
        Ok(())
    }

    fn take_note(
        &self,
        agenda: &mut Agenda,
        trigger: &Trigger,
        outcome: &Result<Retrained, RetrainError>,
        stop: &CancellationToken,
    ) {
        let noted = match outcome {
            Ok(Retrained::Done(_)) => Outcome::Over,
            Ok(Retrained::Refused(Refusal::Never(reason))) => {
                tracing::info!("no retraining {trigger}: {reason}");
                Outcome::Over
            }
            Ok(Retrained::Refused(Refusal::Until(time))) => Outcome::Later(until(*time)),
            Err(RetrainError::Busy(other)) => Outcome::Later(until(other.lease_until).min(LOOK_AT_OTHERS)),
            // The next process finds it in the history, or among the alerts.
            Err(RetrainError::Stopped) if stop.is_cancelled() => return,
            Err(error) if error.is_passing() => Outcome::FailedInPassing(chance()),
            Err(_) => Outcome::Over,
        };
        let again = agenda.concluded(trigger, noted, Timestamp::now());
        if let (Err(error), false) = (outcome, matches!(outcome, Err(RetrainError::Busy(_)))) {
            let then = again.map_or("it is not tried again".to_owned(), |at| format!("it is tried again at {at}"));
            tracing::error!("the retraining {trigger} failed: {error}; {then}");
        }
    }

    async fn wait(&mut self, until: Option<Timestamp>, stop: &CancellationToken) {
        let left = until.map(|until| until.epoch_millis() - Timestamp::now().epoch_millis());
        let left = left.map_or(LOOK, |left| Duration::from_millis(left.max(1).unsigned_abs()).min(LOOK));
        let alert = async {
            match &mut self.alerts {
                Some(alerts) => alerts.changed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = alert => {}
            () = tokio::time::sleep(left) => {}
        }
    }
}

/// How long it is to a time, a moment at least.
fn until(time: Timestamp) -> Duration {
    let left = time.epoch_millis() - Timestamp::now().epoch_millis();
    Duration::from_millis(left.max(200).unsigned_abs())
}

/// A number from 0 to 1 that differs from process to process.
fn chance() -> f64 {
    RandomState::new().build_hasher().finish() as f64 / u64::MAX as f64
}
