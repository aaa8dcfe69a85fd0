//! Runs of retraining. Each is a numbered file that is created only where none is: while the run goes on it is a lease, which
//! its holder renews and others respect until it is over; afterwards it is the run's line in the history. So of two processes
//! that would begin at the same moment one does, a process that died is succeeded when its lease is over, and whatever rule
//! says whether a run may begin (a slot of the schedule, a budget) is decided on the very history that the run is added to.
//!
//! The number is the fence: whoever finds a higher one has been succeeded, and moves no alias any more.

use crate::registry::{CONCURRENT_READS, json};
use crate::store::numbered;
use crate::{Error, Registry};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use schemas::{ModelName, ModelVersion, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// So many runs back a rule can see.
const REMEMBERED: usize = 200;

/// A run of retraining.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Retraining {
    /// Its number, counted from 1.
    pub number: u64,
    /// What it was begun for.
    #[serde(flatten)]
    pub trigger: Trigger,
    /// How often it was begun for that, this time included.
    pub attempt: u32,
    /// Who began it.
    pub who: String,
    /// Tells it from any other that the same person has begun in the same millisecond: a bucket's client that finds its own
    /// bytes takes the file for its own.
    pub holder: String,
    /// When, by the clock of who began it; as all times here.
    pub started_at: Timestamp,
    /// Until when nobody else may begin.
    pub lease_until: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<RetrainOutcome>,
    /// Whether it is tried again.
    #[serde(default)]
    pub will_retry: bool,
    /// The version that it made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<ModelVersion>,
    /// How many rows were learned from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_trained: Option<u64>,
    /// How many rows it was compared on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_tested: Option<u64>,
    /// Why it ended as it did.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// What a run is begun for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "trigger", rename_all = "lowercase")]
pub enum Trigger {
    /// Somebody, or a scheduler of somebody's own.
    Manual,
    /// A slot of the schedule.
    Schedule {
        /// The slot.
        slot: Timestamp,
    },
    /// An alert.
    Drift {
        /// Who raised it.
        monitor: String,
        /// The record that holds it: `topic/partition@offset`.
        alert: String,
        /// What it says.
        message: String,
        /// When it was written.
        raised_at: Timestamp,
    },
}

impl Trigger {
    /// In a word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Schedule { .. } => "schedule",
            Self::Drift { .. } => "drift",
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manual => f.write_str("asked for"),
            Self::Schedule { slot } => write!(f, "scheduled for {slot}"),
            Self::Drift { monitor, message, .. } => write!(f, "drift seen by {monitor}: {message}"),
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RetrainOutcome {
    /// The new version is in production.
    Promoted,
    /// The new version is registered, and production is what it was.
    Kept,
    /// There is no new version.
    Failed,
    /// It was stopped.
    Stopped,
}

/// How a run stands at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetrainState {
    /// It goes on.
    Running,
    /// Its process died, or lost its lease.
    Died,
    /// It ended.
    Ended(RetrainOutcome),
}

impl RetrainState {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Died => "died",
            Self::Ended(RetrainOutcome::Promoted) => "promoted",
            Self::Ended(RetrainOutcome::Kept) => "kept",
            Self::Ended(RetrainOutcome::Failed) => "failed",
            Self::Ended(RetrainOutcome::Stopped) => "stopped",
        }
    }
}

impl Retraining {
    /// How it stands at a time.
    pub fn state(&self, now: Timestamp) -> RetrainState {
        match self.outcome {
            Some(outcome) => RetrainState::Ended(outcome),
            None if self.lease_until > now => RetrainState::Running,
            None => RetrainState::Died,
        }
    }

    /// Whether it left a version.
    pub fn is_done(&self) -> bool {
        matches!(self.outcome, Some(RetrainOutcome::Promoted | RetrainOutcome::Kept))
    }
}

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
    /// The rule says no, for this reason.
    Refused(String),
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
        rule: impl Fn(&[Retraining]) -> Result<(), String>,
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
            if let Err(reason) = rule(&runs) {
                return Ok(Begun::Refused(reason));
            }
            let RetrainBeginning { trigger, who, lease } = beginning.clone();
            let is_retry = |run: &&Retraining| trigger != Trigger::Manual && run.trigger == trigger;
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
