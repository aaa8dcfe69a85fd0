//! A record that can't be scored: its bytes and key unchanged, and why, in the headers of both Kafka Connect and Kafka Streams, so
//! that the tools that people have for either can read it.

use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Header, OwnedHeaders};
use schemas::Cause;

/// Why a record is dead: a closed set, fit for a metric's label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DeadLetterCause {
    /// It does not decode or validate.
    Decode(Cause),
    /// Scoring it panicked.
    Panic,
    /// Its prediction is larger than the topic accepts.
    TooLarge,
}

impl DeadLetterCause {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Decode(cause) => cause.as_str(),
            Self::Panic => "panic",
            Self::TooLarge => "too_large",
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct DeadLetter {
    pub(super) cause: DeadLetterCause,
    pub(super) message: String,
    /// With the headers the record would be larger than the topic accepts: the payload stays where it is, in its source.
    pub(super) omit_payload: bool,
}

impl DeadLetter {
    /// The record's own headers, then ours.
    pub(super) fn headers(&self, record: &BorrowedMessage<'_>, group: &str) -> OwnedHeaders {
        let mut headers = match record.headers() {
            Some(own) if !self.omit_payload => own.detach(),
            _ => OwnedHeaders::new(),
        };
        let partition = record.partition().to_string();
        let offset = record.offset().to_string();
        let class = format!("plaudit.{}", self.cause.as_str());
        let stage = if matches!(self.cause, DeadLetterCause::Decode(_)) { "VALUE_CONVERTER" } else { "TRANSFORMATION" };
        for (key, value) in [
            ("plaudit.cause", self.cause.as_str()),
            ("__connect.errors.topic", record.topic()),
            ("__connect.errors.partition", &partition),
            ("__connect.errors.offset", &offset),
            ("__connect.errors.connector.name", group),
            ("__connect.errors.task.id", "0"),
            ("__connect.errors.stage", stage),
            ("__connect.errors.class.name", "plaudit.schemas.Review"),
            ("__connect.errors.exception.class.name", &class),
            ("__connect.errors.exception.message", &self.message),
            ("__streams.errors.exception", &class),
            ("__streams.errors.message", &self.message),
            ("__streams.errors.topic", record.topic()),
            ("__streams.errors.partition", &partition),
            ("__streams.errors.offset", &offset),
        ] {
            headers = headers.insert(Header { key, value: Some(value) });
        }
        if self.omit_payload {
            let bytes = record.payload_len().to_string();
            headers = headers.insert(Header { key: "plaudit.omitted_payload_bytes", value: Some(&bytes) });
        }
        headers
    }
}
