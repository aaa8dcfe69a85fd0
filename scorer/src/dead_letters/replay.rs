//! Sends dead letters back to where they came from, each once: one transaction holds the records and the marker that names
//! their letters. A fixed transactional id makes sure that of two replays at a time the later goes on alone, and knows all that
//! the earlier has done. A letter that its topic does not take stays where it is, and holds up no other.

mod batch;
mod origins;
mod report;

pub use report::{Example, Obstacle, ReplayReport};

use super::letter::Entry;
use super::offset_set::OffsetSet;
use super::reader::{ROLE, Reader, Span};
use super::{DeadLetterTopic, Error, Letter, Progress, Selection, marker};
use crate::StreamConfig;
use batch::Batch;
use origins::{Origins, not_allowed};
use rdkafka::Message;
use rdkafka::message::BorrowedMessage;
use report::Refusal;
use service::kafka::{Error as KafkaFailure, ErrorKind, TransactionalProducer};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// A transaction is tried this often.
const MAX_ATTEMPTS: u32 = 8;

/// The first pause between attempts; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// What to replay.
#[derive(Debug)]
pub struct Replay {
    /// Where the letters are.
    pub topic: DeadLetterTopic,
    /// Which of them.
    pub selection: Selection,
    /// The bounds of a transaction.
    pub config: StreamConfig,
    /// Only tell what would be done.
    pub dry_run: bool,
}

impl Replay {
    /// Replays until the letters that are there now end or `stop` is cancelled. Blocks.
    pub fn run(&self, stop: &CancellationToken, progress: &mut dyn FnMut(Progress)) -> Result<ReplayReport, Error> {
        let started = Instant::now();
        let reader = Reader::open(&self.topic)?;
        // Before anything is read: what an earlier run has begun is over from here on.
        let producer = if self.dry_run { None } else { Some(self.producer()?) };
        let report = ReplayReport { topic: self.topic.name.clone(), dry_run: self.dry_run, ..ReplayReport::default() };
        let (origins, batch) = (Origins::new(&self.topic.kafka), Batch::new(self));
        let mut run = Run { replay: self, producer, stop, origins, batch, report };
        if reader.settle(stop, |partition| progress(Progress::Waiting { partition }))?.is_continue() {
            let spans = reader.spans(self.selection.since)?;
            let total = 2 * spans.iter().map(Span::offsets).sum::<u64>();
            let mut passed = 0;
            for span in &spans {
                run.partition(&reader, span, &mut |read, replayed| {
                    progress(Progress::Reading { read: passed + read, total, replayed });
                })?;
                passed += 2 * span.offsets();
            }
        }
        let mut report = run.report;
        report.seconds = started.elapsed().as_secs_f64();
        report.stopped = stop.is_cancelled();
        Ok(report)
    }

    fn producer(&self) -> Result<TransactionalProducer, Error> {
        let DeadLetterTopic { kafka, name } = &self.topic;
        let transactional_id = format!("{}.{name}", kafka.group_of(ROLE));
        let timeout = Duration::from_millis(self.config.transaction_timeout_ms);
        Ok(TransactionalProducer::new(kafka, &transactional_id, timeout)?)
    }
}

/// A replay under way.
struct Run<'r> {
    replay: &'r Replay,
    /// None in a dry run.
    producer: Option<TransactionalProducer>,
    stop: &'r CancellationToken,
    origins: Origins<'r>,
    batch: Batch,
    report: ReplayReport,
}

/// How a transaction ended.
enum Ended {
    Committed,
    /// A stop came between two attempts.
    Stopped,
    /// A topic that letters came from does not take them.
    Refused(KafkaFailure),
}

impl Run<'_> {
    fn partition(&mut self, reader: &Reader<'_>, span: &Span, progress: &mut dyn FnMut(u64, u64)) -> Result<(), Error> {
        if self.is_full() || self.stop.is_cancelled() {
            return Ok(());
        }
        let selection = &self.replay.selection;
        let (mut wanted, mut left_out) = (OffsetSet::default(), 0);
        let choose = |letter: &Letter| {
            if selection.matches(letter) {
                wanted.insert(letter.offset);
            } else {
                left_out += 1;
            }
        };
        let sent_before = self.report.replayed;
        let replayed =
            reader.survey(span, self.stop, choose, |offset| progress(offset.abs_diff(span.start), sent_before))?;
        if self.stop.is_cancelled() {
            // Markers that were not reached may name some of the letters.
            return Ok(());
        }
        self.report.left_out += left_out;
        self.report.replayed_earlier += wanted.subtract(&replayed);
        let Some((first, last)) = wanted.bounds() else { return Ok(()) };
        let rest = Span { partition: span.partition, start: first, end: last + 1 };
        reader.read(&rest, self.stop, |record| {
            if let Entry::Letter(letter) = Entry::of(record)
                && wanted.contains(letter.offset)
            {
                self.take(record, &letter)?;
            }
            progress(span.offsets() + record.offset().abs_diff(span.start), self.report.replayed);
            if self.is_full() {
                // Some of them may be refused, and others take their place.
                self.send()?;
            }
            Ok::<_, Error>(if self.is_full() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        self.send()
    }

    fn is_full(&self) -> bool {
        let taken = self.report.replayed + self.batch.len() as u64;
        self.replay.selection.limit.is_some_and(|limit| taken >= limit)
    }

    /// Puts the letter's record into the batch, which goes before it grows too large.
    fn take(&mut self, record: &BorrowedMessage<'_>, letter: &Letter) -> Result<(), Error> {
        match self.origins.revive(record, letter)? {
            Err(refusal) => self.report.refuse(letter, refusal),
            Ok(revived) => {
                if !self.batch.has_room_for(&revived) {
                    self.send()?;
                }
                self.batch.push(revived);
            }
        }
        Ok(())
    }

    /// Sends what is in the batch, unless it is too late for that: in one transaction, or in several where a topic refuses some
    /// of it, halves of it, and halves of these, until what is refused is alone and stays where it is.
    fn send(&mut self) -> Result<(), Error> {
        let mut parts = vec![self.batch.take()];
        while let Some(mut part) = parts.pop() {
            self.leave_out_refused(&mut part);
            if part.is_empty() {
                continue;
            }
            if self.stop.is_cancelled() {
                return Ok(());
            }
            match self.commit(&part).map_err(|source| self.given_up(source))? {
                Ended::Committed => self.count(&part),
                Ended::Stopped => return Ok(()),
                Ended::Refused(error) => parts.extend(self.without_refused(part, &error)),
            }
        }
        Ok(())
    }

    /// Letters whose topics have turned out not to take them stay where they are.
    fn leave_out_refused(&mut self, part: &mut Batch) {
        let Self { origins, report, .. } = self;
        part.retain(|record| match origins.refusal(record) {
            Some(refusal) => {
                report.refuse(&record.letter, refusal);
                false
            }
            None => true,
        });
    }

    /// What to try next of a part of which something was refused, the first behind the others.
    fn without_refused(&mut self, part: Batch, error: &KafkaFailure) -> Vec<Batch> {
        if let KafkaFailure::NotAllowed { access } = error
            && let Some(topic) = access.topic()
        {
            self.origins.close(topic, not_allowed(error));
            return vec![part];
        }
        if part.records().iter().any(|record| self.origins.refusal(record).is_some()) {
            // What stands in the way of these is known by now, and told when they are left out.
            return vec![part];
        }
        let [alone] = part.records() else {
            let [first, second] = part.halves();
            return vec![second, first];
        };
        let reason = match error {
            KafkaFailure::RecordTooLarge { .. } => Obstacle::TooLarge,
            _ => Obstacle::Refused,
        };
        self.report.refuse(&alone.letter, Refusal { reason, message: Some(error.to_string()) });
        Vec::new()
    }

    fn count(&mut self, part: &Batch) {
        self.report.replayed += part.len() as u64;
        for record in part.records() {
            *self.report.by_cause.entry(record.letter.cause.clone()).or_default() += 1;
        }
    }

    fn given_up(&self, source: KafkaFailure) -> Error {
        let (topic, replayed) = (self.replay.topic.name.clone(), self.report.replayed);
        match source.kind() {
            ErrorKind::Fenced => Error::TakenOver { topic, replayed },
            _ => Error::Interrupted { replayed, source },
        }
    }

    /// One transaction, in as many attempts as it takes.
    fn commit(&mut self, part: &Batch) -> Result<Ended, KafkaFailure> {
        let Some(producer) = &self.producer else { return Ok(Ended::Committed) };
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            let Err(error) = self.transact(producer, part) else { return Ok(Ended::Committed) };
            if self.is_refusal(&error) {
                // Where the user may write nowhere at all, the producer is of no use any more.
                return if producer.abort().is_ok() { Ok(Ended::Refused(error)) } else { Err(error) };
            }
            match error.kind() {
                ErrorKind::Fenced | ErrorKind::Fatal => return Err(error),
                ErrorKind::Abort | ErrorKind::Retry => producer.abort()?,
            }
            // A topic may be gone by now, or take less.
            part.topics().into_iter().for_each(|topic| self.origins.look_again(topic));
            if part.records().iter().any(|record| self.origins.refusal(record).is_some()) {
                return Ok(Ended::Refused(error));
            }
            if attempt == MAX_ATTEMPTS {
                return Err(error);
            }
            if self.stop.is_cancelled() {
                break;
            }
            tracing::warn!("transaction aborted, attempt {attempt} of {MAX_ATTEMPTS}: {error}");
            std::thread::park_timeout(pause);
            pause *= 2;
        }
        Ok(Ended::Stopped)
    }

    /// Whether a topic that letters came from does not take them; without its own topic, the replay can't go on.
    fn is_refusal(&self, error: &KafkaFailure) -> bool {
        let topic = match error {
            KafkaFailure::NotAllowed { access } => access.topic(),
            error => error.refused_topic(),
        };
        topic.is_some_and(|topic| topic != self.replay.topic.name)
    }

    fn transact(&self, producer: &TransactionalProducer, part: &Batch) -> Result<(), KafkaFailure> {
        let Some(partition) = part.partition() else { return Ok(()) };
        producer.begin()?;
        // First of all, and alone: where a broker refuses the first topic of a transaction, none is open, and its producer, told
        // to abort it, can't go on.
        producer.send(marker::record(&self.replay.topic.name, partition, &part.offsets()))?;
        producer.await_stored()?;
        for record in part.records() {
            producer.send(record.to_send())?;
        }
        producer.commit_records()
    }
}
