//! `plaudit evaluate` and the search of `plaudit train --tune` from outside, on small files that are written here.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as tests do")]

mod bench;
mod figures;
mod page;
mod refusals;
mod tuning;
