//! The section `[ingest]`.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Sizes and limits of what is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IngestConfig {
    /// A file is ended when it has about so many bytes,
    pub file_max_bytes: usize,
    /// or when its first record has waited so long.
    pub file_max_seconds: u64,
    /// Files in the making and those that wait to be stored hold at most about so many bytes in memory; when the former hold
    /// half of it, the largest is ended before its time.
    pub memory_max_bytes: usize,
    /// Records are decoded in batches of at most so many,
    pub batch_max_records: usize,
    /// and at most about so many bytes.
    pub batch_max_bytes: usize,
    /// The process is no longer live when Kafka holds records and brings none for this long.
    pub stall_timeout_ms: u64,
}

impl IngestConfig {
    /// Checks what the types can't say.
    pub fn check(&self) -> Result<(), String> {
        for (key, value) in [
            ("file_max_bytes", self.file_max_bytes),
            ("memory_max_bytes", self.memory_max_bytes),
            ("batch_max_records", self.batch_max_records),
            ("batch_max_bytes", self.batch_max_bytes),
        ] {
            if value == 0 {
                return Err(format!("ingest.{key} must be 1 or more"));
            }
        }
        if self.file_max_seconds == 0 {
            return Err("ingest.file_max_seconds must be 1 or more".to_owned());
        }
        if self.stall_timeout_ms < 1000 {
            return Err("ingest.stall_timeout_ms must be 1000 or more".to_owned());
        }
        // What one request to a bucket takes.
        if self.file_max_bytes > 4_000_000_000 {
            return Err("ingest.file_max_bytes must be 4000000000 or less".to_owned());
        }
        Ok(())
    }

    pub(super) fn stall_timeout(&self) -> Duration {
        Duration::from_millis(self.stall_timeout_ms)
    }

    pub(super) fn file_max_age(&self) -> Duration {
        Duration::from_secs(self.file_max_seconds)
    }
}
