//! Into Kafka and out of it. `service` writes what flows through the topics to the stores, each record once. The rest is
//! files into Kafka: each row of a file becomes a review in `reviews` and, where it tells one, a label in `feedback`. What
//! the broker acknowledged and what was left out is reported to the row; reading, pacing and sending are usable one by one,
//! for whoever has other rows to send.

mod error;
pub mod metrics;
mod outgoing;
mod pace;
mod publisher;
pub mod replay;
mod row_batches;
pub mod service;

pub use error::Error;
pub use outgoing::{Omissions, Outgoing, RowConverter};
pub use pace::{Pace, Speed};
pub use publisher::{Publisher, Sent};
pub use row_batches::RowBatches;
