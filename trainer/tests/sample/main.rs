//! The golden sample: which rows stay, whatever the files, their order, the memory and the engine; and what goes wrong.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as tests do")]
#![expect(clippy::print_stdout, reason = "a test says what it measured, or why it was left out")]

mod calibration;
mod files;
mod memory;
mod rows;
mod spark;
mod store;
mod trouble;
mod validation;
