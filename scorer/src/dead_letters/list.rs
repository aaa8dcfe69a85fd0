//! Dead letters one by one, each with what became of it, and their number by cause.

use super::letter::{Entry, own_headers};
use super::offset_set::OffsetSet;
use super::reader::Reader;
use super::{DeadLetterTopic, Error, Letter, Progress, Selection};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rdkafka::Message;
use rdkafka::message::BorrowedMessage;
use serde::Serialize;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use tokio_util::sync::CancellationToken;

/// What became of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// A replay would send it.
    Waiting,
    /// It was sent again.
    Replayed,
    /// Its payload was too large to come along: there is nothing to send.
    PayloadOmitted,
    /// Its headers don't say where it came from.
    NoOrigin,
}

impl Status {
    fn of(letter: &Letter, replayed: &OffsetSet) -> Self {
        if replayed.contains(letter.offset) {
            Self::Replayed
        } else if letter.payload_omitted {
            Self::PayloadOmitted
        } else if letter.origin.is_none() {
            Self::NoOrigin
        } else {
            Self::Waiting
        }
    }

    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Replayed => "replayed",
            Self::PayloadOmitted => "payload_omitted",
            Self::NoOrigin => "no_origin",
        }
    }
}

/// A letter with its content: text where it is UTF-8, else base64.
#[derive(Debug, Serialize)]
pub struct Listed<'m> {
    /// The dead letter topic.
    pub topic: &'m str,
    /// What it says about itself.
    #[serde(flatten)]
    pub letter: Letter,
    /// What became of it.
    pub status: Status,
    /// The record's key.
    pub key: Option<&'m str>,
    /// The same where it is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_base64: Option<String>,
    /// The record's payload.
    pub payload: Option<&'m str>,
    /// The same where it is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload_base64: Option<String>,
    /// The headers that the record had before it died.
    pub headers: Vec<ListedHeader<'m>>,
}

/// A header of the record.
#[derive(Debug, Serialize)]
pub struct ListedHeader<'m> {
    /// Its name.
    pub key: &'m str,
    /// Its value.
    pub value: Option<&'m str>,
    /// The same where it is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_base64: Option<String>,
}

impl<'m> Listed<'m> {
    fn new(topic: &'m str, letter: Letter, status: Status, record: &'m BorrowedMessage<'_>) -> Self {
        let (key, key_base64) = readable(record.key());
        let (payload, payload_base64) = readable(record.payload());
        let headers = own_headers(record)
            .map(|header| {
                let (value, value_base64) = readable(header.value);
                ListedHeader { key: header.key, value, value_base64 }
            })
            .collect();
        Self { topic, letter, status, key, key_base64, payload, payload_base64, headers }
    }
}

fn readable(bytes: Option<&[u8]>) -> (Option<&str>, Option<String>) {
    match bytes.map(|bytes| std::str::from_utf8(bytes).map_err(|_| STANDARD.encode(bytes))) {
        None => (None, None),
        Some(Ok(text)) => (Some(text), None),
        Some(Err(base64)) => (None, Some(base64)),
    }
}

/// How many letters of a cause there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct CauseCounts {
    /// All that were listed.
    pub letters: u64,
    /// Of these, what a replay would send.
    pub waiting: u64,
    /// Of these, what was sent again.
    pub replayed: u64,
    /// Of these, what cannot be sent.
    pub not_replayable: u64,
}

/// What was listed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ListReport {
    /// By cause.
    pub causes: BTreeMap<String, CauseCounts>,
    /// What the selection left out, by cause.
    pub left_out: BTreeMap<String, u64>,
    /// Whether it ended early on request.
    pub stopped: bool,
}

impl ListReport {
    fn count(&mut self, letter: &Letter, status: Status) {
        let counts = self.causes.entry(letter.cause.clone()).or_default();
        counts.letters += 1;
        match status {
            Status::Waiting => counts.waiting += 1,
            Status::Replayed => counts.replayed += 1,
            Status::PayloadOmitted | Status::NoOrigin => counts.not_replayable += 1,
        }
    }
}

/// Calls `each` with the selected letters that are there now, partition by partition. Blocks.
pub fn list<E: From<Error>>(
    topic: &DeadLetterTopic,
    selection: &Selection,
    stop: &CancellationToken,
    progress: &mut dyn FnMut(Progress),
    each: &mut dyn FnMut(&Listed<'_>) -> Result<(), E>,
) -> Result<ListReport, E> {
    let reader = Reader::open(topic)?;
    let spans = reader.spans(selection.since)?;
    let total = 2 * spans.iter().map(|span| span.offsets()).sum::<u64>();
    let mut passed = 0;
    let mut listed = 0;
    let mut report = ListReport::default();
    let is_full = |listed: u64| selection.limit.is_some_and(|limit| listed >= limit);
    for span in &spans {
        if is_full(listed) {
            break;
        }
        let told = |offset: i64| {
            let read = passed + offset.abs_diff(span.start);
            progress(Progress::Reading { read, total, replayed: 0 });
        };
        let replayed = reader.survey(span, stop, |_| {}, told)?;
        reader.read(span, stop, |record| {
            let Entry::Letter(letter) = Entry::of(record) else { return Ok(ControlFlow::Continue(())) };
            if !selection.matches(&letter) {
                *report.left_out.entry(letter.cause).or_default() += 1;
                return Ok(ControlFlow::Continue(()));
            }
            let status = Status::of(&letter, &replayed);
            report.count(&letter, status);
            each(&Listed::new(&topic.name, letter, status, record))?;
            listed += 1;
            Ok::<_, E>(if is_full(listed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        passed += 2 * span.offsets();
    }
    report.stopped = stop.is_cancelled();
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_base64_and_nothing_stays_nothing() {
        assert_eq!(readable(Some("grüß".as_bytes())), (Some("grüß"), None));
        assert_eq!(readable(Some(b"\xff\xfe")), (None, Some("//4=".to_owned())));
        assert_eq!(readable(Some(b"")), (Some(""), None));
        assert_eq!(readable(None), (None, None));
    }
}
