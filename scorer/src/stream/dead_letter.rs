//! A record that can't be scored: its bytes and key unchanged, and why, in the headers of both Kafka Connect and Kafka Streams, so
//! that the tools that people have for either can read it.

use crate::dead_letters::headers::{OMITTED_KEY, OMITTED_PAYLOAD, RECORD_OVERHEAD, header_bytes};
use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Header, Headers, OwnedHeaders};
use rdkafka::producer::BaseRecord;
use schemas::Cause;
use service::kafka::dead_letter::{Failure, attempts_of};

/// Why a record is dead: a closed set, fit for a metric's label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DeadLetterCause {
    /// It does not decode or validate.
    Decode(Cause),
    /// Scoring it panicked.
    Panic,
    /// Its prediction is larger than the topic accepts.
    TooLarge,
    /// Kafka refuses its prediction, by a rule that the scorer did not know.
    Refused,
}

impl DeadLetterCause {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Decode(cause) => cause.as_str(),
            Self::Panic => "panic",
            Self::TooLarge => "too_large",
            Self::Refused => "refused",
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct DeadLetter {
    pub(super) cause: DeadLetterCause,
    pub(super) message: String,
    /// What of the record it may hold at most.
    most: Kept,
}

/// What of a record goes into its dead letter. Everything, unless the topic would refuse that for its size: then what is
/// left out stays in the source, which the headers name, so that no record holds up its partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kept {
    payload: bool,
    key: bool,
}

impl Kept {
    const ALL: Self = Self { payload: true, key: true };

    /// As much as fits.
    fn within(self, limit: usize, record: &BorrowedMessage<'_>, errors: usize) -> Self {
        let own_headers = record.headers().map_or(0, |headers| {
            headers.iter().map(|header| header_bytes(header.key, header.value.map_or(0, <[u8]>::len))).sum()
        });
        let whole = RECORD_OVERHEAD + record.key_len() + record.payload_len() + own_headers + errors;
        Self {
            payload: self.payload && whole <= limit,
            key: self.key && RECORD_OVERHEAD + record.key_len() + errors <= limit,
        }
    }
}

/// What a prediction whose key and value have so many bytes takes on the wire.
pub(super) fn prediction_bytes(bytes: usize, traceparent: Option<&str>) -> usize {
    RECORD_OVERHEAD + bytes + traceparent.map_or(0, |value| header_bytes("traceparent", value.len()))
}

impl DeadLetter {
    /// A dead letter with all that its topic accepts of the record.
    pub(super) fn new(cause: DeadLetterCause, message: String) -> Self {
        Self { cause, message, most: Kept::ALL }
    }

    /// Leaves out the payload, then the key; false when both are left out already.
    pub(super) fn leave_out_more(&mut self) -> bool {
        let most = self.most;
        self.most = Kept { payload: false, key: most.payload };
        most.key
    }

    /// The record for the dead letter topic, which accepts up to `limit` bytes.
    pub(super) fn record<'r>(
        &self,
        topic: &'r str,
        limit: usize,
        record: &'r BorrowedMessage<'_>,
        group: &str,
    ) -> BaseRecord<'r, [u8], [u8]> {
        let errors = self.errors(record, group);
        let kept =
            self.most.within(limit, record, errors.iter().map(|(key, value)| header_bytes(key, value.len())).sum());
        let mut headers = match record.headers() {
            Some(own) if kept.payload => own.detach(),
            _ => OwnedHeaders::new_with_capacity(errors.len() + 2),
        };
        for (key, value) in &errors {
            headers = headers.insert(Header { key, value: Some(value) });
        }
        for (is_kept, key, bytes) in
            [(kept.payload, OMITTED_PAYLOAD, record.payload_len()), (kept.key, OMITTED_KEY, record.key_len())]
        {
            if !is_kept {
                headers = headers.insert(Header { key, value: Some(&bytes.to_string()) });
            }
        }
        let mut letter = BaseRecord::to(topic).headers(headers);
        letter.key = record.key().filter(|_| kept.key);
        letter.payload = record.payload().filter(|_| kept.payload);
        letter
    }

    fn errors(&self, record: &BorrowedMessage<'_>, group: &str) -> Vec<(&'static str, String)> {
        let stage = if matches!(self.cause, DeadLetterCause::Decode(_)) { "VALUE_CONVERTER" } else { "TRANSFORMATION" };
        let failure = Failure {
            cause: self.cause.as_str(),
            message: &self.message,
            stage,
            class: "plaudit.schemas.Review",
            group,
            topic: record.topic(),
            partition: record.partition(),
            offset: record.offset(),
            // A record that was replayed brings along how often it was tried before.
            attempts_before: record.headers().and_then(attempts_of).unwrap_or(0),
        };
        failure.headers()
    }
}
