//! Runs of retraining. Each is a numbered file that is created only where none is: while the run goes on it is a lease, which
//! its holder renews and others respect until it is over; afterwards it is the run's line in the history. So of two processes
//! that would begin at the same moment one does, a process that died is succeeded when its lease is over, and whatever rule
//! says whether a run may begin (a slot of the schedule, a budget) is decided on the very history that the run is added to.
//!
//! The number is the fence: whoever finds a higher one has been succeeded, and moves no alias any more.

mod record;

use crate::registry::{CONCURRENT_READS, json};
use crate::store::numbered;
use crate::{Error, Registry};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use schemas::{ModelName, ModelVersion, Timestamp};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

pub use record::{RetrainOutcome, RetrainState, Retraining, Trigger};

/// So many runs back a rule can see.
const REMEMBERED: usize = 200;

/// How a run ended, for its line.
#[derive(Debug, Clone, PartialEq)]
pub struct RetrainEnd {
    /// How.
    pub outcome: RetrainOutcome,
    /// Whether it is tried again.
    pub will_retry: bool,
    /// The version that it made.
    pub version: Option<ModelVersion>,
    /// How many rows were learned from and tested.
    pub rows: Option<(u64, u64)>,
    /// Why.
    pub reason: String,
}

/// What became of the wish to begin.
#[derive(Debug)]
pub enum Begun {
    /// It is ours.
    Ours(Box<RetrainLease>),
    /// Another run goes on.
    Busy(Box<Retraining>),
    /// The rule says no.
    Refused(Refusal),
}

/// Why a run may not begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// There is no need for it, for this reason.
    Never(String),
    /// Not before this time.
    Until(Timestamp),
}

/// The wish to begin a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RetrainBeginning {
    /// What for.
    pub trigger: Trigger,
    /// Who.
    pub who: String,
    /// How long others wait for a sign of life. Clocks that differ by less than that do no harm.
    pub lease: Duration,
}

/// A run that goes on, and the right to it.
#[derive(Debug)]
pub struct RetrainLease {
    registry: Registry,
    name: ModelName,
    run: Retraining,
    lease: Duration,
}

impl Registry {
    /// Begins a run if none goes on and the rule allows it after the runs that there were, the latest 200 of them.
    pub async fn begin_retraining(
        &self,
        name: &ModelName,
        beginning: &RetrainBeginning,
        rule: impl Fn(&[Retraining]) -> Result<(), Refusal>,
    ) -> Result<Begun, Error> {
        loop {
            // While one goes on, whoever waits for its end reads no more than it.
            if let Some(last) = self.retrainings(name, Some(1)).await?.pop()
                && last.state(Timestamp::now()) == RetrainState::Running
            {
                return Ok(Begun::Busy(Box::new(last)));
            }
            let runs = self.retrainings(name, Some(REMEMBERED)).await?;
            let now = Timestamp::now();
            if runs.last().is_some_and(|last| last.state(now) == RetrainState::Running) {
                continue;
            }
            if let Err(refusal) = rule(&runs) {
                return Ok(Begun::Refused(refusal));
            }
            let RetrainBeginning { trigger, who, lease } = beginning.clone();
            let is_retry =
                |run: &&Retraining| trigger != Trigger::Manual && run.trigger == trigger && !run.is_stopped();
            let run = Retraining {
                number: runs.last().map_or(1, |last| last.number + 1),
                attempt: 1 + runs.iter().filter(is_retry).count() as u32,
                trigger,
                who,
                holder: holder(),
                started_at: now,
                lease_until: later(now, lease),
                ended_at: None,
                outcome: None,
                will_retry: false,
                version: None,
                rows_trained: None,
                rows_tested: None,
                reason: String::new(),
            };
            if self.store.create(&numbered(&folder(name), run.number), json(&run)).await? {
                let lease = RetrainLease { registry: self.clone(), name: name.clone(), run, lease };
                return Ok(Begun::Ours(Box::new(lease)));
            }
            // Somebody else has begun meanwhile.
        }
    }

    /// The runs of a model, the earliest first; of many, the last so many.
    pub async fn retrainings(&self, name: &ModelName, last: Option<usize>) -> Result<Vec<Retraining>, Error> {
        let folder = folder(name);
        let numbers = self.store.numbers(&folder).await?;
        let first = last.map_or(0, |last| numbers.len().saturating_sub(last));
        let runs = numbers.into_iter().skip(first).map(|number| self.retraining(numbered(&folder, number)));
        let runs: Vec<Option<Retraining>> = stream::iter(runs).buffered(CONCURRENT_READS).try_collect().await?;
        Ok(runs.into_iter().flatten().collect())
    }

    async fn retraining(&self, path: Path) -> Result<Option<Retraining>, Error> {
        // One that somebody has removed since it was listed is none.
        self.store.read(&path).await?.map(|bytes| self.parse(&path, &bytes)).transpose()
    }
}

impl RetrainLease {
    /// The run as it stands.
    pub fn run(&self) -> &Retraining {
        &self.run
    }

    /// What tells others of the process whether the run is still the last.
    pub fn fence(&self) -> RetrainFence {
        RetrainFence { registry: self.registry.clone(), name: self.name.clone(), number: self.run.number }
    }

    /// A sign of life; answers whether the lease is still ours.
    pub async fn renew(&mut self) -> Result<bool, Error> {
        if !self.fence().is_held().await? {
            return Ok(false);
        }
        self.run.lease_until = later(Timestamp::now(), self.lease);
        self.write().await?;
        Ok(true)
    }

    /// Writes down how the run ended, whoever may have succeeded it, and lets others begin.
    pub async fn end(mut self, end: RetrainEnd) -> Result<Retraining, Error> {
        let RetrainEnd { outcome, will_retry, version, rows, reason } = end;
        let now = Timestamp::now();
        self.run.lease_until = now;
        self.run.ended_at = Some(now);
        self.run.outcome = Some(outcome);
        self.run.will_retry = will_retry;
        self.run.version = version;
        self.run.rows_trained = rows.map(|(trained, _)| trained);
        self.run.rows_tested = rows.map(|(_, tested)| tested);
        self.run.reason = reason;
        self.write().await?;
        Ok(self.run)
    }

    /// Nobody but the holder ever writes this file again, so there is nothing that could be overwritten.
    async fn write(&self) -> Result<(), Error> {
        self.registry.store.write(&numbered(&folder(&self.name), self.run.number), json(&self.run)).await
    }
}

/// The number of a run, by which it is told whether it has been succeeded.
#[derive(Debug, Clone)]
pub struct RetrainFence {
    registry: Registry,
    name: ModelName,
    number: u64,
}

impl RetrainFence {
    /// Whether nobody has begun another run since: asked before anything is done that others see.
    pub async fn is_held(&self) -> Result<bool, Error> {
        let last = self.registry.store.numbers(&folder(&self.name)).await?.last().copied();
        Ok(last == Some(self.number))
    }
}

fn folder(name: &ModelName) -> Path {
    Path::from_iter([name.as_str(), "retrainings"])
}

/// A number that no other run has.
fn holder() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

fn later(now: Timestamp, by: Duration) -> Timestamp {
    let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_epoch_millis(now.epoch_millis().saturating_add(millis)).unwrap_or(now)
}

#[cfg(test)]
mod tests;
