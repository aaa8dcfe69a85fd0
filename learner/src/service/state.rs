//! All that the next record's lesson depends on: the learner, the labels that wait, what was learned of which review, and how far
//! the topics were read. A checkpoint is these as bytes; the cache is not among them: it is found again by reading its records.

use super::join::{Effects, Join};
use super::merge::Lanes;
use super::positions::{Positions, Round, Source};
use super::record::{Label, Record};
use crate::checkpoint::{CheckpointError, Reader, Writer, invalid};
use crate::config::LearnConfig;
use crate::learner::Learner;
use schemas::{Label as Class, ModelVersion, Origin};
use serde::{Deserialize, Serialize};

pub(super) struct State {
    pub(super) learner: Learner,
    pub(super) join: Join,
    /// What the learner went on from.
    pub(super) version: ModelVersion,
    /// Records that were taken so far, by whichever process.
    pub(super) records: u64,
    /// The round that is being read.
    pub(super) round: Round,
}

/// A checkpoint, read.
pub(super) struct Restored {
    pub(super) state: State,
    /// How far the records were read that are in it,
    pub(super) positions: Positions,
    /// and from where they must be read again for what labels to come need of them.
    pub(super) remembered_from: Positions,
}

const MARK: &[u8; 8] = b"PLAUDITC";
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Header {
    version: ModelVersion,
    records: u64,
    round: Round,
    positions: Positions,
    remembered_from: Positions,
    now_millis: i64,
}

impl State {
    /// The topics have as many partitions as the round reads.
    pub(super) fn share(&mut self) {
        let end = &self.round.end;
        self.join.share(end.of(Source::Reviews).len(), end.of(Source::Predictions).len());
    }

    /// Takes the next record.
    pub(super) fn take(&mut self, record: Record, effects: &mut Effects) {
        self.records += 1;
        self.join.take(record, self.round.at_millis, &mut self.learner, effects);
    }

    /// Everything as bytes, but for the learner, whose own bytes come last, behind their number.
    pub(super) fn before_learner(&self, lanes: &Lanes) -> Writer {
        let positions = lanes.positions();
        let mut remembered_from = positions.clone();
        for (source, oldest) in
            [(Source::Reviews, self.join.reviews.oldest()), (Source::Predictions, self.join.scored.oldest())]
        {
            for (from, oldest) in remembered_from.of_mut(source).iter_mut().zip(oldest) {
                *from = oldest.unwrap_or(*from);
            }
        }
        let header = Header {
            version: self.version,
            records: self.records,
            round: self.round.clone(),
            positions,
            remembered_from,
            now_millis: self.join.now_millis,
        };
        let mut to = Writer(Vec::new());
        to.0.extend_from_slice(MARK);
        to.u32(VERSION);
        to.some(&serde_json::to_vec(&header).expect("it has string keys and whole numbers"));
        to.u64(self.join.learned.len() as u64);
        for (review, label, origin) in self.join.learned.iter() {
            to.u64(review);
            to.0.push(u8::from(label.is_positive()) | (origin as u8) << 1);
        }
        to.u64(self.join.waiting.len() as u64);
        for (label, until_millis) in self.join.waiting.iter() {
            to.label(label, until_millis);
        }
        to
    }

    /// Goes on from what was written.
    pub(super) fn from_bytes(config: &LearnConfig, bytes: &[u8]) -> Result<Restored, CheckpointError> {
        let mut from = Reader(bytes.strip_prefix(MARK).ok_or(CheckpointError::Foreign)?);
        let version = from.u32()?;
        if version > VERSION {
            return Err(CheckpointError::NewerFormat { found: version });
        }
        let header: Header = serde_json::from_slice(from.some()?).map_err(|error| invalid(error.to_string()))?;
        let Header { version, records, round, positions, remembered_from, now_millis } = header;
        let mut join = Join::new(config);
        join.now_millis = now_millis;
        for _ in 0..from.length(9)? {
            let (review, bits) = (from.u64()?, from.bytes::<1>()?[0]);
            let label = if bits & 1 == 1 { Class::Positive } else { Class::Negative };
            let origins = [Origin::User, Origin::Rating, Origin::Annotator];
            let origin = origins.into_iter().find(|origin| *origin as u8 == bits >> 1);
            join.learned.restore(review, label, origin.ok_or_else(|| invalid("it names no origin"))?);
        }
        for _ in 0..from.length(40)? {
            let (label, until_millis) = from.label()?;
            if let Ok(feedback) = &label.feedback {
                let review_id = feedback.review_id.0.clone();
                join.waiting.push(&review_id, label, until_millis);
            }
        }
        let learner = Learner::from_bytes(config.clone(), from.some()?)?;
        let mut state = Self { learner, join, version, records, round };
        state.share();
        Ok(Restored { state, positions, remembered_from })
    }
}

impl Writer {
    /// Bytes behind their number.
    pub(super) fn some(&mut self, bytes: &[u8]) {
        self.u64(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// Bytes that may be missing.
    fn perhaps(&mut self, bytes: Option<&[u8]>) {
        self.0.push(u8::from(bytes.is_some()));
        self.some(bytes.unwrap_or_default());
    }

    fn label(&mut self, label: &Label, until_millis: i64) {
        let Label { partition, offset, millis, key, payload, headers, feedback: _ } = label;
        [(*partition).into(), *offset, *millis, until_millis].into_iter().for_each(|number| self.i64(number));
        self.perhaps(key.as_deref());
        self.perhaps(payload.as_deref());
        self.u64(headers.len() as u64);
        for (name, value) in headers {
            self.some(name.as_bytes());
            self.perhaps(value.as_deref());
        }
    }
}

impl<'a> Reader<'a> {
    fn some(&mut self) -> Result<&'a [u8], CheckpointError> {
        let length = self.length(1)?;
        self.take(length)
    }

    fn perhaps(&mut self) -> Result<Option<Vec<u8>>, CheckpointError> {
        let is_there = self.bytes::<1>()?[0] == 1;
        let bytes = self.some()?;
        Ok(is_there.then(|| bytes.to_vec()))
    }

    fn label(&mut self) -> Result<(Label, i64), CheckpointError> {
        let place = [self.i64()?, self.i64()?, self.i64()?];
        let until_millis = self.i64()?;
        let (key, payload) = (self.perhaps()?, self.perhaps()?);
        let headers = (0..self.length(17)?)
            .map(|_| {
                let name = String::from_utf8(self.some()?.to_vec()).map_err(|error| invalid(error.to_string()))?;
                Ok((name, self.perhaps()?))
            })
            .collect::<Result<Vec<_>, CheckpointError>>()?;
        Ok((Label::again(place, key, payload, headers), until_millis))
    }
}
