//! What is going on, for whoever waits.

use model::FitProgress;

/// A step forward.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Progress {
    /// Rows are read and turned into vectors.
    Learning {
        /// Rows so far.
        rows: u64,
        /// Bytes of the files so far,
        bytes_read: u64,
        /// of this many; 0 for rows at hand.
        total_bytes: u64,
    },
    /// Weights are fitted.
    Fitting(FitProgress),
    /// Rows are read and scored.
    Testing {
        /// Rows so far.
        rows: u64,
        /// Bytes of the files so far,
        bytes_read: u64,
        /// of this many; 0 for rows at hand.
        total_bytes: u64,
    },
    /// Settings are tried, the better ones again on more rows.
    Tuning {
        /// Fits so far,
        done: u64,
        /// of this many.
        total: u64,
        /// The best figure on the rows of the present rung.
        best: Option<f64>,
    },
    /// The model is written to the registry.
    Registering,
}
