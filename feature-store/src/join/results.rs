//! What was found for each row, on its way back from the order of entities to the order of the input: records by ranges of
//! row numbers, and one range at a time as columns.

use super::JoinError;
use super::columns::Kind;
use super::spill::{Appender, Partitions, SpillSettings};
use std::sync::Arc;

/// Null marks and values of a feature row as bytes: a bit for each value that is there, then eight bytes each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Payload {
    pub(super) features: usize,
}

impl Payload {
    fn mask_bytes(self) -> usize {
        self.features.div_ceil(8)
    }

    pub(super) fn bytes(self) -> usize {
        self.mask_bytes() + 8 * self.features
    }

    /// Writes one value.
    pub(super) fn set(self, payload: &mut [u8], feature: usize, bits: Option<u64>) {
        let mark = 1 << (feature % 8);
        match bits {
            Some(_) => payload[feature / 8] |= mark,
            None => payload[feature / 8] &= !mark,
        }
        let at = self.mask_bytes() + 8 * feature;
        payload[at..at + 8].copy_from_slice(&bits.unwrap_or(0).to_le_bytes());
    }

    fn get(self, payload: &[u8], feature: usize) -> Option<u64> {
        let at = self.mask_bytes() + 8 * feature;
        let bits = u64::from_le_bytes(payload[at..at + 8].try_into().expect("8 bytes"));
        (payload[feature / 8] & 1 << (feature % 8) != 0).then_some(bits)
    }
}

/// The results of one view.
pub(super) struct Results {
    partitions: Partitions,
    payload: Payload,
    range_rows: u64,
    /// The names and kinds of the columns.
    pub(super) columns: Vec<(String, Kind)>,
    /// The ranges that were asked for last; rows are written in their order, so two are enough.
    loaded: Vec<(u64, Arc<Loaded>)>,
}

/// A range of rows as columns.
pub(super) struct Loaded {
    /// By feature: the bits of each row's value.
    values: Vec<Vec<u64>>,
    /// By feature: whether there is one.
    present: Vec<Vec<bool>>,
}

/// Takes one thread's results.
pub(super) struct ResultWriter<'a> {
    appender: Appender<'a>,
    range_rows: u64,
}

/// At least so many rows make a range,
const LEAST_RANGE_ROWS: u64 = 1 << 14;
/// and, so that there are not too many, at least this share of all.
const MOST_RANGES: u64 = 256;

impl Results {
    /// No results yet, for so many rows. `range_bytes` may be used while a range is read.
    pub(super) fn new(columns: Vec<(String, Kind)>, rows: u64, range_bytes: usize, settings: SpillSettings) -> Self {
        let payload = Payload { features: columns.len() };
        let fitting = range_bytes as u64 / (2 * 9 * columns.len().max(1) as u64);
        let range_rows = fitting.clamp(LEAST_RANGE_ROWS, 1 << 20).max(rows.div_ceil(MOST_RANGES));
        let ranges = rows.div_ceil(range_rows).max(1) as usize;
        let partitions = Partitions::new(ranges, 4 + payload.bytes(), settings);
        Self { partitions, payload, range_rows, columns, loaded: Vec::new() }
    }

    pub(super) fn writer(&self) -> ResultWriter<'_> {
        ResultWriter { appender: self.partitions.appender(), range_rows: self.range_rows }
    }

    pub(super) fn spilled_bytes(&self) -> u64 {
        self.partitions.spilled_bytes()
    }

    /// The values of one feature for the rows of a range of numbers, in pieces.
    pub(super) fn read(
        &mut self,
        feature: usize,
        mut rows: std::ops::Range<u64>,
        mut each: impl FnMut(&[u64], &[bool]) -> Result<(), JoinError>,
    ) -> Result<(), JoinError> {
        while !rows.is_empty() {
            let range = rows.start / self.range_rows;
            let first = range * self.range_rows;
            let end = rows.end.min(first + self.range_rows);
            let loaded = self.load(range)?;
            let within = (rows.start - first) as usize..(end - first) as usize;
            each(&loaded.values[feature][within.clone()], &loaded.present[feature][within])?;
            rows.start = end;
        }
        Ok(())
    }

    fn load(&mut self, range: u64) -> Result<Arc<Loaded>, JoinError> {
        if let Some((_, loaded)) = self.loaded.iter().find(|(known, _)| *known == range) {
            return Ok(loaded.clone());
        }
        if self.loaded.len() == 2 {
            self.loaded.remove(0);
        }
        let rows = self.range_rows as usize;
        let features = self.payload.features;
        let mut loaded = Loaded { values: vec![vec![0; rows]; features], present: vec![vec![false; rows]; features] };
        let payload = self.payload;
        self.partitions.read(range as usize, |block| {
            for record in block.chunks_exact(4 + payload.bytes()) {
                let (row, found) = record.split_at(4);
                let row = u32::from_le_bytes(row.try_into().expect("4 bytes")) as usize;
                for feature in 0..features {
                    if let Some(bits) = payload.get(found, feature) {
                        loaded.values[feature][row] = bits;
                        loaded.present[feature][row] = true;
                    }
                }
            }
            Ok(())
        })?;
        let loaded = Arc::new(loaded);
        self.loaded.push((range, loaded.clone()));
        Ok(loaded)
    }
}

impl ResultWriter<'_> {
    /// A row's values.
    pub(super) fn push(&mut self, row: u64, payload: &[u8]) -> Result<(), JoinError> {
        let within = (row % self.range_rows) as u32;
        self.appender.push((row / self.range_rows) as usize, &[&within.to_le_bytes(), payload])
    }

    pub(super) fn finish(self) -> Result<(), JoinError> {
        self.appender.finish()
    }
}
