//! A registry in a folder, through its public interface.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails its test")]

mod aliases;
mod damage;
mod follower;
mod notes;
mod places;
mod races;
mod versions;
mod world;
