//! Writing what came of a batch, and the offsets of its records, in one transaction.

use super::dead_letter::{DeadLetter, DeadLetterCause};
use super::intake::{Batch, ReviewConsumer};
use super::ownership::{Owned, Ownership};
use super::report::Tally;
use super::work::{Outcome, ScoredBatch};
use crate::metrics;
use rdkafka::Message;
use rdkafka::consumer::Consumer;
use rdkafka::message::{BorrowedMessage, OwnedHeaders};
use rdkafka::producer::BaseRecord;
use service::kafka::{Error, ErrorKind, NextOffsets, TransactionalProducer, headers};
use std::time::{Duration, Instant};

/// A batch is tried this often: with the pauses between, longer than a broker takes to be replaced.
const MAX_ATTEMPTS: u32 = 12;

/// The first pause between attempts; each next one is twice as long, up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// Sizes that a topic has refused: what is as large goes another way from then on.
pub(super) struct Limits {
    prediction_bytes: usize,
    dead_letter_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { prediction_bytes: usize::MAX, dead_letter_bytes: usize::MAX }
    }
}

pub(super) struct Publisher<'c> {
    pub(super) producer: TransactionalProducer,
    pub(super) consumer: &'c ReviewConsumer,
    pub(super) ownership: &'c Ownership,
    pub(super) reviews: String,
    pub(super) predictions: String,
    pub(super) dead_letters: String,
    pub(super) group: String,
    pub(super) limits: Limits,
    pub(super) report: Tally,
}

impl Publisher<'_> {
    /// Publishes the batch, in as many attempts as it takes. What is left out belongs to another owner.
    pub(super) fn publish(&mut self, mut scored: ScoredBatch<'_>) -> Result<(), Error> {
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            let started = Instant::now();
            self.divert_what_is_too_large(&mut scored);
            // Between attempts the lock is free, so that a rebalance that made one fail can go on.
            let outcome = {
                let held = self.ownership.hold();
                self.transact(&scored, &held.owned).map(|()| self.report.add(&scored, &held.owned))
            };
            let error = match outcome {
                Ok(()) => {
                    metrics::record_transaction(scored.outcomes.len(), started.elapsed());
                    return Ok(());
                }
                Err(error) => error,
            };
            let may_pass = matches!(error.kind(), ErrorKind::Abort | ErrorKind::Retry) && attempt < MAX_ATTEMPTS;
            if !may_pass {
                return Err(error);
            }
            metrics::count_abort();
            self.producer.abort()?;
            if self.lower_the_limit(&error) {
                continue;
            }
            tracing::warn!("transaction aborted, attempt {attempt} of {MAX_ATTEMPTS}: {error}");
            std::thread::park_timeout(pause);
            pause = (pause * 2).min(MAX_PAUSE);
        }
        Ok(())
    }

    fn transact(&self, scored: &ScoredBatch<'_>, owned: &Owned) -> Result<(), Error> {
        let ScoredBatch { batch, outcomes } = scored;
        let mut offsets = NextOffsets::new();
        self.producer.begin()?;
        for (taken, outcome) in batch.records.iter().zip(outcomes) {
            let message = &taken.message;
            if !is_owned(batch, message.partition(), owned) {
                continue;
            }
            match outcome {
                Outcome::Prediction(ready) => {
                    let mut record = BaseRecord::to(&self.predictions).key(&ready.key).payload(&ready.value);
                    if let Some(traceparent) = &ready.traceparent {
                        record =
                            record.headers(headers::with_traceparent(OwnedHeaders::new_with_capacity(1), traceparent));
                    }
                    self.producer.send(record)?;
                }
                Outcome::DeadLetter(letter) => self.bury(message, letter)?,
            }
            offsets.done(&self.reviews, message.partition(), message.offset());
        }
        if offsets.is_empty() {
            // All of it belongs to others now.
            return self.producer.abort();
        }
        let group = self.consumer.group_metadata().ok_or_else(|| {
            Error::client(
                "read the group's metadata",
                rdkafka::error::KafkaError::ClientCreation("no group".to_owned()),
            )
        })?;
        self.producer.commit(&offsets, &group)
    }

    fn bury(&self, message: &BorrowedMessage<'_>, letter: &DeadLetter) -> Result<(), Error> {
        let mut record: BaseRecord<'_, [u8], [u8]> =
            BaseRecord::to(&self.dead_letters).headers(letter.headers(message, &self.group));
        if let Some(key) = message.key() {
            record = record.key(key);
        }
        match message.payload() {
            Some(payload) if !letter.omit_payload => record = record.payload(payload),
            _ => {}
        }
        self.producer.send(record)
    }

    /// A record that its topic refuses for its size must not hold up its partition: a prediction becomes a dead letter, a
    /// dead letter leaves its payload in the source, which its headers name.
    fn divert_what_is_too_large(&self, scored: &mut ScoredBatch<'_>) {
        for (taken, outcome) in scored.batch.records.iter().zip(&mut scored.outcomes) {
            match outcome {
                Outcome::Prediction(ready) if ready.key.len() + ready.value.len() > self.limits.prediction_bytes => {
                    let bytes = ready.value.len();
                    *outcome = Outcome::DeadLetter(DeadLetter {
                        cause: DeadLetterCause::TooLarge,
                        message: format!("its prediction of {bytes} bytes is larger than the topic accepts"),
                        omit_payload: taken.message.payload_len() + taken.message.key_len()
                            > self.limits.dead_letter_bytes,
                    });
                }
                Outcome::DeadLetter(letter) => {
                    letter.omit_payload |=
                        taken.message.payload_len() + taken.message.key_len() > self.limits.dead_letter_bytes;
                }
                Outcome::Prediction(_) => {}
            }
        }
    }

    fn lower_the_limit(&mut self, error: &Error) -> bool {
        let Error::RecordTooLarge { topic, size_bytes } = error else { return false };
        let limit = if *topic == self.predictions {
            &mut self.limits.prediction_bytes
        } else {
            &mut self.limits.dead_letter_bytes
        };
        let lower = size_bytes.saturating_sub(1);
        let is_progress = lower < *limit;
        *limit = lower.min(*limit);
        is_progress
    }
}

/// Whether the assignment by which the batch holds the partition still stands.
pub(super) fn is_owned(batch: &Batch<'_>, partition: i32, owned: &Owned) -> bool {
    batch.epochs.get(&partition).copied() == owned.epoch(partition)
}
