//! What the tests of the built binary share: names of their own on a real broker, the binary pointed there, processes that end
//! with their test, and waiting without sleeping.

pub mod hostile;
pub mod names;
pub mod reviews;
mod running;
pub mod topics;

pub use names::{Names, brokers, plaudit};
pub use running::{Running, report, wait_for};

use std::time::Duration;

/// How long anything may take that a test waits for.
pub const PATIENCE: Duration = Duration::from_secs(60);
