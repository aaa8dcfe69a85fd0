//! The gateway as clients see it: every route, every refusal, by calls of the router; the server by real connections.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod batch;
mod harness;
mod pages;
mod predict;
mod refusals;
mod server;
mod status;
mod trace;
