//! What is known about reviews, products and users, at rest and at hand. `offline` reads files of reviews, whoever wrote
//! them; `online` keeps aggregates per product and user that a scorer reads within milliseconds, in Redis or in memory.
//! `views` says which aggregates there are, and makes them of events.
//! `backfill` brings history to the one, and `join` finds what serving would have known at the time of each row.
//! None knows of models or of Kafka clients: callers bring rows, offsets and the time.

pub mod backfill;
pub mod join;
pub mod offline;
pub mod online;
pub mod views;
