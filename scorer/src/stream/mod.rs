//! The stream worker: reviews in, predictions out, exactly once.
//!
//! Three stages, each in its own thread, joined by channels of one batch: *intake* polls Kafka and collects a batch, *scoring*
//! decodes and scores it on all cores, *publishing* writes predictions, dead letters and offsets in one transaction. So one
//! batch is scored while the one before commits. A batch is what has arrived while two others were at work: a lone record goes
//! through at once, a backlog in large transactions.
//!
//! A transaction that fails in passing is aborted and written again from memory. A producer that can't go on, because its
//! transaction outlived its time-out or its commit was never confirmed, is replaced by another of the same id, which goes on
//! behind the committed offsets. An error that doesn't pass ends the worker; the next one resumes from the same offsets.

mod attempts;
mod batch;
mod config;
mod dead_letter;
mod end;
mod intake;
mod ownership;
mod positions;
mod presence;
mod progress;
mod publish;
mod report;
mod silence;
mod stage;
mod start;
mod work;

pub use config::StreamConfig;
pub use report::StreamReport;

use crate::ModelHandle;
use crate::features::Features;
use rdkafka::consumer::Consumer;
use schemas::Topics;
use service::health::Component;
use service::kafka::{Error, KafkaConfig};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// librdkafka's own default of `batch.size`.
const BATCH_BYTES: usize = 1_000_000;

/// What a worker needs.
pub struct Stream {
    /// Where Kafka is.
    pub kafka: KafkaConfig,
    /// What the topics are called.
    pub topics: Topics,
    /// Sizes and limits.
    pub config: StreamConfig,
    /// The model, kept up to date by its follower.
    pub model: ModelHandle,
    /// The online features.
    pub features: Features,
    /// Runs the reads of the online store.
    pub runtime: tokio::runtime::Handle,
    /// Stop at the end offsets seen at the start, and report quality where reviews have ratings.
    pub until_end: bool,
    /// Where readiness is told.
    pub health: Component,
}

impl Stream {
    /// Works until the token is cancelled, or the end is reached. Blocks: give it a thread of its own.
    pub fn run(mut self, token: &CancellationToken) -> Result<StreamReport, Error> {
        if self.until_end {
            // A copy nearby may lag behind the leader, which says where the end is.
            self.kafka.properties.remove("client.rack");
        }
        let dead_letters = Topics::dead_letters_of(&self.topics.reviews);
        let topics = [self.topics.reviews.as_str(), &self.topics.predictions, &dead_letters, &self.topics.drift];
        self.kafka.check_topics(&topics, "create them with `plaudit topics create`")?;

        let end = self.until_end.then(|| end::End::now(&self.kafka, &self.topics.reviews)).transpose()?;
        let transactional_id = config::transactional_id(&self.kafka);
        let limits = service::kafka::admin::max_message_bytes(&self.kafka, [&self.topics.predictions, &dead_letters])?;
        let mut writing = self.kafka.clone();
        // A batch that its topic refuses for its size would say nothing about the records in it.
        writing
            .properties
            .entry("batch.size".to_owned())
            .or_insert(limits[0].min(limits[1]).min(BATCH_BYTES).to_string());
        let settings = publish::ProducerSettings {
            kafka: writing,
            transactional_id,
            transaction_timeout: self.config.transaction_timeout(),
        };
        let producer = settings.connect()?;
        let watched = self.health.beside("progress");
        let presence = presence::Presence::new(self.health.beside("topic"));
        let ownership = Arc::new(ownership::Ownership::new(self.health));
        let starts = start::Starts::new(
            self.kafka.clone(),
            settings.transactional_id.clone(),
            self.config.transaction_timeout(),
        );
        let callbacks = ownership::Callbacks { ownership: Arc::clone(&ownership), starts };
        let consumer =
            intake::subscribe(&self.kafka, &self.topics.reviews, self.config.transaction_timeout(), callbacks)?;
        tracing::info!(
            messaging.destination.name = %self.topics.reviews,
            messaging.consumer.group.name = %self.kafka.group_of(config::ROLE),
            "scores \"{}\" into \"{}\" as {}", self.topics.reviews, self.topics.predictions, settings.transactional_id
        );

        let started = Instant::now();
        let reviews = self.topics.reviews.clone();
        let group = self.kafka.group_of(config::ROLE);
        let intake = intake::Intake {
            consumer: &consumer,
            topic: &reviews,
            group: &group,
            ownership: &ownership,
            config: &self.config,
            on_lost_range: self.kafka.on_lost_range,
            end,
            silence: silence::Silence::new(self.config.stall_timeout() / 2),
            positions: positions::Positions::default(),
            presence,
        };
        let worker = work::Worker {
            model: self.model,
            features: self.features,
            runtime: self.runtime,
            topic: self.topics.reviews.clone(),
            threads: self.config.threads(),
            keep_labels: self.until_end,
        };
        let mut publisher = publish::Publisher {
            producer,
            settings,
            consumer: &consumer,
            ownership: &ownership,
            reviews: self.topics.reviews,
            predictions: self.topics.predictions,
            dead_letters,
            drift: self.topics.drift,
            group: group.clone(),
            limits: publish::Limits { prediction_bytes: limits[0], dead_letter_bytes: limits[1] },
            stop: token.clone(),
            report: report::Tally::new(),
            part_records: usize::MAX,
            is_stalled: false,
        };
        // One batch, a full one before scoring, waits before each stage, which keeps it busy. With the one that each stage works on,
        // and the one whose features are on their way, at most six are in memory.
        let (collected, to_score) = sync_channel(1);
        let (scored, to_publish) = sync_channel(1);
        // A stage that ends, however it ends, stops the others: its channel closes, and the token says so to the intake.
        let stop = token.child_token();
        let stop_on_end = stop.clone().drop_guard();
        std::thread::scope(|scope| {
            let taking = spawn(scope, "intake", || {
                let _stop_on_end = stop.clone().drop_guard();
                // Owned by this thread: its end closes the channel, and so ends the stages behind it.
                let collected = collected;
                let taken = intake.run(&stop, &collected);
                ownership.stages.enter(stage::Stage::Draining);
                taken
            });
            let scoring = spawn(scope, "scoring", move || worker.run(&to_score, &scored));
            let watching =
                spawn(scope, "watching", || ownership.progress.watch(&watched, self.config.stall_timeout(), &stop));
            let clearing = spawn(scope, "clearing", || consumer.context().starts.clear(&consumer, &stop));
            let published = to_publish.into_iter().try_for_each(|batch| {
                let (records, bytes) = batch.batch.size();
                // What is not published when the worker is told to stop is left to the next owner.
                if !token.is_cancelled() {
                    publisher.publish(batch)?;
                }
                ownership.progress.done(records, bytes);
                Ok(())
            });
            drop(stop_on_end);
            for side in [&watching, &clearing] {
                side.thread().unpark();
            }
            let taken = taking.join();
            for stage in [scoring, watching, clearing] {
                stage.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            }
            published.and(taken.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })?;
        consumer.unsubscribe();
        Ok(publisher.report.finish(started.elapsed()))
    }
}

fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope std::thread::Scope<'scope, '_>,
    name: &str,
    run: impl FnOnce() -> T + Send + 'scope,
) -> std::thread::ScopedJoinHandle<'scope, T> {
    std::thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, run).expect("a thread can be started")
}
