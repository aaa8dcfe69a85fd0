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

mod asked;
mod attempts;
mod batch;
mod config;
mod dead_letter;
mod end;
mod intake;
mod join;
mod others;
mod ownership;
mod pipeline;
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
use std::time::Instant;
use tokio_util::sync::CancellationToken;

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
        let limits = publish::Limits::of(&self.kafka, &self.topics.predictions, &dead_letters)?;
        let settings = self.producer_settings(&limits);
        let producer = settings.connect()?;
        let watched = self.health.beside("progress");
        let presence = presence::Presence::new(self.health.beside("topic"));
        let ownership = Arc::new(ownership::Ownership::new(self.health.clone()));
        let consumer = self.join(&settings.transactional_id, &ownership)?;

        let started = Instant::now();
        let (reviews, group) = (self.topics.reviews.clone(), self.kafka.group_of(config::ROLE));
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
            topic: reviews.clone(),
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
            limits,
            stop: token.clone(),
            report: report::Tally::new(),
            part_records: usize::MAX,
        };
        let watch = pipeline::Watch { component: watched, limit: self.config.stall_timeout() };
        pipeline::run(intake, &worker, &mut publisher, &watch, token)?;
        consumer.unsubscribe();
        Ok(publisher.report.finish(started.elapsed()))
    }

    /// What this worker writes with.
    fn producer_settings(&self, limits: &publish::Limits) -> publish::ProducerSettings {
        let mut kafka = self.kafka.clone();
        // A batch that its topic refuses for its size would say nothing about the records in it.
        let batch_bytes = self.kafka.batch_bytes().min(limits.prediction_bytes).min(limits.dead_letter_bytes);
        kafka.properties.entry("batch.size".to_owned()).or_insert(batch_bytes.to_string());
        publish::ProducerSettings {
            kafka,
            transactional_id: config::transactional_id(&self.kafka),
            transaction_timeout: self.config.transaction_timeout(),
        }
    }

    /// Joins the consumer group, and says so.
    fn join(
        &self,
        transactional_id: &str,
        ownership: &Arc<ownership::Ownership>,
    ) -> Result<intake::ReviewConsumer, Error> {
        let transaction_timeout = self.config.transaction_timeout();
        let starts = start::Starts::new(self.kafka.clone(), transactional_id.to_owned(), transaction_timeout);
        let callbacks = ownership::Callbacks { ownership: Arc::clone(ownership), starts };
        let Topics { reviews, predictions, .. } = &self.topics;
        let consumer = join::join(&self.kafka, reviews, transaction_timeout, callbacks)?;
        tracing::info!(
            messaging.destination.name = %reviews,
            messaging.consumer.group.name = %self.kafka.group_of(config::ROLE),
            "scores \"{reviews}\" into \"{predictions}\" as {transactional_id}"
        );
        Ok(consumer)
    }
}
