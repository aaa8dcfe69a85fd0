//! The join against an oracle that looks at every pair of rows, on small random data that takes every way through the code:
//! in memory and spilled, by columns and by rows, several files and row groups, ties, nulls, ttl.

mod files;
mod history;
mod ready;

use files::Folder;

use super::{JoinError, JoinProgress, JoinReport, JoinRequest, JoinView, run};
use crate::offline::ReadOptions;
use std::path::PathBuf;

/// Numbers that a seed determines: SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// From 0 to less than so much.
    fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// A value, or none once in a while.
    fn often<T>(&mut self, value: T) -> Option<T> {
        (self.below(12) > 0).then_some(value)
    }
}

/// Too little memory for anything, so that all is spilled; enough for all.
const MEMORY: [u64; 3] = [4_000, 150_000, 1 << 30];

fn join(
    folder: &Folder,
    input: &[PathBuf],
    read: ReadOptions,
    views: Vec<JoinView>,
    known_from: Option<String>,
    memory: u64,
) -> (PathBuf, JoinReport) {
    let output = folder.path("joined.parquet");
    let report = try_join(folder, input, read, views, known_from, memory).unwrap();
    (output, report)
}

fn try_join(
    folder: &Folder,
    input: &[PathBuf],
    read: ReadOptions,
    views: Vec<JoinView>,
    known_from: Option<String>,
    memory: u64,
) -> Result<JoinReport, JoinError> {
    let request = JoinRequest {
        input: input.to_vec(),
        read,
        views,
        known_from,
        output: folder.path("joined.parquet"),
        temp_dir: None,
        memory_limit_bytes: memory,
    };
    run::join_within(&request, &JoinProgress::default())
}
