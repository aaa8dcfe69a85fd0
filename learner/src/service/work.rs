//! The learner at work: rounds of records, and transactions of what came of them.

use super::LearnReport;
use super::error::ServiceError;
use super::history::History;
use super::inputs::Inputs;
use super::join::Effects;
use super::keeper::{Keep, Keeper, Kept};
use super::merge::{Lanes, Next};
use super::pointer::{Journal, Marks, Pointer, Snapshots};
use super::positions::{Positions, Round, Source};
use super::publish::{self, Content, Publisher, UpdateRecord};
use super::state::State;
use super::versions::Versions;
use crate::config::LearnConfig;
use crate::metrics;
use model::Base;
use registry::Registry;
use schemas::{ModelRef, ModelState, ModelVersion, Timestamp};
use service::health::Component;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// So many records are taken before the clock and the token are looked at again.
const AT_A_TIME: usize = 1024;

/// A transaction holds at most about so many dead letters, and so many of their bytes.
const DEAD_MAX: usize = 1000;
const DEAD_MAX_BYTES: usize = 8 << 20;

/// Where nothing was learned, positions are committed so often.
const POSITIONS: Duration = Duration::from_secs(5);

/// A snapshot is due when so many updates have come since the last one.
const SNAPSHOT_UPDATES: u64 = 256;

/// A checkpoint is due when there are so many rounds since the last one, and none may be left out with so many: all of them stand
/// in one record.
const MANY_ROUNDS: usize = 1000;
const MAX_ROUNDS: usize = 5000;

/// How often it is looked whether topics have more partitions.
const LOOK: Duration = Duration::from_secs(30);

/// How long a poll waits when there is nothing to do: the time within which a cancelled token is seen.
const IDLE: Duration = Duration::from_millis(50);

pub(super) struct Worker {
    pub(super) state: State,
    pub(super) lanes: Lanes,
    pub(super) journal: Journal,
    pub(super) inputs: Inputs,
    pub(super) publisher: Publisher,
    pub(super) keeper: Keeper,
    pub(super) versions: Versions,
    pub(super) history: History,
    pub(super) production: watch::Receiver<ModelVersion>,
    pub(super) config: LearnConfig,
    pub(super) settings: String,
    pub(super) health: Component,
    pub(super) until_end: bool,
    /// What the learner went on from.
    pub(super) base: Base,
    /// The last update, and those that are snapshots.
    pub(super) update: u64,
    pub(super) snapshots: Snapshots,
    /// A snapshot that is stored, and not published.
    pub(super) new_snapshot: Option<ModelState>,
    /// A version that cannot be gone over to for now.
    pub(super) unusable: Option<ModelVersion>,
    /// The next update has to be the whole model.
    pub(super) must_snapshot: bool,
    /// The record of what is in production is to be written.
    pub(super) tell_production: bool,
    /// Where the topics ended when it began.
    pub(super) catch_up: Option<Positions>,
    /// What came of records that are not committed.
    pub(super) effects: Effects,
    pub(super) committed_records: u64,
    pub(super) last_commit: Instant,
    pub(super) last_round: Instant,
    pub(super) last_checkpoint: Instant,
    pub(super) last_look: Instant,
    /// The checkpoint to go on from: its place and checksum, and its number.
    pub(super) location: Option<(String, String)>,
    pub(super) number: u64,
    /// The number of the one that the last transaction names.
    pub(super) named: u64,
    /// How many rounds of the journal the checkpoint makes superfluous that is being written, and the end of the last of them.
    pub(super) kept: Option<(usize, Positions)>,
    pub(super) is_round_over: bool,
    pub(super) report: LearnReport,
    pub(super) started: Instant,
}

impl Worker {
    /// Until the token is cancelled, or the end is reached.
    pub(super) fn work(&mut self, token: &CancellationToken) -> Result<(), ServiceError> {
        while !token.is_cancelled() {
            let wait = match (self.is_round_over, self.lanes.has_records()) {
                (false, _) => Duration::ZERO,
                (true, true) => self.round_due_in().min(IDLE),
                (true, false) => IDLE,
            };
            let came = self.inputs.poll(&mut self.lanes, wait)?;
            let took = self.take();
            if self.must_commit() {
                self.commit()?;
            }
            if self.is_round_over && !self.begin_round()? && self.until_end {
                return Ok(());
            }
            if !came && took == 0 && !self.is_round_over {
                // A partition is waited for.
                self.inputs.poll(&mut self.lanes, IDLE)?;
            }
            self.look_around()?;
        }
        Ok(())
    }

    /// Takes the records whose turn it is; answers how many.
    fn take(&mut self) -> usize {
        let now = Instant::now();
        for taken in 0..AT_A_TIME {
            match self.lanes.next(&self.state.round.end, now) {
                Next::Record(record) => self.state.take(record, &mut self.effects),
                Next::Waits => return taken,
                Next::Done => {
                    self.lanes.pass(&self.state.round.end);
                    self.is_round_over = true;
                    return taken;
                }
            }
            if self.effects.dead.len() >= DEAD_MAX || self.effects.dead_bytes >= DEAD_MAX_BYTES {
                return taken + 1;
            }
        }
        AT_A_TIME
    }

    /// Begins the next round, if it is time for one. False where there is nothing left before the end.
    fn begin_round(&mut self) -> Result<bool, ServiceError> {
        let positions = self.lanes.positions();
        let version = *self.production.borrow();
        if version != self.state.version && self.unusable != Some(version) {
            self.begin(Some(version), positions)?;
            return Ok(true);
        }
        if let Some(mut high) = self.catch_up.take() {
            // Records up to the ends that were seen first, in the order of their times.
            high.widen(&positions);
            let is_behind = |(own, high): (&Vec<i64>, &Vec<i64>)| own.iter().zip(high).any(|(own, high)| own < high);
            if positions.0.iter().zip(&high.0).any(is_behind) {
                let farther =
                    |(own, high): (&Vec<i64>, &Vec<i64>)| own.iter().zip(high).map(|(a, b)| *a.max(b)).collect();
                let [one, two, three] = [0, 1, 2].map(|topic| farther((&positions.0[topic], &high.0[topic])));
                self.begin(None, Positions([one, two, three]))?;
                return Ok(true);
            }
        }
        if self.until_end {
            return Ok(false);
        }
        if self.lanes.has_records() && (self.round_due_in().is_zero() || self.inputs.is_held_up()) {
            self.begin(None, self.lanes.fetched())?;
        }
        Ok(true)
    }

    fn begin(&mut self, version: Option<ModelVersion>, end: Positions) -> Result<(), ServiceError> {
        if let Some(version) = version {
            let model = match self.versions.model(version) {
                Ok(model) => model,
                Err(error) => {
                    tracing::error!("goes on with {}: {error}", self.state.version);
                    self.unusable = Some(version);
                    return Ok(());
                }
            };
            // What was learned on the old base is published on it, before the new one begins.
            self.commit()?;
            let base = self.versions.base(version)?;
            self.state.learner = self.state.learner.clone().succeed(&model)?;
            self.state.learner.note_changes();
            self.history.taken(self.base.version, self.update);
            let highest = self.history.highest(version);
            (self.update, self.must_snapshot, self.tell_production) = (highest, highest > 0, true);
            (self.snapshots, self.new_snapshot) = (Snapshots::default(), None);
            (self.state.version, self.base) = (version, base);
            tracing::info!(model.version = %version, "learns on from {version}");
        }
        self.state.round = Round { at_millis: Timestamp::now().epoch_millis(), version, end };
        self.state.share();
        self.journal.rounds.push(self.state.round.clone());
        self.last_round = Instant::now();
        self.is_round_over = false;
        Ok(())
    }

    /// How long it is until the next round may begin: each of them stands in the journal.
    fn round_due_in(&self) -> Duration {
        Duration::from_millis(self.config.publish_interval_ms).saturating_sub(self.last_round.elapsed())
    }

    /// Behind a round there is a transaction at once, so that its labels do not wait for the next one; within a long round, or
    /// where rounds are short, so often.
    fn is_commit_due(&self) -> bool {
        let interval = Duration::from_millis(self.config.publish_interval_ms);
        self.last_commit.elapsed() >= if self.is_round_over { interval / 2 } else { interval }
    }

    fn must_commit(&self) -> bool {
        if self.effects.dead.len() >= DEAD_MAX || self.effects.dead_bytes >= DEAD_MAX_BYTES {
            return true;
        }
        let has_something = self.effects.outcomes.labels() > 0 || self.tell_production;
        has_something && self.is_commit_due() || self.has_moved() && self.last_commit.elapsed() >= POSITIONS
    }

    fn has_moved(&self) -> bool {
        self.state.records > self.committed_records
    }

    /// Publishes what changed, and commits how far that is.
    pub(super) fn commit(&mut self) -> Result<(), ServiceError> {
        let Some((location, content_sha256)) = self.location.clone() else { return Ok(()) };
        let (update, snapshot) = self.prepare()?;
        let published = update.as_ref().map(|update| update.bytes.len()).or(snapshot.as_ref().map(|_| 0));
        let (snapshot, superfluous) = match (snapshot, self.new_snapshot.take()) {
            // It stands in place of an update, and is kept for good.
            (Some(snapshot), _) => (Some(snapshot), 0),
            (None, Some(snapshot)) => {
                let [superfluous, before] = self.snapshots.beside;
                self.snapshots.beside = [before, snapshot.update];
                (Some(snapshot), superfluous)
            }
            (None, None) => (None, 0),
        };
        if let Some(snapshot) = &snapshot {
            self.snapshots.last = snapshot.update;
        }
        let offsets = publish::offsets(&self.inputs, &self.lanes.positions());
        let state = ModelState {
            name: self.versions.name.clone(),
            version: self.base.version,
            sha256: self.base.sha256.clone(),
            update: self.update,
            location,
            content_sha256,
            offsets: Some(offsets),
        };
        let tells = self.tell_production || snapshot.is_some();
        let production = tells.then(|| ModelState {
            location: Registry::artifact_location(&self.versions.name, &self.base.sha256),
            content_sha256: self.base.sha256.clone(),
            offsets: None,
            ..state.clone()
        });
        let marks = Marks {
            number: self.number,
            records: self.state.records,
            settings: self.settings.clone(),
            snapshots: self.snapshots,
        };
        let pointer = Pointer::new(state, marks, &self.journal);
        let effects = std::mem::take(&mut self.effects);
        let content = Content { update, production, snapshot, pointer, dead: effects.dead };
        self.publisher.publish(&content, &self.inputs)?;
        self.named = self.number;
        self.tell_production = false;
        self.last_commit = Instant::now();
        if superfluous > 0
            && let Err(error) = self.versions.remove_snapshot(self.base.version, superfluous)
        {
            tracing::warn!("a snapshot that nobody needs stays: {error}");
        }
        if let Some(bytes) = published {
            self.report.updates += 1;
            let reference =
                ModelRef { name: self.versions.name.clone(), version: self.base.version, update: self.update };
            metrics::record_update(&reference, bytes);
        }
        metrics::count_labels(&effects.outcomes);
        metrics::count_records(self.state.records - self.committed_records);
        metrics::set_join(self.state.join.waiting.len(), self.state.join.reviews.len());
        self.report.records += self.state.records - self.committed_records;
        self.report.outcomes.add(&effects.outcomes);
        self.committed_records = self.state.records;
        self.keep_if_due()
    }

    /// Stores what changed since the last update: as the next one, or where no less will do or its number is taken, as a snapshot.
    fn prepare(&mut self) -> Result<(Option<UpdateRecord>, Option<ModelState>), ServiceError> {
        if !self.state.learner.has_changed() && !self.must_snapshot {
            return Ok((None, None));
        }
        let version = self.base.version;
        self.update += 1;
        let update = self.state.learner.take_update(self.base.clone(), self.update).filter(|_| !self.must_snapshot);
        if let Some(update) = update {
            let bytes = update.to_bytes();
            if self.versions.create_update(version, self.update, bytes.clone().into())? {
                let sha256 = self.base.sha256.clone();
                return Ok((Some(UpdateRecord { version, sha256, number: self.update, bytes }), None));
            }
            self.update += 1;
        }
        loop {
            if !self.versions.has_update(version, self.update)?
                && let Some(snapshot) = self.keeper.snapshot(&self.state.learner, version, self.update)?
            {
                self.must_snapshot = false;
                return Ok((None, Some(snapshot)));
            }
            self.update += 1;
        }
    }

    /// What a checkpoint would hold now. Right behind a transaction: all that the learner knows is published.
    fn keep(&mut self, is_snapshot_due: bool) -> Keep {
        self.kept = Some((self.journal.rounds.len(), self.state.round.end.clone()));
        self.last_checkpoint = Instant::now();
        metrics::set_quarantined(&self.state.learner.influence());
        Keep {
            number: self.number + 1,
            before_learner: self.state.before_learner(&self.lanes),
            learner: self.state.learner.clone(),
            remove_before: self.named,
            snapshot: (is_snapshot_due && self.update > self.snapshots.last)
                .then_some((self.base.version, self.update)),
        }
    }

    /// Right behind a transaction.
    fn keep_if_due(&mut self) -> Result<(), ServiceError> {
        if self.keeper.is_writing() || self.has_moved() {
            return Ok(());
        }
        let interval = Duration::from_millis(self.config.checkpoint_interval_ms);
        let is_snapshot_due = self.update >= self.snapshots.last + SNAPSHOT_UPDATES;
        let is_due = self.last_checkpoint.elapsed() >= interval || self.journal.rounds.len() >= MANY_ROUNDS;
        if is_due || is_snapshot_due {
            let keep = self.keep(is_snapshot_due);
            self.keeper.begin(keep)?;
        }
        Ok(())
    }

    /// A checkpoint was written, or could not be.
    fn kept(&mut self, kept: Result<Kept, ServiceError>) -> Result<(), ServiceError> {
        let Some((rounds, end)) = self.kept.take() else { return Ok(()) };
        match kept {
            Ok(Kept { number, location, sha256, snapshot }) => {
                (self.number, self.location) = (number, Some((location, sha256)));
                self.journal.rounds.drain(..rounds);
                self.journal.origin = end;
                metrics::checkpoint_written();
                self.health.ready();
                let is_news = |new: &ModelState| new.version == self.base.version && new.update > self.snapshots.last;
                if let Some(snapshot) = snapshot.filter(is_news) {
                    (self.new_snapshot, self.tell_production) = (Some(snapshot), true);
                }
                Ok(())
            }
            Err(error) if self.journal.rounds.len() < MAX_ROUNDS => {
                metrics::count_checkpoint_failure();
                self.health.not_ready(format!("no checkpoint could be written: {error}"));
                tracing::error!("no checkpoint could be written, and is tried again: {error}");
                Ok(())
            }
            Err(error) => {
                Err(ServiceError::NoCheckpoint { rounds: self.journal.rounds.len(), cause: error.to_string() })
            }
        }
    }

    /// Writes a checkpoint and goes on when it counts.
    pub(super) fn keep_now(&mut self) -> Result<(), ServiceError> {
        let keep = self.keep(false);
        self.keeper.begin(keep)?;
        if let Some(kept) = self.keeper.wait() {
            self.kept(Ok(kept?))?;
        }
        self.commit()
    }

    /// What comes up beside the records.
    fn look_around(&mut self) -> Result<(), ServiceError> {
        if let Some(kept) = self.keeper.done() {
            self.kept(kept)?;
        }
        if self.last_look.elapsed() >= LOOK {
            self.last_look = Instant::now();
            // What could not be gone over to may have been away.
            self.unusable = None;
            let partitions = match self.inputs.partitions() {
                Ok(partitions) => partitions,
                Err(error) => {
                    tracing::warn!("looks for new partitions again in {} s: {error}", LOOK.as_secs());
                    return Ok(());
                }
            };
            let mut is_wider = false;
            for (source, partitions) in Source::ALL.into_iter().zip(partitions) {
                if partitions > self.lanes.of(source).len() {
                    self.lanes.widen(source, partitions);
                    is_wider = true;
                }
            }
            if is_wider {
                self.inputs.assign(&self.lanes)?;
            }
        }
        Ok(())
    }

    /// Commits what is in hand and writes a checkpoint: whoever begins next has nothing to learn again.
    pub(super) fn finish(mut self) -> Result<LearnReport, ServiceError> {
        self.commit()?;
        if let Some(kept) = self.keeper.wait() {
            self.kept(kept)?;
        }
        self.keep_now()?;
        let seconds = self.started.elapsed().as_secs_f64();
        let labels = self.report.outcomes.labels();
        Ok(LearnReport {
            version: Some(self.base.version),
            update: self.update,
            labels,
            learned: self.report.outcomes.learned(),
            waiting: self.state.join.waiting.len(),
            seconds,
            labels_per_second: if seconds > 0.0 { labels as f64 / seconds } else { 0.0 },
            ..self.report
        })
    }
}
