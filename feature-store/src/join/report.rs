//! What came of a join.

use crate::offline::ReadOptions;
use serde::Serialize;
use std::collections::BTreeMap;

/// Counts and times of a join.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JoinReport {
    /// Rows written: all of the input, or those that its conditions leave.
    pub rows: u64,
    /// By view.
    pub views: BTreeMap<String, ViewReport>,
    /// What memory did not hold.
    pub spilled_bytes: u64,
    /// How the output is read: of Parquet the columns have their old names, of anything else ours; conditions are met.
    #[serde(skip)]
    pub read: ReadOptions,
}

/// What the rows found in one view; they sum up to all rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ViewReport {
    /// Values that serving would have seen.
    pub matched: u64,
    /// Nothing was known of the entity before the row.
    pub missing: u64,
    /// The latest that was known was older than the ttl.
    pub stale: u64,
    /// The row names no entity.
    pub no_entity: u64,
    /// The row has no time.
    pub no_time: u64,
}

impl ViewReport {
    pub(super) fn add(&mut self, other: &Self) {
        let Self { matched, missing, stale, no_entity, no_time } = *other;
        self.matched += matched;
        self.missing += missing;
        self.stale += stale;
        self.no_entity += no_entity;
        self.no_time += no_time;
    }
}
