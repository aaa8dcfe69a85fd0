//! A producer whose records, together with the offsets that they were made of, become visible at once or not at all.
//! Every call blocks with a bound and says what to do when it fails; when to begin, commit or abort, and what to
//! write again after an abort, are left to the caller.

mod deliveries;
#[cfg(test)]
mod tests;

use std::sync::Mutex;
use std::time::{Duration, Instant};

use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::ToBytes;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::access::Access;
use super::config::KafkaConfig;
use super::error::{Error, ErrorKind, is_fenced, is_refusal_of_a_record, kind_of};
use super::offset::NextOffsets;
use deliveries::{Deliveries, DeliveryFailure};

/// librdkafka's own flush waits in steps of 100 ms, which makes a small transaction many times slower than it is. And the
/// client's poll is given no time at all: it would count whole milliseconds only, and spin through the last one.
const STEP: Duration = Duration::from_micros(500);

/// The shortest time that librdkafka takes for more than none.
const MILLISECOND: Duration = Duration::from_millis(1);

/// Pause before a step is tried again; librdkafka has its own, longer back-off below.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// A transactional producer. Calls come from one thread at a time.
pub struct TransactionalProducer {
    producer: BaseProducer<Deliveries>,
    transactional_id: String,
    timeout: Duration,
    /// By when the open transaction has to be over.
    deadline: Mutex<Instant>,
}

impl TransactionalProducer {
    /// Connects, fences every earlier producer with this id and ends what it left open. A transaction that takes longer
    /// than `transaction_timeout` is aborted by the broker.
    pub fn new(kafka: &KafkaConfig, transactional_id: &str, transaction_timeout: Duration) -> Result<Self, Error> {
        let mut config = kafka.transactional_producer(transactional_id);
        config.set("transaction.timeout.ms", transaction_timeout.as_millis().to_string());
        let producer = config
            .create_with_context::<_, BaseProducer<Deliveries>>(Deliveries::default())
            .map_err(|source| Error::client("create a transactional producer", source))?;
        let producer = Self {
            producer,
            transactional_id: transactional_id.to_owned(),
            timeout: patience(transaction_timeout),
            deadline: Mutex::new(Instant::now()),
        };
        let deadline = Instant::now() + Self::longest_start(kafka, transaction_timeout);
        producer.retry("start", deadline, |left| producer.producer.init_transactions(left))?;
        Ok(producer)
    }

    /// How long [`new`](Self::new) may take: the broker may still be ending the transaction of a producer that was killed.
    pub fn longest_start(kafka: &KafkaConfig, transaction_timeout: Duration) -> Duration {
        kafka.connect_timeout().max(transaction_timeout)
    }

    /// How long a transaction may take, from [`begin`](Self::begin) to the end of an [`abort`](Self::abort): each of the two
    /// gives up before the broker would.
    pub fn longest_transaction(transaction_timeout: Duration) -> Duration {
        2 * patience(transaction_timeout)
    }

    /// Opens a transaction.
    pub fn begin(&self) -> Result<(), Error> {
        self.producer.context().forget();
        *self.deadline.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Instant::now() + self.timeout;
        self.producer.begin_transaction().map_err(|source| self.error("begin a transaction", &source))
    }

    /// Adds a record to the open transaction. Blocks while the client's queue is full. Whether the record was stored is
    /// known after [`commit`](Self::commit).
    pub fn send<K: ToBytes + ?Sized, P: ToBytes + ?Sized>(&self, record: BaseRecord<'_, K, P>) -> Result<(), Error> {
        let topic = record.topic;
        let size_bytes = record.key.map_or(0, |key| key.to_bytes().len())
            + record.payload.map_or(0, |payload| payload.to_bytes().len());
        let mut unsent = record;
        loop {
            let source = match self.producer.send(unsent) {
                Ok(()) => return Ok(()),
                Err((source, record)) => {
                    unsent = record;
                    source
                }
            };
            match source.rdkafka_error_code() {
                Some(RDKafkaErrorCode::QueueFull) if Instant::now() < self.deadline() => self.wait_for_deliveries(),
                Some(RDKafkaErrorCode::MessageSizeTooLarge) => {
                    return Err(Error::RecordTooLarge { topic: topic.to_owned(), size_bytes });
                }
                // The transaction has failed already; the record that it failed for says why.
                _ => {
                    self.producer.poll(Duration::ZERO);
                    return Err(match self.producer.context().take_failure() {
                        Some(failure) => self.not_delivered(failure),
                        None => self.not_stored(topic.to_owned(), &source),
                    });
                }
            }
        }
    }

    /// Waits until what was sent so far is stored, to be seen after [`commit`](Self::commit).
    pub fn await_stored(&self) -> Result<(), Error> {
        self.flush(self.deadline())
    }

    /// Makes the records of the transaction visible and `offsets` the position of the consumer group, both or neither. The
    /// transactional id goes with the offsets as their metadata: whoever reads them knows who wrote them.
    ///
    /// After an error of kind [`ErrorKind::Abort`], call [`abort`](Self::abort).
    pub fn commit(&self, offsets: &NextOffsets, group: &ConsumerGroupMetadata) -> Result<(), Error> {
        let deadline = self.deadline();
        self.flush(deadline)?;
        if !offsets.is_empty() {
            let list = offsets.to_list()?;
            for mut element in list.elements() {
                element.set_metadata(&self.transactional_id);
            }
            self.retry("add offsets to the transaction", deadline, |left| {
                self.producer.send_offsets_to_transaction(&list, group, left)
            })
            .map_err(give_up_as(ErrorKind::Abort))?;
        }
        self.finish(deadline)
    }

    /// Commits a transaction that holds records only: work that has no consumer group.
    pub fn commit_records(&self) -> Result<(), Error> {
        let deadline = self.deadline();
        self.flush(deadline)?;
        self.finish(deadline)
    }

    /// Throws the open transaction away. Its records and offsets are as if they had never been; the caller begins anew with
    /// them, or goes back to the committed offsets.
    pub fn abort(&self) -> Result<(), Error> {
        let deadline = Instant::now() + self.timeout;
        // The first call purges what is queued; its delivery reports must be polled here before a second one can end
        // the transaction. A long first call would wait for nobody.
        let result = self.retry("abort the transaction", deadline, |left| {
            let limit = if self.producer.in_flight_count() > 0 { left.min(MILLISECOND) } else { left };
            let outcome = self.producer.abort_transaction(limit);
            if outcome.is_err() {
                self.poll_until_nothing_is_in_flight(deadline);
            }
            outcome
        });
        self.producer.context().forget();
        result.map_err(give_up_as(ErrorKind::Fatal))
    }

    fn deadline(&self) -> Instant {
        *self.deadline.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Waits until every record is stored; the first that was not is the error.
    fn flush(&self, deadline: Instant) -> Result<(), Error> {
        let all_acknowledged = self.poll_until_nothing_is_in_flight(deadline);
        if let Some(failure) = self.producer.context().take_failure() {
            return Err(self.not_delivered(failure));
        }
        if all_acknowledged {
            return Ok(());
        }
        let waiting = self.producer.in_flight_count();
        Err(self.failed(
            "flush",
            format!("{waiting} records were not acknowledged within {} s", self.timeout.as_secs_f64()),
            ErrorKind::Abort,
        ))
    }

    fn finish(&self, deadline: Instant) -> Result<(), Error> {
        // Whether a commit that was never confirmed took place, only the broker knows: the committed offsets tell it.
        self.retry("commit the transaction", deadline, |left| self.producer.commit_transaction(left))
            .map_err(give_up_as(ErrorKind::Fatal))
    }

    fn poll_until_nothing_is_in_flight(&self, deadline: Instant) -> bool {
        while self.producer.in_flight_count() > 0 {
            if Instant::now() >= deadline {
                return false;
            }
            self.wait_for_deliveries();
        }
        true
    }

    /// Takes delivery reports; where there are none yet, waits a step for some.
    fn wait_for_deliveries(&self) {
        let before = self.producer.in_flight_count();
        self.producer.poll(Duration::ZERO);
        if before > 0 && self.producer.in_flight_count() >= before {
            std::thread::park_timeout(STEP);
        }
    }

    /// Repeats a step while its errors pass by themselves and time is left.
    fn retry(
        &self,
        step: &'static str,
        deadline: Instant,
        call: impl Fn(Duration) -> KafkaResult<()>,
    ) -> Result<(), Error> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now()).max(MILLISECOND);
            match call(left) {
                Ok(()) => return Ok(()),
                Err(source) if kind_of(&source) == ErrorKind::Retry && Instant::now() < deadline => {
                    tracing::debug!(kafka.transactional_id = %self.transactional_id, "will {step} again: {source}");
                    self.producer.poll(RETRY_PAUSE.min(deadline.saturating_duration_since(Instant::now())));
                }
                Err(source) => return Err(self.error(step, &source)),
            }
        }
    }

    /// The error of a record that was sent and not stored.
    fn not_delivered(&self, failure: DeliveryFailure) -> Error {
        let DeliveryFailure { topic, size_bytes, source } = failure;
        match source.rdkafka_error_code() {
            Some(RDKafkaErrorCode::MessageSizeTooLarge) => Error::RecordTooLarge { topic, size_bytes },
            Some(code) if is_refusal_of_a_record(code) => Error::RecordRefused { topic, reason: source.to_string() },
            _ => self.not_stored(topic, &source),
        }
    }

    /// The error of a record that the topic did not take.
    fn not_stored(&self, topic: String, source: &KafkaError) -> Error {
        // Once a transaction has failed, all its records fail, and their errors don't say why. The line that does is on its way.
        self.producer.poll(RETRY_PAUSE);
        if let Some(topic) = self.producer.context().take_refused_topic() {
            return Error::NotAllowed { access: Access::write_topic(topic) };
        }
        let code = self.producer.client().fatal_error().map(|(code, _)| code).or(source.rdkafka_error_code());
        let needs = [Access::write_topic(&topic), Access::write_transactional_id(&self.transactional_id)];
        code.and_then(|code| Error::refused(code, &needs)).unwrap_or_else(|| Error::Delivery {
            topic,
            reason: source.to_string(),
            kind: self.kind_after_delivery(),
        })
    }

    /// A record that is lost spoils its transaction, not its producer, unless that one is past saving already.
    fn kind_after_delivery(&self) -> ErrorKind {
        match self.producer.client().fatal_error() {
            Some((code, _)) if is_fenced(code) => ErrorKind::Fenced,
            Some(_) => ErrorKind::Fatal,
            None => ErrorKind::Abort,
        }
    }

    fn error(&self, step: &'static str, source: &KafkaError) -> Error {
        let needs = [Access::write_transactional_id(&self.transactional_id)];
        if let Some(refused) = source.rdkafka_error_code().and_then(|code| Error::refused(code, &needs)) {
            return refused;
        }
        let kind = kind_of(source);
        let what = match source {
            KafkaError::Transaction(error) => format!("{} ({})", error.string(), error.name()),
            other => other.to_string(),
        };
        let reason = match kind {
            ErrorKind::Fenced => {
                format!("another producer with this id took over, or the transaction outlived its time-out: {what}")
            }
            _ => what,
        };
        self.failed(step, reason, kind)
    }

    fn failed(&self, step: &'static str, reason: String, kind: ErrorKind) -> Error {
        Error::Transaction { transactional_id: self.transactional_id.clone(), step, reason, kind }
    }
}

/// The client has to give up before the broker does: a transaction that the broker aborts fences its producer.
fn patience(transaction_timeout: Duration) -> Duration {
    transaction_timeout * 2 / 3
}

/// What a step that was retried until its deadline means to the caller.
fn give_up_as(exhausted: ErrorKind) -> impl FnOnce(Error) -> Error {
    move |error| match error {
        Error::Transaction { transactional_id, step, reason, kind: ErrorKind::Retry } => {
            Error::Transaction { transactional_id, step, reason: format!("{reason}; gave up"), kind: exhausted }
        }
        other => other,
    }
}
