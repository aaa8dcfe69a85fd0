//! A look at a running cluster from outside, for those who watch it: groups with their lag, and the last records of topics.
//! Nothing is joined, committed or written, each look ends within a time, and what was not answered by then is told apart
//! from what is not there.

mod assignment;
mod group;
mod looker;
mod tail;

pub use group::{Group, Member, Position, Unread, group};
pub use tail::{Seen, Tail, tail};
