//! What can end a monitor, in the words of whoever has to act on it.

/// Why a monitor ended early. It remembers nothing but what the topics hold, and the next start goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum MonitorError {
    /// Kafka is not there, or lacks a topic, or refuses.
    #[error(transparent)]
    Kafka(#[from] service::kafka::Error),
    /// Another process with the same group raises alerts now.
    #[error(
        "another monitor of the group \"{group}\" has taken over: one is enough, for it sees all partitions; give this one \
         another kafka.group to have two"
    )]
    TakenOver {
        /// The group.
        group: String,
    },
}
