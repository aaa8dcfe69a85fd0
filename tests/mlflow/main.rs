//! A real MLflow server beside the registry, and our models loaded by MLflow's own library.

#![expect(clippy::unwrap_used, reason = "in a test every failure is the test's")]

mod loader;
mod server;
mod story;
