//! What any long-running process needs before it knows its business: configuration in layers, the Kafka client with
//! the settings that exactly-once asks for, telemetry, supervised tasks, a clean shutdown, health and metrics over
//! HTTP. Nothing here knows what flows through the topics.

pub mod config;
pub mod health;
pub mod kafka;
pub mod latency;
pub mod metrics;
pub mod shutdown;
pub mod supervisor;
pub mod telemetry;
