//! The online store from outside: one contract that both stores keep, and what is true of Redis alone.
//!
//! The tests of Redis need a server, whose address is in `PLAUDIT_TEST_REDIS`. They share it: each has a project of its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up its store has failed")]

mod contract;
mod outages;
mod redis;
mod stores;
