//! Why the online store cannot be used: at start-up something to correct, later something to score without.

/// An error of the online store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The address makes no sense.
    #[error("redis.url = \"{url}\" cannot be used: {reason}")]
    InvalidUrl {
        /// The address without its password.
        url: String,
        /// What the client says.
        reason: String,
    },
    /// Nobody answers at start-up, or not yet.
    #[error("no Redis can be reached at {url}: {reason}; start one, or correct redis.url (empty for no online store)")]
    Unreachable {
        /// The address without its password.
        url: String,
        /// What the client or the server says.
        reason: String,
    },
    /// What answers at start-up is no Redis, or none that lets us in.
    #[error("what answers at {url} cannot be used: {reason}; correct redis.url and what stands beside it")]
    Unusable {
        /// The address without its password.
        url: String,
        /// What the client or the server says.
        reason: String,
    },
    /// The store does not answer in time.
    #[error("Redis at {url} did not answer within {limit_ms} ms")]
    TimedOut {
        /// The address without its password.
        url: String,
        /// The time it had.
        limit_ms: u64,
    },
    /// The store answers with an error, or the connection to it broke.
    #[error("Redis at {url} is unavailable: {reason}")]
    Unavailable {
        /// The address without its password.
        url: String,
        /// What the client or the server says.
        reason: String,
    },
    /// The store answers that it will not: time does not help.
    #[error(
        "Redis at {url} refuses what is asked of it: {reason}; correct redis.url, or let its user do HMGET, HSET, EXPIRE, \
         PERSIST, EVALSHA, SCRIPT, GET and SET"
    )]
    Refused {
        /// The address without its password.
        url: String,
        /// What the client or the server says.
        reason: String,
    },
}

impl Error {
    /// Whether the same call may succeed later, with nobody doing anything but starting a server.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::TimedOut { .. } | Self::Unavailable { .. } => true,
            Self::InvalidUrl { .. } | Self::Unusable { .. } | Self::Refused { .. } => false,
        }
    }
}
