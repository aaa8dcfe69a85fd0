//! Alerts of drift that begin runs: read from their topic as a member of the group `<kafka.group>.retrain`. Of those that
//! wait only the last is kept, for one run answers all; offsets are committed when it is dealt with, so that an alert survives
//! a restart, and the history knows those that were dealt with before.

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message};
use registry::Trigger;
use schemas::{Alert, Timestamp};
use service::kafka::{Access, Error, ErrorKind, KafkaConfig, NextOffsets};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The part of the group's name that is ours.
const ROLE: &str = "retrain";
const POLL: Duration = Duration::from_millis(100);
/// Errors that pass are told no more often.
const TELL_AGAIN: Duration = Duration::from_secs(60);

/// An alert and its place among those that were seen.
type Seen = Option<(u64, Trigger)>;

/// What was read, for whoever answers.
#[derive(Debug, Clone)]
pub struct Alerts {
    seen: watch::Receiver<Seen>,
    answered: Arc<AtomicU64>,
}

/// Reads the topic.
pub struct AlertReader {
    kafka: KafkaConfig,
    topic: String,
    monitors: Vec<String>,
    seen: watch::Sender<Seen>,
    answered: Arc<AtomicU64>,
}

impl AlertReader {
    /// A reader of the alerts of some monitors, and what it reads. [`AlertReader::run`] is for a thread.
    pub fn new(kafka: KafkaConfig, topic: String, monitors: Vec<String>) -> (Self, Alerts) {
        let (seen, receiver) = watch::channel(None);
        let answered = Arc::new(AtomicU64::new(0));
        let alerts = Alerts { seen: receiver, answered: Arc::clone(&answered) };
        (Self { kafka, topic, monitors, seen, answered }, alerts)
    }

    /// Reads until the token is cancelled.
    pub fn run(self, stop: &CancellationToken) -> Result<(), Error> {
        self.kafka.check_topics(&[self.topic.as_str()], "`plaudit topics create` makes it")?;
        let consumer: BaseConsumer =
            self.kafka.consumer(ROLE).create().map_err(|source| Error::client("create a consumer", source))?;
        consumer.subscribe(&[self.topic.as_str()]).map_err(|source| Error::client("subscribe", source))?;
        let (mut read, mut count) = (NextOffsets::new(), 0_u64);
        let mut told: Option<Instant> = None;
        while !stop.is_cancelled() {
            match consumer.poll(POLL) {
                Some(Ok(record)) => {
                    if let Some(trigger) = self.trigger(&record) {
                        count += 1;
                        tracing::info!("an alert asks for a retraining: {trigger}");
                        self.seen.send_replace(Some((count, trigger)));
                    }
                    read.done(record.topic(), record.partition(), record.offset());
                }
                Some(Err(error)) => {
                    let needs = [Access::read_topic(&self.topic), Access::read_group(self.kafka.group_of(ROLE))];
                    let error = Error::refused_or_client("read alerts", error, &needs);
                    if error.kind() == ErrorKind::Fatal {
                        return Err(error);
                    }
                    if told.is_none_or(|told| told.elapsed() > TELL_AGAIN) {
                        told = Some(Instant::now());
                        tracing::warn!("{error}; reading goes on");
                    }
                }
                None => {}
            }
            // While one waits, a restart has to find it again.
            if !read.is_empty() && self.answered.load(Ordering::Acquire) == count {
                commit(&consumer, &std::mem::take(&mut read))?;
            }
        }
        Ok(())
    }

    /// The alert in a record, if it is one of the monitors that are listened to.
    fn trigger(&self, record: &BorrowedMessage<'_>) -> Option<Trigger> {
        let place = format!("{}/{}@{}", record.topic(), record.partition(), record.offset());
        let alert = match Alert::decode(record.payload().unwrap_or_default()) {
            Ok(alert) => alert,
            Err(error) => {
                tracing::warn!("what stands at {place} is no alert, and is passed over: {error}");
                return None;
            }
        };
        if !self.monitors.contains(&alert.monitor) {
            return None;
        }
        let written = record.timestamp().to_millis().and_then(Timestamp::from_epoch_millis);
        Some(Trigger::Drift {
            monitor: alert.monitor,
            alert: place,
            message: alert.message,
            raised_at: written.unwrap_or(alert.since),
        })
    }
}

fn commit(consumer: &BaseConsumer, read: &NextOffsets) -> Result<(), Error> {
    let committed = consumer.commit(&read.to_list()?, CommitMode::Sync);
    match committed {
        Ok(()) => Ok(()),
        // The group has given the partition to another member, which begins where it was committed last.
        Err(KafkaError::ConsumerCommit(
            RDKafkaErrorCode::IllegalGeneration
            | RDKafkaErrorCode::RebalanceInProgress
            | RDKafkaErrorCode::UnknownMemberId
            | RDKafkaErrorCode::NoOffset,
        )) => Ok(()),
        Err(source) => {
            let error = Error::client("commit the offsets of alerts", source);
            if error.kind() == ErrorKind::Fatal {
                return Err(error);
            }
            // What was dealt with is known from the history.
            tracing::warn!("{error}");
            Ok(())
        }
    }
}

impl Alerts {
    /// The last alert that nobody has taken, if there is one.
    pub(super) fn take(&mut self) -> Option<(u64, Trigger)> {
        if !self.seen.has_changed().unwrap_or(false) {
            return None;
        }
        self.seen.borrow_and_update().clone()
    }

    /// Waits for an alert that nobody has taken; for ever, when none can come any more.
    pub(super) async fn changed(&mut self) {
        if self.seen.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        self.seen.mark_changed();
    }

    /// All alerts up to this one are dealt with.
    pub(super) fn answered(&self, count: u64) {
        self.answered.store(count, Ordering::Release);
    }
}
