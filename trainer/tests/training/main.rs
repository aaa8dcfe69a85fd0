//! Files to registered versions, through the public interface and on small data that is written here.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as tests do")]

mod bench;
mod features;
mod promotion;
mod refusals;
mod split;
mod versions;
