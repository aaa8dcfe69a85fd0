//! How the memory limit is shared out. Views are joined one after the other, so the shares are those of one view; only
//! results stay.

use super::key::SHARDS;
use super::spill::SpillSettings;
use std::path::PathBuf;

/// The shares of a join's memory.
pub(super) struct Budget {
    limit_bytes: usize,
    threads: usize,
    views: usize,
    folder: PathBuf,
    /// For rows while they are matched.
    pub(super) matching_bytes: usize,
}

impl Budget {
    pub(super) fn new(limit_bytes: u64, threads: usize, views: usize, folder: PathBuf) -> Self {
        let limit_bytes = usize::try_from(limit_bytes).unwrap_or(usize::MAX);
        Self { limit_bytes, threads, views: views.max(1), folder, matching_bytes: limit_bytes / 100 * 55 }
    }

    /// For the keys of the rows to be joined. What is matched is made of them, and they go as it comes.
    pub(super) fn wanted_spill(&self) -> SpillSettings {
        self.spill(self.limit_bytes / 100 * 25)
    }

    /// For feature rows and events: they are more than memory holds anyway.
    pub(super) fn history_spill(&self) -> SpillSettings {
        self.spill(self.limit_bytes / 100 * 5)
    }

    /// For the results of one view.
    pub(super) fn results_spill(&self) -> SpillSettings {
        self.spill(self.limit_bytes / 100 * 20 / self.views)
    }

    /// For the range of results that one view's columns are read from.
    pub(super) fn range_bytes(&self) -> usize {
        self.matching_bytes / self.views
    }

    fn spill(&self, memory_bytes: usize) -> SpillSettings {
        // The open blocks of all threads together stay below a twentieth.
        let open_blocks = self.threads * SHARDS;
        let block_bytes = (self.limit_bytes / 20 / open_blocks).clamp(1 << 10, 1 << 16);
        SpillSettings { folder: self.folder.clone(), memory_bytes, block_bytes }
    }
}
