//! What was asked of a part of the system: its answer, or why there is none in time. All questions go out at once.

use serde::Serialize;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// An answer, or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Answer<T> {
    Told(T),
    Untold { unreached: String },
}

impl<T> Answer<T> {
    pub fn told(&self) -> Option<&T> {
        match self {
            Self::Told(told) => Some(told),
            Self::Untold { .. } => None,
        }
    }

    pub fn unreached(&self) -> Option<&str> {
        match self {
            Self::Told(_) => None,
            Self::Untold { unreached } => Some(unreached),
        }
    }

    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Answer<U> {
        match self {
            Self::Told(told) => Answer::Told(change(told)),
            Self::Untold { unreached } => Answer::Untold { unreached },
        }
    }
}

impl<T, E: std::fmt::Display> From<Result<T, E>> for Answer<T> {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(told) => Self::Told(told),
            Err(error) => Self::Untold { unreached: error.to_string() },
        }
    }
}

/// The time that all answers have together.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    pub within: Duration,
    at: Instant,
}

/// What is kept of the time to put the answers together: a look that ends by itself says how far it came.
const REST: Duration = Duration::from_millis(150);

impl Deadline {
    pub fn new(within: Duration) -> Self {
        Self { within, at: Instant::now() + within }
    }

    /// The time that a question that watches it itself may take.
    pub fn for_looks(self) -> Duration {
        self.within.saturating_sub(REST).max(self.within / 2)
    }

    /// Waits for a question that was asked on a thread of its own. One that is late goes on there, and nobody hears it.
    pub async fn answer<T, E: std::fmt::Display>(self, asked: JoinHandle<Result<T, E>>) -> Answer<T> {
        self.wait(async { asked.await.map_err(|gone| gone.to_string())?.map_err(|error| error.to_string()) }).await
    }

    /// Waits for an answer.
    pub async fn wait<T, E: std::fmt::Display>(self, answer: impl Future<Output = Result<T, E>>) -> Answer<T> {
        match tokio::time::timeout_at(self.at, answer).await {
            Ok(result) => result.into(),
            Err(_) => Answer::Untold { unreached: format!("no answer within {} s", self.within.as_secs_f64()) },
        }
    }
}
