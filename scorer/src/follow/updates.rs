//! The online learner's updates of the model in use, from the topic `models`: what has come is applied to the parts of the base,
//! many updates at once where many wait, and the model that results is swapped in one step. Nothing that comes, or does not, stops
//! those who score: they go on with what they have. `docs/UPDATES.md` is the protocol.

use super::arrived::{Arrived, MANY_UPDATES, Waiting};
use super::topic::ModelsTopic;
use crate::{LoadedModel, metrics};
use model::{Base, Model, Update, UpdatedModel};
use registry::Registry;
use schemas::ModelName;
use service::kafka::{Error, KafkaConfig};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

/// How long a record is waited for, before it is looked whether the base has changed.
const POLL: Duration = Duration::from_millis(50);

/// What is missing is looked for again after this time: the topic, its broker, an update in the registry.
const AGAIN: Duration = Duration::from_secs(5);

/// Models follow each other at least so far apart; and so many times as far as it takes to make one, so that a large model leaves
/// the processor to scoring.
const LEAST_INTERVAL: Duration = Duration::from_millis(50);
const SHARE: u32 = 4;

/// So many updates are applied at once at most: then it is looked whether a snapshot has come, or another base is in use.
const MOST_AT_ONCE: u64 = 512;

/// Applies updates to the model that a [`ModelHandle`](crate::ModelHandle) gives out.
pub struct UpdateFollower {
    kafka: KafkaConfig,
    topic: String,
    registry: Registry,
    name: ModelName,
    runtime: Handle,
    current: watch::Sender<Arc<LoadedModel>>,
    arrived: Arrived,
    /// The base with its updates; none before the first.
    updated: Option<UpdatedModel>,
    /// The number that was swapped in last.
    published: u64,
    /// Where updates are missing: at which number, and when it is looked for them again.
    gap: Option<Gap>,
    /// The last snapshot that could not be fetched for now.
    tried: u64,
    /// What was last said in the log, so that it is said once.
    complaint: Option<String>,
    /// Told when the topic has been read for the first time, or could not be.
    looked: Option<oneshot::Sender<()>>,
}

#[derive(Clone, Copy)]
struct Gap {
    at: u64,
    again: Instant,
}

impl UpdateFollower {
    pub(super) fn new(
        (kafka, topic): (KafkaConfig, String),
        (registry, name): (Registry, ModelName),
        current: watch::Sender<Arc<LoadedModel>>,
    ) -> Self {
        let arrived = Arrived::new(name.clone(), base_of(&current.borrow()));
        Self {
            kafka,
            topic,
            registry,
            name,
            runtime: Handle::current(),
            current,
            arrived,
            updated: None,
            published: 0,
            gap: None,
            tried: 0,
            complaint: None,
            looked: None,
        }
    }

    /// Is ready when the topic has been read for the first time, or when it turns out that it cannot be.
    pub fn looked(&mut self) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        self.looked = Some(sender);
        receiver
    }

    /// Follows until the token is cancelled. Blocks.
    pub fn run(mut self, token: &CancellationToken) {
        metrics::set_model_update(&self.current.borrow().reference);
        while !token.is_cancelled() {
            if let Err(error) = self.follow(token) {
                self.complain(&error);
                self.looked = None;
                self.pause(token);
            }
        }
    }

    /// Reads the topic for as long as it is there.
    fn follow(&mut self, token: &CancellationToken) -> Result<(), Error> {
        let Some(mut topic) = ModelsTopic::open(&self.kafka, &self.topic, token)? else { return Ok(()) };
        self.begin();
        let (mut last, mut interval) = (Instant::now(), Duration::ZERO);
        while !token.is_cancelled() {
            if *self.arrived.base() != base_of(&self.current.borrow()) {
                self.begin();
                topic.begin()?;
            } else if self.is_set_back() {
                self.publish(None);
            }
            if let Some(record) = topic.next(POLL)?
                && let Err(reason) = self.arrived.take(&record)
            {
                refuse(&reason);
            }
            if topic.is_read() && last.elapsed() >= interval {
                if let Some(making) = self.settle(token) {
                    (last, interval) = (Instant::now(), LEAST_INTERVAL.max(making * SHARE));
                }
                self.complaint = None;
                self.looked = None;
            }
        }
        Ok(())
    }

    /// Takes all that comes from now on; of another base nothing is known yet.
    fn begin(&mut self) {
        let base = base_of(&self.current.borrow());
        if self.updated.as_ref().is_some_and(|updated| *updated.base() != base) {
            self.updated = None;
            self.published = 0;
        }
        self.arrived = Arrived::new(self.name.clone(), base);
        (self.gap, self.tried) = (None, 0);
    }

    /// Whether the alias went elsewhere and came back meanwhile, so that the version as trained is in use.
    fn is_set_back(&self) -> bool {
        self.published > 0 && self.current.borrow().reference.update == 0
    }

    /// Applies what has come; answers how long it took to make the model, if there is another one.
    fn settle(&mut self, token: &CancellationToken) -> Option<Duration> {
        let before = self.number();
        self.arrived.forget_to(before);
        if self.arrived.latest() <= before || self.is_pausing(before) {
            return None;
        }
        let mut is_missing = !self.take_snapshot(token);
        let (first, mut sent_at_millis) = (self.number(), None);
        while !is_missing && self.number() < self.arrived.latest().min(first + MOST_AT_ONCE) && !token.is_cancelled() {
            let next = self.number() + 1;
            let waiting = self.arrived.remove(next);
            sent_at_millis = waiting.as_ref().and_then(|waiting| waiting.sent_at_millis).or(sent_at_millis);
            is_missing = !self.apply(next, waiting, token);
        }
        let now = self.number();
        if is_missing || now >= self.arrived.latest() {
            self.note_gap(token);
        }
        if now == before {
            return None;
        }
        metrics::count_model_updates(now - before);
        let started = Instant::now();
        self.publish(sent_at_millis).then(|| started.elapsed())
    }

    /// The number that the model is at.
    fn number(&self) -> u64 {
        self.updated.as_ref().map_or(0, UpdatedModel::number)
    }

    /// Whether it was looked for what is missing a moment ago, and nothing has come since that would help.
    fn is_pausing(&self, number: u64) -> bool {
        let ahead = self.arrived.snapshot().map(|snapshot| snapshot.update).filter(|update| *update > number);
        let may_help = match ahead {
            Some(update) => update > self.tried,
            None => self.arrived.has(number + 1),
        };
        self.gap.is_some_and(|gap| gap.at == number && Instant::now() < gap.again) && !may_help
    }

    /// Goes on from the last snapshot, where that is shorter or the only way. False where it could not be fetched for now: what
    /// the registry has under the numbers up to it may be of a learner that died, and is no substitute.
    fn take_snapshot(&mut self, token: &CancellationToken) -> bool {
        let number = self.number();
        let Some(snapshot) = self.arrived.snapshot().filter(|snapshot| snapshot.update > number) else { return true };
        let are_few = snapshot.update - number <= MANY_UPDATES;
        if are_few && (number + 1..=snapshot.update).all(|number| self.arrived.has(number)) {
            return true;
        }
        let fetched = self.runtime.block_on(token.run_until_cancelled(self.registry.snapshot(snapshot)));
        let at = snapshot.update;
        let refusal = match fetched {
            None => return false,
            Some(Ok(bytes)) => match Model::from_bytes(&bytes) {
                Ok(model) => {
                    self.updated = Some(UpdatedModel::new(self.arrived.base().clone(), at, &model));
                    self.arrived.forget_to(at);
                    return true;
                }
                Err(error) => error.to_string(),
            },
            Some(Err(error @ registry::Error::Damaged { .. })) => error.to_string(),
            Some(Err(error)) => {
                tracing::debug!("snapshot {at} cannot be fetched: {error}");
                self.tried = at;
                return false;
            }
        };
        refuse(&format!("snapshot {at}: {refusal}"));
        // Another one may come; this one is of no use.
        self.arrived.forget_snapshot();
        true
    }

    /// Applies the next update: that of the topic, or where it is not there or cannot be read, that of the registry.
    fn apply(&mut self, number: u64, waiting: Option<Waiting>, token: &CancellationToken) -> bool {
        if let Some(bytes) = waiting.and_then(|waiting| waiting.bytes) {
            match self.apply_bytes(number, &bytes) {
                Ok(()) => return true,
                Err(reason) => refuse(&reason),
            }
        }
        let version = self.arrived.base().version;
        let stored = self.registry.update(&self.name, version, number);
        match self.runtime.block_on(token.run_until_cancelled(stored)) {
            None | Some(Ok(None)) => false,
            Some(Ok(Some(bytes))) => match self.apply_bytes(number, &bytes) {
                Ok(()) => true,
                Err(reason) => {
                    // It is fetched again for as long as it is missing, and said once.
                    if self.gap.is_none_or(|gap| gap.at + 1 != number) {
                        refuse(&reason);
                    }
                    false
                }
            },
            Some(Err(error)) => {
                tracing::debug!("update {number} cannot be fetched: {error}");
                false
            }
        }
    }

    fn apply_bytes(&mut self, number: u64, bytes: &[u8]) -> Result<(), String> {
        let update = Update::from_bytes(bytes).map_err(|error| format!("update {number}: {error}"))?;
        let base = self.arrived.base();
        let updated = match &mut self.updated {
            Some(updated) => updated,
            none => {
                // Those who score are not kept from it meanwhile.
                let current = Arc::clone(&self.current.borrow());
                if base_of(&current) != *base {
                    return Err(format!("update {number}: {} is no longer in use", base.version));
                }
                none.insert(UpdatedModel::new(base.clone(), 0, &current.model))
            }
        };
        updated.apply(&update).map_err(|error| error.to_string())
    }

    /// Says once where updates are missing, and once when they are not any more.
    fn note_gap(&mut self, token: &CancellationToken) {
        let (at, latest) = (self.number(), self.arrived.latest());
        if token.is_cancelled() {
            return;
        }
        if at >= latest {
            if self.gap.take().is_some() {
                tracing::info!(model.name = %self.name, model.update = at, "no update is missing any more, up to {at}");
            }
            return;
        }
        if self.gap.is_none() {
            metrics::count_model_update_gap();
            let version = self.arrived.base().version;
            tracing::warn!(
                model.name = %self.name, model.version = %version, model.update = at,
                "goes on with model \"{}\" {version} at update {at}: update {} is missing, and {latest} is there; it is waited \
                 for, or for a snapshot", self.name, at + 1
            );
        }
        self.gap = Some(Gap { at, again: Instant::now() + AGAIN });
    }

    /// Swaps the model, if the base is still in use.
    fn publish(&mut self, sent_at_millis: Option<i64>) -> bool {
        let Some(updated) = &self.updated else { return false };
        let model = match updated.to_model() {
            Ok(model) => model,
            Err(error) => {
                refuse(&format!("update {}: {error}", updated.number()));
                self.published = 0;
                return false;
            }
        };
        let base = updated.base();
        let loaded = Arc::new(self.current.borrow().with_update(model, updated.number()));
        // Dropped behind it: the last one to use a model frees megabytes.
        let mut before = None;
        let is_in_use = self.current.send_if_modified(|current| {
            let is_in_use = base_of(current) == *base;
            if is_in_use {
                before = Some(std::mem::replace(current, Arc::clone(&loaded)));
            }
            is_in_use
        });
        drop(before);
        if is_in_use {
            self.published = updated.number();
            metrics::set_model_update(&loaded.reference);
            sent_at_millis.into_iter().for_each(metrics::set_model_update_time);
            tracing::debug!(
                model.name = %self.name, model.version = %base.version, model.update = updated.number(),
                "model \"{}\" {} is at update {}", self.name, base.version, updated.number()
            );
        }
        is_in_use
    }

    fn complain(&mut self, error: &Error) {
        let complaint = error.to_string();
        if self.complaint.as_ref() == Some(&complaint) {
            return;
        }
        // Who learns from nothing has no such topic.
        if matches!(error, Error::MissingTopics { .. }) {
            tracing::info!("scores without online updates: {complaint}");
        } else {
            tracing::warn!("scores without online updates until they can be read: {complaint}");
        }
        self.complaint = Some(complaint);
    }

    fn pause(&self, token: &CancellationToken) {
        // Cancelled, or over: both is the end of it. A timer is made within the runtime.
        let _ = self.runtime.block_on(async { tokio::time::timeout(AGAIN, token.cancelled()).await });
    }
}

/// What updates of this model go on from.
fn base_of(model: &LoadedModel) -> Base {
    Base { version: model.reference.version, sha256: model.sha256.clone() }
}

fn refuse(reason: &str) {
    metrics::count_refused_model_update();
    tracing::warn!("passes over a record of the topic of models: {reason}");
}
