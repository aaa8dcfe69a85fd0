//! How far a sample is, and the wish that it end: shared with whoever shows the one and has the other.

use feature_store::offline::ScanProgress;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// What sampling is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleStage {
    /// Every row is looked at once.
    Reading,
    /// It is decided which rows stay.
    Choosing,
    /// Rows that stay and are no longer at hand are read again.
    Fetching,
    /// The output is written.
    Writing,
}

impl SampleStage {
    const ALL: [Self; 4] = [Self::Reading, Self::Choosing, Self::Fetching, Self::Writing];

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Choosing => "choosing",
            Self::Fetching => "reading again what stays",
            Self::Writing => "writing",
        }
    }
}

/// A sample's state, safe to look at from another thread.
#[derive(Debug, Default)]
pub struct SampleProgress {
    stage: AtomicU8,
    total_bytes: AtomicU64,
    pub(super) scan: ScanProgress,
}

impl SampleProgress {
    /// The stage, the rows seen in it, and how many bytes of how many are done.
    pub fn now(&self) -> (SampleStage, u64, u64, u64) {
        let (rows, bytes) = self.scan.now();
        let stage = SampleStage::ALL[usize::from(self.stage.load(Ordering::Relaxed))];
        (stage, rows, bytes, self.total_bytes.load(Ordering::Relaxed))
    }

    /// Asks for an end soon, without a result.
    pub fn stop(&self) {
        self.scan.stop();
    }

    pub(super) fn expect(&self, bytes: u64) {
        self.total_bytes.store(bytes, Ordering::Relaxed);
    }

    pub(super) fn begin(&self, stage: SampleStage) {
        self.scan.begin_again();
        self.stage.store(stage as u8, Ordering::Relaxed);
    }
}
