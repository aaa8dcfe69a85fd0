//! The join beside Feast's own, on the same files.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up its files has failed")]

mod feast;
