//! The reader of files, from outside: every file is made here, in a folder of its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up its files has failed")]

mod files;

mod csv;
mod features;
mod json_lines;
mod parquet;
mod pruning;
mod refused;
mod several;
