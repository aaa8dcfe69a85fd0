//! From where the learner goes on: the record `<name>/checkpoint` in the topic `models`. It names a checkpoint, and the rounds
//! that were begun since that was taken: with these, what was learned behind it is learned once more in the same order.

use super::positions::{Positions, Round};
use schemas::{ModelState, ModelVersion};
use serde::{Deserialize, Serialize};
use service::kafka::NextOffsets;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Pointer {
    /// The version, the last update, the checkpoint's place in the registry, and the offsets that are committed beside this.
    #[serde(flatten)]
    pub(super) state: ModelState,
    #[serde(flatten)]
    pub(super) way: Way,
}

/// How to get from the checkpoint to where the learner was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Way {
    /// The checkpoint's number.
    pub(super) number: u64,
    /// How many records were taken so far.
    pub(super) records: u64,
    /// The settings that decide what a label does: with others the same labels give other weights.
    pub(super) settings: String,
    /// Which updates are snapshots.
    pub(super) snapshots: Snapshots,
    /// The positions behind which the first of the rounds begins, as all others do behind the one before.
    origin: Positions,
    rounds: Vec<Begun>,
}

/// A round, its end counted from that of the one before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Begun {
    at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<ModelVersion>,
    to: Positions,
}

/// The updates that are snapshots as well, or instead.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Snapshots {
    /// The last one; 0 for none.
    pub(super) last: u64,
    /// The last two that stand beside an update: older ones of these may go.
    pub(super) beside: [u64; 2],
}

/// The rounds since a checkpoint was taken.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Journal {
    /// The end of the round in which it was taken.
    pub(super) origin: Positions,
    pub(super) rounds: Vec<Round>,
}

/// What a pointer says beside its journal.
pub(super) struct Marks {
    pub(super) number: u64,
    pub(super) records: u64,
    pub(super) settings: String,
    pub(super) snapshots: Snapshots,
}

impl Pointer {
    pub(super) fn new(state: ModelState, marks: Marks, journal: &Journal) -> Self {
        let Marks { number, records, settings, snapshots } = marks;
        let mut before = &journal.origin;
        let rounds = journal.rounds.iter().map(|round| {
            let to = round.end.since(before);
            before = &round.end;
            Begun { at: round.at_millis, version: round.version, to }
        });
        let rounds = rounds.collect();
        let way = Way { number, records, settings, snapshots, origin: journal.origin.clone(), rounds };
        Self { state, way }
    }

    /// Reads a record's value: as a state of the model, and once more for the rest.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, String> {
        let state = ModelState::decode(bytes).map_err(|error| error.to_string())?;
        let way = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        Ok(Self { state, way })
    }

    pub(super) fn journal(&self) -> Journal {
        let mut before = self.way.origin.clone();
        let rounds = self.way.rounds.iter().map(|Begun { at, version, to }| {
            before = to.behind(&before);
            Round { at_millis: *at, version: *version, end: before.clone() }
        });
        let rounds = rounds.collect();
        Journal { origin: self.way.origin.clone(), rounds }
    }

    /// The offsets that were committed beside it.
    pub(super) fn offsets(&self) -> NextOffsets {
        let mut offsets = NextOffsets::new();
        for (topic, partitions) in self.state.offsets.iter().flatten() {
            for (partition, next) in partitions {
                offsets.set(topic, *partition, service::kafka::NextOffset(*next));
            }
        }
        offsets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_survives_its_way_through_the_topic() {
        let round = |at_millis, version, reviews: i64| Round {
            at_millis,
            version,
            end: Positions([vec![reviews, 3], vec![reviews], vec![7]]),
        };
        let journal = Journal {
            origin: Positions([vec![1], vec![1], vec![7]]),
            rounds: vec![round(5, None, 10), round(6, Some(ModelVersion(3)), 12)],
        };
        let state = ModelState {
            name: "sentiment".parse().unwrap(),
            version: ModelVersion(2),
            sha256: "0".repeat(64),
            update: 4,
            location: "x".to_owned(),
            content_sha256: "1".repeat(64),
            offsets: Some([("t".to_owned(), [(0, 5)].into())].into()),
        };
        let marks = Marks {
            number: 9,
            records: 100,
            settings: "s".to_owned(),
            snapshots: Snapshots { last: 3, beside: [0, 3] },
        };
        let pointer = Pointer::new(state.clone(), marks, &journal);
        let bytes = serde_json::to_vec(&pointer).unwrap();
        let read = Pointer::decode(&bytes).unwrap();
        assert_eq!(read, pointer);
        assert_eq!(read.journal(), journal);
        assert_eq!(ModelState::decode(&bytes).unwrap(), state, "it is a state of the model as all others are");
        assert_eq!(read.offsets().get("t", 0).map(|next| next.0), Some(5));
    }
}
