//! The section `[scorer]`.

use serde::{Deserialize, Serialize};
use service::kafka::{KafkaConfig, TransactionalProducer};
use std::time::Duration;

/// The worker's role in its consumer group's name and in its transactional id.
pub(super) const ROLE: &str = "score";

/// How long Kafka may take to answer one question: where offsets are, who is in the group.
pub(super) const ANSWER: Duration = Duration::from_secs(5);

/// How long the farewell may take: the client waits up to 5 s for the group's answer; the rest is for what is being scored.
const FAREWELL: Duration = Duration::from_secs(8);

/// Sizes and limits of the stream worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamConfig {
    /// A transaction holds at most this many reviews.
    pub batch_max_records: usize,
    /// And is full when it has at least this many bytes of them.
    pub batch_max_bytes: usize,
    /// Threads that decode and score; 0 for one per core.
    pub threads: usize,
    /// The broker aborts a transaction that is open for longer.
    pub transaction_timeout_ms: u64,
    /// The process is no longer live when there is work and nothing of it is done for this long.
    pub stall_timeout_ms: u64,
}

impl StreamConfig {
    /// Checks what the types can't say.
    pub fn check(&self) -> Result<(), String> {
        if self.batch_max_records == 0 {
            return Err("scorer.batch_max_records must be 1 or more".to_owned());
        }
        if self.batch_max_bytes == 0 {
            return Err("scorer.batch_max_bytes must be 1 or more".to_owned());
        }
        // A rebalance waits for the open transaction; the group would go on without a member that keeps it waiting for minutes.
        if !(1000..=120_000).contains(&self.transaction_timeout_ms) {
            return Err("scorer.transaction_timeout_ms must lie in 1000 to 120000".to_owned());
        }
        if self.stall_timeout_ms < 1000 {
            return Err("scorer.stall_timeout_ms must be 1000 or more".to_owned());
        }
        Ok(())
    }

    /// How long a worker may take to end once it is told to: the longest wait that it may be in, after each of which it looks
    /// whether it is to end, and its farewell. `docs/DELIVERY.md` lists them.
    pub fn grace(&self, kafka: &KafkaConfig) -> Duration {
        let transaction = TransactionalProducer::longest_transaction(self.transaction_timeout());
        let replacement = TransactionalProducer::longest_start(kafka, self.transaction_timeout()) + ANSWER;
        transaction.max(replacement).max(2 * ANSWER) + FAREWELL
    }

    pub(super) fn stall_timeout(&self) -> Duration {
        Duration::from_millis(self.stall_timeout_ms)
    }

    pub(super) fn transaction_timeout(&self) -> Duration {
        Duration::from_millis(self.transaction_timeout_ms)
    }

    pub(super) fn threads(&self) -> usize {
        match self.threads {
            0 => std::thread::available_parallelism().map_or(1, |cores| cores.get()),
            threads => threads,
        }
    }
}

/// A static member (`group.instance.id`) keeps its id, so that its next start ends at once what it left open; others have one
/// of their own each, and what they leave open the next owner ends (`start.rs`), or else its time-out. Zombies of either kind
/// are fenced by the group's generation, which goes with the offsets into each transaction.
pub(super) fn transactional_id(kafka: &KafkaConfig) -> String {
    let group = kafka.group_of(ROLE);
    match kafka.properties.get("group.instance.id") {
        Some(instance) => format!("{group}.{instance}"),
        None => {
            let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            format!("{group}.{}-{:x}", std::process::id(), since_epoch.as_nanos())
        }
    }
}
