//! What a replay did, and what it could not do.

use crate::dead_letters::{Letter, Origin};
use serde::Serialize;
use std::collections::BTreeMap;

/// So many letters that cannot be sent are named in the report, for each reason.
const MAX_EXAMPLES: u64 = 10;

/// Why a letter cannot be sent. It stays where it is, and a later replay tries it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Obstacle {
    /// Its payload was too large to come along.
    PayloadOmitted,
    /// Its headers don't say where it came from.
    NoOrigin,
    /// The topic that it came from does not exist.
    OriginMissing,
    /// The topic that it came from accepts no record of this size.
    TooLarge,
    /// The topic that it came from refuses it, by another rule.
    Refused,
    /// The user of `kafka.properties` may not write to the topic that it came from.
    NotAllowed,
}

impl Obstacle {
    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PayloadOmitted => "payload_omitted",
            Self::NoOrigin => "no_origin",
            Self::OriginMissing => "origin_missing",
            Self::TooLarge => "too_large",
            Self::Refused => "refused",
            Self::NotAllowed => "not_allowed",
        }
    }
}

/// What a replay did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ReplayReport {
    /// The dead letter topic.
    pub topic: String,
    /// Whether nothing was sent.
    pub dry_run: bool,
    /// Letters that were sent, or in a dry run would be.
    pub replayed: u64,
    /// The same by cause.
    pub by_cause: BTreeMap<String, u64>,
    /// Selected letters that an earlier replay has sent.
    pub replayed_earlier: u64,
    /// Selected letters that cannot be sent, by reason.
    pub not_replayable: BTreeMap<Obstacle, u64>,
    /// The first of them, for each reason.
    pub examples: Vec<Example>,
    /// Letters that the selection left out.
    pub left_out: u64,
    /// How long it took.
    pub seconds: f64,
    /// Whether a signal ended it before the letters did.
    pub stopped: bool,
}

/// A letter that cannot be sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Example {
    /// Why.
    pub reason: Obstacle,
    /// The same in a sentence, where there is more to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Its partition of the dead letter topic.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Where the record came from.
    pub origin: Option<Origin>,
}

/// Why a letter cannot be sent, and what Kafka says to it.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) reason: Obstacle,
    pub(super) message: Option<String>,
}

impl Refusal {
    pub(super) fn because(reason: Obstacle) -> Self {
        Self { reason, message: None }
    }
}

impl ReplayReport {
    pub(super) fn refuse(&mut self, letter: &Letter, Refusal { reason, message }: Refusal) {
        let count = self.not_replayable.entry(reason).or_default();
        *count += 1;
        if *count <= MAX_EXAMPLES {
            let Letter { partition, offset, origin, .. } = letter.clone();
            self.examples.push(Example { reason, message, partition, offset, origin });
        }
    }

    /// Why letters could not be sent that only lack a permission.
    pub fn not_allowed(&self) -> Option<&str> {
        let mut refused = self.examples.iter().filter(|example| example.reason == Obstacle::NotAllowed);
        refused.find_map(|example| example.message.as_deref())
    }
}
