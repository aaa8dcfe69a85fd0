//! A learner begins: it fences the one before, reads where that one was, and goes there.

use super::error::ServiceError;
use super::history::History;
use super::inputs::Inputs;
use super::join::{Effects, Join};
use super::keeper::Keeper;
use super::merge::{Lanes, Next};
use super::pointer::{Journal, Pointer, Snapshots};
use super::positions::{Positions, Round, Source};
use super::publish::{self, Publisher};
use super::record::Record;
use super::state::{Restored, State};
use super::versions::Versions;
use super::work::Worker;
use super::{LearnReport, Learning};
use crate::config::LearnConfig;
use crate::learner::Learner;
use crate::metrics;
use model::sha256_hex;
use schemas::Timestamp;
use service::kafka::{KafkaConfig, OnLostRange};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How long a poll waits when there is nothing to do: the time within which a cancelled token is seen.
const IDLE: Duration = Duration::from_millis(50);

/// Ready to work; none where it was told to stop meanwhile.
pub(super) fn begin(learning: Learning, token: &CancellationToken) -> Result<Option<Worker>, ServiceError> {
    let Learning { kafka, topics, config, registry, name, production, runtime, until_end, health } = learning;
    let started = Instant::now();
    let names = publish::topics(&topics);
    let [reviews, predictions, feedback, models, dead_letters] = names.each_ref().map(String::as_str);
    let every = [reviews, predictions, feedback, models, dead_letters];
    kafka.check_topics(&every, "create them with `plaudit topics create`")?;
    let versions = Versions { registry: registry.clone(), name: name.clone(), runtime: runtime.clone() };
    // First of all: from now on the learner before changes nothing.
    let publisher = Publisher::new(&kafka, &name, models, feedback)?;
    let mut history = History::read(&kafka, models, &name)?;
    let pointer = history.pointer.take();
    let inputs = Inputs::new(&kafka, [reviews, predictions, feedback])?;
    let [low, high] = inputs.bounds()?;
    let settings = settings(&config);
    let begun = Begun { kafka: &kafka, config: &config, versions: &versions, low: &low, high: &high, inputs };
    let (standing, inputs) = match pointer.clone() {
        Some(pointer) => match begun.resume(pointer, token)? {
            Some(begun) => begun,
            None => return Ok(None),
        },
        None => begun.anew(*production.borrow())?,
    };
    let Standing { mut state, lanes, journal, number, update, snapshots, relearned, is_known, settings: of_before } =
        standing;
    let highest = history.highest(state.version);
    // Whoever follows may hold something else than what goes on from here: the whole model tells it.
    let must_snapshot =
        highest > update || !is_known && highest > 0 || of_before.is_some_and(|before| before != settings);
    state.learner.note_changes();
    tracing::info!(
        model.name = %name, model.version = %state.version,
        "learns from \"{feedback}\" on from {} of \"{name}\", update {update}", state.version
    );
    let mut worker = Worker {
        base: versions.base(state.version)?,
        update: update.max(highest),
        snapshots,
        new_snapshot: None,
        unusable: None,
        must_snapshot,
        tell_production: !is_known,
        catch_up: Some(high),
        keeper: Keeper::new(registry, name, runtime),
        committed_records: state.records,
        effects: Effects::default(),
        last_commit: started,
        last_round: started,
        last_checkpoint: Instant::now(),
        last_look: Instant::now(),
        report: LearnReport { relearned, ..LearnReport::default() },
        location: None,
        number,
        named: number,
        kept: None,
        is_round_over: false,
        started,
        state,
        lanes,
        journal,
        inputs,
        publisher,
        versions,
        history,
        production,
        config,
        settings,
        until_end,
        health,
    };
    worker.state.share();
    match pointer {
        Some(pointer) => worker.location = Some((pointer.state.location, pointer.state.content_sha256)),
        // From now on there is one to go on from.
        None => worker.keep_now()?,
    }
    Ok(Some(worker))
}

/// Where a learner stands when it begins.
struct Standing {
    state: State,
    lanes: Lanes,
    journal: Journal,
    /// The number of its checkpoint.
    number: u64,
    update: u64,
    snapshots: Snapshots,
    relearned: u64,
    /// A learner was here before.
    is_known: bool,
    settings: Option<String>,
}

struct Begun<'b> {
    kafka: &'b KafkaConfig,
    config: &'b LearnConfig,
    versions: &'b Versions,
    low: &'b Positions,
    high: &'b Positions,
    inputs: Inputs,
}

impl Begun<'_> {
    /// The first learner goes on from the version in production, and behind what the group has committed, if it has.
    fn anew(mut self, version: schemas::ModelVersion) -> Result<(Standing, Inputs), ServiceError> {
        let learner = Learner::from_model(self.config.clone(), &self.versions.model(version)?)?;
        let committed = self.inputs.committed(self.low)?;
        let mut from = self.low.clone();
        for source in Source::ALL {
            for (partition, from) in from.of_mut(source).iter_mut().enumerate() {
                let next = committed.get(self.inputs.topic(source), partition as i32);
                *from = next.map_or(*from, |next| next.0);
            }
        }
        self.check(&mut from)?;
        let lanes = Lanes::at(&from);
        self.inputs.assign(&lanes)?;
        let round = Round { at_millis: Timestamp::now().epoch_millis(), version: None, end: from.clone() };
        let state = State { learner, join: Join::new(self.config), version, records: 0, round };
        let standing = Standing {
            state,
            lanes,
            journal: Journal { origin: from, rounds: Vec::new() },
            number: 0,
            update: 0,
            snapshots: Snapshots::default(),
            relearned: 0,
            is_known: false,
            settings: None,
        };
        Ok((standing, self.inputs))
    }

    /// Goes on where the learner before has committed last: from its last checkpoint, through the records since.
    fn resume(
        mut self,
        pointer: Pointer,
        token: &CancellationToken,
    ) -> Result<Option<(Standing, Inputs)>, ServiceError> {
        let bytes = self.versions.checkpoint(&pointer.state.location)?;
        let Restored { mut state, mut positions, mut remembered_from } = State::from_bytes(self.config, &bytes)
            .map_err(|error| ServiceError::Checkpoint { location: pointer.state.location.clone(), error })?;
        drop(bytes);
        let had = positions.clone();
        positions.widen(self.low);
        remembered_from.widen(self.low);
        // Of what was forgotten only labels to come know less.
        for source in [Source::Reviews, Source::Predictions] {
            for (from, low) in remembered_from.of_mut(source).iter_mut().zip(self.low.of(source)) {
                if *from < *low {
                    tracing::warn!(
                        "{} records of \"{}\" are not there any more",
                        low - *from,
                        self.inputs.topic(source)
                    );
                    *from = *low;
                }
            }
        }
        self.check(&mut positions)?;
        let mut lanes = Lanes::at(&remembered_from);
        self.inputs.assign(&lanes)?;
        let mut reader = Reader { inputs: &mut self.inputs, lanes: &mut lanes, token };
        let remembered = reader.read_to(&positions, |record| {
            state.join.remember(record);
            true
        })?;
        if !remembered {
            return Ok(None);
        }
        let journal = pointer.journal();
        let from = state.records;
        let is_whole = positions.of(Source::Feedback).starts_with(had.of(Source::Feedback));
        let mut effects = Effects::default();
        let mut rounds = journal.rounds.iter();
        loop {
            let end = state.round.end.clone();
            if state.records < pointer.way.records {
                let is_read = reader.read_to(&end, |record| {
                    state.take(record, &mut effects);
                    // It was told before.
                    effects = Effects::default();
                    state.records < pointer.way.records
                })?;
                if !is_read {
                    return Ok(None);
                }
            }
            let Some(next) = rounds.next() else { break };
            reader.lanes.pass(&end);
            if let Some(version) = next.version {
                state.learner = state.learner.succeed(&self.versions.model(version)?)?;
                state.version = version;
            }
            state.round = next.clone();
            state.share();
        }
        if state.records != pointer.way.records || !is_whole {
            tracing::error!("records that were learned from are gone: the weights are not those that were published");
        }
        let settings = (state.records == pointer.way.records && is_whole).then(|| pointer.way.settings.clone());
        let standing = Standing {
            relearned: state.records - from,
            state,
            lanes,
            journal,
            number: pointer.way.number,
            update: pointer.state.update,
            snapshots: pointer.way.snapshots,
            is_known: true,
            settings: Some(settings.unwrap_or_default()),
        };
        Ok(Some((standing, self.inputs)))
    }

    /// The records from here on must be there.
    fn check(&self, from: &mut Positions) -> Result<(), ServiceError> {
        for source in Source::ALL {
            let topic = self.inputs.topic(source).to_owned();
            let bounds = self.low.of(source).iter().zip(self.high.of(source));
            for (partition, (next, (&low, &high))) in from.of_mut(source).iter_mut().zip(bounds).enumerate() {
                if *next > high {
                    let (committed, end) = (service::kafka::NextOffset(*next), service::kafka::NextOffset(high));
                    let group = self.kafka.group_of(super::inputs::ROLE);
                    let partition = partition as i32;
                    return Err(service::kafka::Error::BeyondTheEnd { topic, partition, committed, end, group }.into());
                }
                if *next < low {
                    let lost = ServiceError::LostRange { topic: topic.clone(), partition, from: *next, to: low };
                    if source == Source::Feedback && self.kafka.on_lost_range == OnLostRange::Stop {
                        return Err(lost);
                    }
                    tracing::error!("{lost}");
                    metrics::count_lost_records(low.abs_diff(*next));
                    *next = low;
                }
            }
        }
        Ok(())
    }
}

/// Reads until something is reached.
struct Reader<'r> {
    inputs: &'r mut Inputs,
    lanes: &'r mut Lanes,
    token: &'r CancellationToken,
}

impl Reader<'_> {
    /// Hands over each record before this end, until `take` has enough. False where it was told to stop.
    fn read_to(&mut self, end: &Positions, mut take: impl FnMut(Record) -> bool) -> Result<bool, ServiceError> {
        loop {
            match self.lanes.next(end, Instant::now()) {
                Next::Record(record) => {
                    if !take(record) {
                        return Ok(true);
                    }
                }
                Next::Done => {
                    self.lanes.pass(end);
                    return Ok(true);
                }
                Next::Waits => {
                    if self.token.is_cancelled() {
                        return Ok(false);
                    }
                    self.inputs.poll(self.lanes, IDLE)?;
                }
            }
        }
    }
}

/// What decides what a label does, in short.
fn settings(config: &LearnConfig) -> String {
    let LearnConfig { publish_interval_ms: _, checkpoint_interval_ms: _, .. } = config;
    let same = LearnConfig { publish_interval_ms: 0, checkpoint_interval_ms: 0, ..config.clone() };
    let text = serde_json::to_string(&same).expect("settings have string keys and finite numbers");
    sha256_hex(format!("{} {text}", env!("CARGO_PKG_VERSION")).as_bytes())
}
