//! Writing what came of a batch, and the offsets of its records, in one transaction.

use super::attempts::Attempts;
use super::config::ANSWER;
use super::dead_letter::{DeadLetter, DeadLetterCause, prediction_bytes};
use super::intake::ReviewConsumer;
use super::ownership::{Owned, Ownership};
use super::report::Tally;
use super::start::LostRange;
use super::work::{Outcome, ScoredBatch};
use crate::metrics;
use rdkafka::consumer::Consumer;
use rdkafka::message::{BorrowedMessage, OwnedHeaders};
use rdkafka::producer::BaseRecord;
use rdkafka::{Message, TopicPartitionList};
use service::kafka::admin::max_message_bytes;
use service::kafka::{
    Error, ErrorKind, KafkaConfig, NextOffset, NextOffsets, TransactionalProducer, committed_offsets, headers,
};
use std::ops::Range;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// What it takes to make another producer of the same id.
pub(super) struct ProducerSettings {
    pub(super) kafka: KafkaConfig,
    pub(super) transactional_id: String,
    pub(super) transaction_timeout: Duration,
}

impl ProducerSettings {
    /// Connects; ends what an earlier producer of this id left open.
    pub(super) fn connect(&self) -> Result<TransactionalProducer, Error> {
        TransactionalProducer::new(&self.kafka, &self.transactional_id, self.transaction_timeout)
    }

    /// A static member that is fenced has a successor, which it must not fence in turn.
    fn may_have_a_successor(&self) -> bool {
        self.kafka.properties.contains_key("group.instance.id")
    }
}

/// The largest records that the topics accept.
pub(super) struct Limits {
    pub(super) prediction_bytes: usize,
    pub(super) dead_letter_bytes: usize,
}

impl Limits {
    /// As the topics tell.
    pub(super) fn of(kafka: &KafkaConfig, predictions: &str, dead_letters: &str) -> Result<Self, Error> {
        let [prediction_bytes, dead_letter_bytes] = max_message_bytes(kafka, [predictions, dead_letters])?;
        Ok(Self { prediction_bytes, dead_letter_bytes })
    }
}

pub(super) struct Publisher<'c> {
    pub(super) producer: TransactionalProducer,
    pub(super) settings: ProducerSettings,
    pub(super) consumer: &'c ReviewConsumer,
    pub(super) ownership: &'c Ownership,
    pub(super) reviews: String,
    pub(super) predictions: String,
    pub(super) dead_letters: String,
    pub(super) drift: String,
    pub(super) group: String,
    pub(super) limits: Limits,
    pub(super) stop: CancellationToken,
    pub(super) report: Tally,
    /// A transaction holds at most so many records: fewer than a batch has only while Kafka refuses some.
    pub(super) part_records: usize,
}

/// A record that Kafka refuses alone: its prediction becomes a dead letter, and a dead letter leaves out more and more.
fn bury(scored: &mut ScoredBatch<'_>, place: usize, error: Error) -> Result<(), Error> {
    let outcome = scored.shares.iter_mut().flat_map(|share| &mut share.outcomes).nth(place);
    let Some((outcome, taken)) = outcome.zip(scored.batch.records.get(place)) else { return Err(error) };
    match outcome {
        Outcome::Prediction(_) => {
            let (partition, offset) = (taken.message.partition(), taken.message.offset());
            tracing::warn!("the prediction of partition {partition} offset {offset} becomes a dead letter: {error}");
            let message = format!("Kafka refuses its prediction: {error}");
            *outcome = Outcome::DeadLetter(DeadLetter::new(DeadLetterCause::Refused, message));
            Ok(())
        }
        Outcome::DeadLetter(letter) => letter.leave_out_more().then_some(()).ok_or(error),
    }
}

impl Publisher<'_> {
    /// Publishes the batch in one transaction, or in several where Kafka refuses one for a record in it: halves of it, and
    /// halves of these, until that record is alone and becomes a dead letter. What is left out belongs to another owner.
    pub(super) fn publish(&mut self, mut scored: ScoredBatch<'_>) -> Result<(), Error> {
        self.divert_what_is_too_large(&mut scored);
        let all = scored.batch.records.len();
        let mut part = 0..all.min(self.part_records);
        loop {
            match self.publish_part(&scored, &part) {
                Ok(()) => {
                    self.ownership.progress.moved();
                    self.part_records = self.part_records.saturating_mul(2);
                    if part.end == all || self.stop.is_cancelled() {
                        return Ok(());
                    }
                }
                Err(error) if error.refused_topic().is_none_or(|topic| topic == self.drift) => return Err(error),
                // What is left of the batch is left to the next owner.
                Err(_) if self.stop.is_cancelled() => return Ok(()),
                Err(_) if part.len() > 1 => {
                    self.part_records = part.len() / 2;
                    part.end = part.start;
                }
                Err(error) => {
                    bury(&mut scored, part.start, error)?;
                    part.end = part.start;
                }
            }
            part = part.end..part.end.saturating_add(self.part_records).min(all);
        }
    }

    /// Publishes these records of the batch, in as many attempts as it takes.
    fn publish_part(&mut self, scored: &ScoredBatch<'_>, part: &Range<usize>) -> Result<(), Error> {
        let mut attempts = Attempts::new();
        loop {
            let started = Instant::now();
            let error = match self.attempt(scored, part, &mut attempts) {
                Ok(Some(records)) => {
                    metrics::record_transaction(records, started.elapsed());
                    self.ownership.stages.progressed();
                    return Ok(());
                }
                Ok(None) => return Ok(()),
                Err(error) => error,
            };
            if !self.prepares_another(error, &mut attempts)? {
                return Ok(());
            }
        }
    }

    /// One transaction, by a new producer where the last one is lost. Answers how many records were committed; nothing where the
    /// worker was told to stop before it began.
    fn attempt(
        &mut self,
        scored: &ScoredBatch<'_>,
        part: &Range<usize>,
        attempts: &mut Attempts,
    ) -> Result<Option<usize>, Error> {
        attempts.made += 1;
        if attempts.has_lost_producer {
            attempts.done = self.replace_producer(scored)?;
            attempts.has_lost_producer = false;
            if self.stop.is_cancelled() {
                return Ok(None);
            }
        }
        // Between attempts the lock is free, so that a rebalance that made one fail can go on.
        let held = self.ownership.hold();
        self.transact(scored, part, &held.owned, &attempts.done)?;
        Ok(Some(self.report.add(scored, part, &held.owned)))
    }

    /// Ends what a failed attempt has left open, and waits for the time of another one; false where the worker is told to stop,
    /// for the next owner has the records then. The error where no attempt would help, or they have failed for as long as a
    /// transaction may take.
    fn prepares_another(&mut self, error: Error, attempts: &mut Attempts) -> Result<bool, Error> {
        let error = if attempts.has_lost_producer { error } else { self.abort_after(error, attempts) };
        if matches!(error, Error::NotAllowed { .. }) {
            // No attempt heals that. Readers need not wait behind what the transaction holds, if it can be told so.
            let _ = self.producer.abort();
            return Err(error);
        }
        metrics::count_abort();
        if error.refused_topic().is_some() && !attempts.has_lost_producer {
            // It would be refused again.
            return Err(error);
        }
        if !self.stop.is_cancelled() {
            self.ownership.stages.stalled(format!("transactions fail: {error}"));
            let is_over = attempts.fail(Instant::now()) >= self.settings.transaction_timeout;
            if is_over || attempts.has_lost_producer && self.settings.may_have_a_successor() {
                return Err(error);
            }
            let outcome = if attempts.has_lost_producer {
                self.ownership.stages.set_fenced(true);
                "a new producer takes over"
            } else {
                "transaction aborted"
            };
            tracing::warn!("{outcome} after attempt {}: {error}", attempts.made);
            attempts.pause(&self.stop);
        }
        if !self.stop.is_cancelled() {
            return Ok(true);
        }
        if attempts.has_lost_producer {
            // Whether its last transaction was committed, the next owner finds out.
            return Err(error);
        }
        tracing::warn!("what was not published is left to the next owner: {error}");
        Ok(false)
    }

    /// Aborts where this producer can still do so. Answers why it cannot go on, or else the error that it is given.
    fn abort_after(&self, error: Error, attempts: &mut Attempts) -> Error {
        let lost = match error.kind() {
            ErrorKind::Abort | ErrorKind::Retry => match self.producer.abort() {
                Ok(()) => return error,
                Err(lost) => lost,
            },
            ErrorKind::Fenced | ErrorKind::Fatal => error,
        };
        attempts.has_lost_producer = true;
        lost
    }

    /// Replaces a producer that can't go on. Its last transaction is over then, one way or the other; the answer, the group's
    /// committed offsets, tells which.
    fn replace_producer(&mut self, scored: &ScoredBatch<'_>) -> Result<NextOffsets, Error> {
        self.producer = self.settings.connect()?;
        let mut partitions = TopicPartitionList::new();
        for &partition in scored.batch.epochs.keys() {
            partitions.add_partition(&self.reviews, partition);
        }
        let committed = committed_offsets(self.consumer, partitions, ANSWER)
            .map_err(|source| Error::client("read the committed offsets", source))?;
        self.ownership.stages.set_fenced(false);
        Ok(NextOffsets::from_list(&committed))
    }

    fn transact(
        &self,
        scored: &ScoredBatch<'_>,
        part: &Range<usize>,
        owned: &Owned,
        done: &NextOffsets,
    ) -> Result<(), Error> {
        let batch = &scored.batch;
        let mut offsets = NextOffsets::new();
        // Those before the part are committed already, and their offsets are committed again.
        let mut outcomes = scored.outcomes().enumerate().take(part.end);
        self.producer.begin()?;
        for (partition, run) in batch.runs() {
            let is_owned = batch.is_owned(partition, owned);
            let done = done.get(&self.reviews, partition);
            let mut last = None;
            for (taken, (i, (outcome, bytes))) in run.iter().zip(outcomes.by_ref()) {
                let next = NextOffset::after(taken.message.offset());
                if is_owned && done.is_none_or(|done| done < next) {
                    if part.contains(&i) {
                        self.send(&taken.message, outcome, bytes)?;
                    }
                    last = Some(next);
                }
            }
            if let Some(next) = last {
                offsets.advance(&self.reviews, partition, next);
            }
        }
        if part.start == 0 {
            let is_open = |range: &&LostRange| {
                let done = done.get(&self.reviews, range.partition);
                batch.is_owned(range.partition, owned) && done.is_none_or(|done| done < range.to)
            };
            for range in batch.lost.iter().filter(is_open) {
                let alert = serde_json::to_vec(&range.alert(&self.reviews)).expect("an alert is JSON");
                self.producer.send(BaseRecord::to(&self.drift).key(LostRange::MONITOR).payload(&alert))?;
                offsets.advance(&self.reviews, range.partition, range.to);
            }
        }
        if offsets.is_empty() {
            // All of it belongs to others now.
            return self.producer.abort();
        }
        // With an assignment that is lost, the client's metadata would name no member, which a broker takes without a check.
        let group = self.consumer.group_metadata().filter(|_| !self.consumer.assignment_lost());
        let group = group.ok_or_else(|| Error::NotAMember { group: self.group.clone() })?;
        self.producer.commit(&offsets, &group)
    }

    fn send(&self, message: &BorrowedMessage<'_>, outcome: &Outcome, bytes: &[u8]) -> Result<(), Error> {
        match outcome {
            Outcome::Prediction(ready) => {
                let mut record =
                    BaseRecord::to(&self.predictions).key(&bytes[ready.key()]).payload(&bytes[ready.value()]);
                if let Some(traceparent) = &ready.traceparent {
                    record = record.headers(headers::with_traceparent(OwnedHeaders::new_with_capacity(1), traceparent));
                }
                self.producer.send(record)
            }
            Outcome::DeadLetter(letter) => self.producer.send(letter.record(
                &self.dead_letters,
                self.limits.dead_letter_bytes,
                message,
                &self.group,
            )),
        }
    }

    /// A prediction that its topic would refuse for its size must not hold up its partition: it becomes a dead letter.
    fn divert_what_is_too_large(&self, scored: &mut ScoredBatch<'_>) {
        for outcome in scored.shares.iter_mut().flat_map(|share| &mut share.outcomes) {
            let Outcome::Prediction(ready) = outcome else { continue };
            let bytes = prediction_bytes(ready.bytes(), ready.traceparent.as_deref());
            if bytes > self.limits.prediction_bytes {
                let message = format!("its prediction of {bytes} bytes is larger than the topic accepts");
                *outcome = Outcome::DeadLetter(DeadLetter::new(DeadLetterCause::TooLarge, message));
            }
        }
    }
}
