//! The online store from outside: one contract that both stores keep, and what is true of Redis alone.
//!
//! The tests of Redis need a server, whose address is in `PLAUDIT_TEST_REDIS`. They share it: each has a project of its own.
//! Those of outages, clusters, sentinels and TLS start servers of their own.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up its store has failed")]

mod cluster;
mod contract;
mod feast;
mod memory;
mod outages;
mod redis;
mod restarts;
mod secure;
mod sentinel;
mod servers;
mod stores;
