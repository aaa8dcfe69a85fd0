//! A record of a dead letter topic, as its headers tell it. Those of Kafka Connect and of Kafka Streams are read where ours are
//! not there: a letter may have been written by another program.

use super::headers::{ATTEMPTS, CAUSE, OMITTED_PAYLOAD, REPLAYED};
use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Header, Headers};
use schemas::Timestamp;
use serde::Serialize;
use service::kafka::dead_letter::attempts_of;
use service::kafka::headers::text;
use std::fmt;

const CONNECT: &str = "__connect.errors.";
const STREAMS: &str = "__streams.errors.";

/// What a dead letter says about itself; key, payload and the record's own headers stay in the record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Letter {
    /// The partition of the dead letter topic.
    pub partition: i32,
    /// The offset there.
    pub offset: i64,
    /// When it was written there.
    pub at: Option<Timestamp>,
    /// Why, in a word; where no header tells, `unknown`.
    pub cause: String,
    /// Why, in a sentence.
    pub message: String,
    /// How often the record was tried.
    pub attempts: u32,
    /// Which record it was.
    pub origin: Option<Origin>,
    /// The payload's size, also where it was left out.
    pub size_bytes: u64,
    /// Whether the payload was too large to come along.
    pub payload_omitted: bool,
}

/// The place of the record that died.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, partition, offset } = self;
        write!(f, "{topic}/{partition}@{offset}")
    }
}

/// What a record of the topic is.
pub(super) enum Entry<'m> {
    Letter(Letter),
    /// The text of a marker.
    Marker(&'m str),
}

impl<'m> Entry<'m> {
    pub(super) fn of(record: &'m BorrowedMessage<'_>) -> Self {
        // A record that died with such a header of its own is a letter all the same.
        if let Some(headers) = record.headers()
            && let Some(ranges) = text(headers, REPLAYED)
            && [CAUSE, "__connect.errors.topic", "__streams.errors.topic"].iter().all(|it| text(headers, it).is_none())
        {
            return Self::Marker(ranges);
        }
        Self::Letter(Letter::of(record))
    }
}

impl Letter {
    fn of(record: &BorrowedMessage<'_>) -> Self {
        let header = |name: &str| record.headers().and_then(|headers| text(headers, name));
        let either = |connect: &str, streams: &str| {
            header(&format!("{CONNECT}{connect}")).or_else(|| header(&format!("{STREAMS}{streams}")))
        };
        let cause = header(CAUSE).or_else(|| either("exception.class.name", "exception"));
        let origin = || {
            Some(Origin {
                topic: either("topic", "topic")?.to_owned(),
                partition: either("partition", "partition")?.parse().ok()?,
                offset: either("offset", "offset")?.parse().ok()?,
            })
        };
        let omitted = header(OMITTED_PAYLOAD).filter(|_| record.payload_len() == 0);
        Self {
            partition: record.partition(),
            offset: record.offset(),
            at: record.timestamp().to_millis().and_then(Timestamp::from_epoch_millis),
            cause: cause.unwrap_or("unknown").to_owned(),
            message: either("exception.message", "message").unwrap_or_default().to_owned(),
            attempts: record.headers().and_then(attempts_of).unwrap_or(1),
            origin: origin(),
            size_bytes: omitted.and_then(|bytes| bytes.parse().ok()).unwrap_or(record.payload_len() as u64),
            payload_omitted: omitted.is_some(),
        }
    }
}

/// The headers that the record had before it died, and before an earlier replay counted it.
pub(super) fn own_headers<'m>(record: &'m BorrowedMessage<'_>) -> impl Iterator<Item = Header<'m, &'m [u8]>> {
    let headers = record.headers();
    // Ours begin with the cause; the record itself may have been a copy of a dead letter.
    let end = headers.and_then(|headers| headers.iter().enumerate().filter(|(_, header)| header.key == CAUSE).last());
    let end = end.map(|(index, _)| index);
    let of_others = move |key: &str| end.is_none() && (key.starts_with(CONNECT) || key.starts_with(STREAMS));
    let own = headers.into_iter().flat_map(Headers::iter).take(end.unwrap_or(usize::MAX));
    own.filter(move |header| header.key != ATTEMPTS && !of_others(header.key))
}
