//! The verb `ingest`: reviews, feedback and predictions from Kafka into the offline store, each offset exactly once, and
//! ratings into online features, each exactly once.
//!
//! Stages in threads of their own, joined by short channels: *intake* polls Kafka and collects batches, *decoding* makes rows of
//! them and updates online features, *filing* makes files of the rows, *storing* creates the files and commits offsets. Beside them, *placing* finds out
//! where each assigned partition begins: where the chain of its files ends. A process that is killed leaves nothing but complete
//! files; the next one begins behind them.

mod batch;
mod callbacks;
mod config;
mod decoding;
mod ends;
mod error;
mod filing;
mod intake;
mod lane;
mod liveness;
mod online;
mod placing;
mod report;
mod storing;
#[cfg(test)]
mod tests;
mod waiting;

pub use config::IngestConfig;
pub use error::ServiceError;
pub use online::UpdateCounts;
pub use report::IngestReport;

use callbacks::Callbacks;
use ends::Ends;
use feature_store::offline::store::Store;
use feature_store::online::OnlineStore;
use lane::{Lanes, TopicNames};
use liveness::Liveness;
use rdkafka::consumer::Consumer;
use report::Tally;
use schemas::Topics;
use service::health::Component;
use service::kafka::KafkaConfig;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{channel, sync_channel};
use std::thread::{Builder, Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use waiting::Waiting;

/// The role in the consumer group's name.
const ROLE: &str = "ingest";

/// What is in hand is written within this time when the process is told to stop; what is not stays in Kafka.
pub const GRACE: Duration = Duration::from_secs(45);
/// Finished files that wait to be stored.
const FINISHED: usize = 16;
/// An update of online features that is left out then comes again from Kafka.
const ONLINE_GRACE: Duration = Duration::from_secs(10);

/// What an ingest needs.
pub struct Ingest {
    /// Where Kafka is.
    pub kafka: KafkaConfig,
    /// What the topics are called.
    pub topics: Topics,
    /// Sizes and limits.
    pub config: IngestConfig,
    /// Where files go.
    pub offline: Option<Store>,
    /// Where online features go.
    pub online: Option<OnlineStore>,
    /// Runs the requests to the stores.
    pub runtime: tokio::runtime::Handle,
    /// Stop at the end offsets seen at the start.
    pub until_end: bool,
    /// Where readiness is told.
    pub health: Component,
}

impl Ingest {
    /// Works until the token is cancelled, or the end is reached. Blocks: give it a thread of its own.
    pub fn run(self, token: &CancellationToken) -> Result<IngestReport, ServiceError> {
        let Self { kafka, topics, config, offline, online, runtime, until_end, health } = self;
        if offline.is_none() && online.is_none() {
            return Err(ServiceError::NoStore);
        }
        health.not_ready("joins the consumer group");
        let names = TopicNames::new(&topics);
        kafka.check_topics(&names.all(), "create them with `plaudit topics create`")?;
        let waiting = Waiting::new(health.beside("offline store"), &runtime, GRACE);
        if let Some(store) = &offline
            && waiting.until_begun(token, async || Ok(store.check_writable().await?))?.is_none()
        {
            return Ok(IngestReport::default());
        }
        let ends = if until_end { Some(Ends::now(&kafka, &names)?) } else { None };
        let lanes = Arc::new(Lanes::new());
        let (requests, to_place) = channel();
        let callbacks = Callbacks { names: names.clone(), lanes: Arc::clone(&lanes), requests, health: health.clone() };
        let consumer = intake::subscribe(&kafka, &names, callbacks)?;
        let group = kafka.group_of(ROLE);
        tracing::info!(messaging.consumer.group.name = %group, "writes {}", names.all().join(", "));

        let started = Instant::now();
        let online_waits = Waiting::new(health.beside("online store"), &runtime, ONLINE_GRACE);
        let (placed, starts) = channel();
        let (restart, to_restart) = channel();
        let (stored, to_forget) = channel();
        // One batch or step waits before each stage, which keeps it busy. Files that are finished count as memory in hand.
        let (collected, to_decode) = sync_channel(1);
        let (decoded, to_file) = sync_channel(1);
        let (filed, to_store) = sync_channel(FINISHED);
        let placer = placing::Placer {
            consumer: &consumer,
            asking: placing::asking(&kafka)?,
            kafka: &kafka,
            group: &group,
            names: &names,
            lanes: &lanes,
            offline: offline.as_ref(),
            online: online.is_some(),
            runtime: &runtime,
            health: health.beside("start"),
        };
        let intake = intake::Intake {
            consumer: &consumer,
            group: &group,
            names: &names,
            lanes: &lanes,
            config: &config,
            ends: ends.as_ref(),
            health: &health,
            liveness: Liveness::new(health.beside("progress"), config.stall_timeout()),
            placed: starts,
            to_restart,
            read: HashMap::new(),
            looked_at_positions: Instant::now(),
            looked_at_others: None,
            ended_files: false,
        };
        // A stage that ends, however it ends, stops the others: its channel closes, and the token says so to the intake.
        let stop = token.child_token();
        let decoding = decoding::Decoding {
            names: &names,
            lanes: &lanes,
            files: offline.is_some(),
            online: online.as_ref().map(|store| online::Online {
                store,
                names: &names,
                waiting: &online_waits,
                stop: &stop,
                counts: UpdateCounts::default(),
            }),
        };
        let filing = filing::Filing {
            names: &names,
            lanes: &lanes,
            config: &config,
            files: offline.is_some(),
            ready: filed,
            stored: to_forget,
            waiting_bytes: 0,
            in_hand: HashMap::new(),
            ends: HashMap::new(),
        };
        let storing = storing::Storing {
            consumer: &consumer,
            names: &names,
            lanes: &lanes,
            offline: offline.as_ref(),
            waiting: &waiting,
            void: HashMap::new(),
            to_restart: restart,
            stored,
            tally: Tally::default(),
        };
        let (tally, updates) = std::thread::scope(|scope| {
            let placing = spawn(scope, "placing", || {
                let to_place = to_place;
                let _stop_on_end = stop.clone().drop_guard();
                placer.run(&to_place, &placed, &stop)
            });
            let taking = spawn(scope, "intake", || {
                let _stop_on_end = stop.clone().drop_guard();
                // Owned by this thread: its end closes the channel, and so ends the stages behind it.
                let collected = collected;
                intake.run(&stop, &collected)
            });
            let decoding = spawn(scope, "decoding", || {
                let (decoding, to_decode, decoded) = (decoding, to_decode, decoded);
                let _stop_on_end = stop.clone().drop_guard();
                decoding.run(to_decode, &decoded)
            });
            let filing = spawn(scope, "filing", || {
                let (filing, to_file) = (filing, to_file);
                let _stop_on_end = stop.clone().drop_guard();
                filing.run(&to_file)
            });
            let stored = {
                let _stop_on_end = stop.clone().drop_guard();
                storing.run(to_store, &stop)
            };
            let joined = [join(placing), join(taking), join(filing)];
            let updates = join(decoding);
            let tally = stored?;
            joined.into_iter().collect::<Result<Vec<()>, ServiceError>>()?;
            Ok::<_, ServiceError>((tally, updates?))
        })?;
        health.not_ready("stops");
        consumer.unsubscribe();
        Ok(tally.finish(updates, started.elapsed()))
    }
}

fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    run: impl FnOnce() -> T + Send + 'scope,
) -> ScopedJoinHandle<'scope, T> {
    Builder::new().name(name.to_owned()).spawn_scoped(scope, run).expect("a thread can be started")
}

fn join<T>(handle: ScopedJoinHandle<'_, T>) -> T {
    handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
