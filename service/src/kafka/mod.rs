//! The Kafka client with the settings that exactly-once asks for, behind types that hide librdkafka's traps: offset
//! versus next offset, slow flushes, errors whose meaning hangs on flags. Everything works from a plain thread; what
//! flows through the topics is left to others. librdkafka's own log lines go to `tracing` (target `librdkafka`).

mod access;
pub mod admin;
mod config;
pub mod dead_letter;
mod embedded;
mod error;
pub mod events;
pub mod headers;
mod offset;
mod reachable;
mod reader;
mod silence;
pub mod survey;
mod transaction;

pub use access::Access;
pub use config::{KafkaConfig, OnLostRange};
pub use embedded::EmbeddedBroker;
pub use error::{Error, ErrorKind};
pub use offset::{NextOffset, NextOffsets, committed_offsets};
pub use reader::read_to_end;
pub use silence::Silence;
pub use transaction::TransactionalProducer;
