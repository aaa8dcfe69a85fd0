//! The point-in-time join: for each row of files of reviews, the features that serving would have seen at that moment, which
//! are those from events strictly before it and no older than the view's ttl. Features come from files of feature rows, or
//! are made of the ratings in files of reviews by the aggregates that serve. Memory is bounded whatever the sizes and however
//! uneven the entities: what it does not hold goes to disk. The rows keep their order and their columns.

mod budget;
mod columns;
mod error;
mod feature_rows;
mod history;
mod input;
mod key;
mod latest;
mod output;
mod progress;
mod report;
mod request;
mod results;
mod run;
mod scan;
mod slots;
mod sorted;
mod spill;

pub use error::JoinError;
pub use progress::{JoinProgress, Stage};
pub use report::{JoinReport, ViewReport};
pub use request::{JoinConfig, JoinRequest, JoinView, ReadyView};
pub use run::join;

#[cfg(test)]
mod tests;
