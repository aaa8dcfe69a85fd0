//! The search for good settings: trials of settings drawn at random, the better third of which go on to more rows
//! (successive halving; Jamieson & Talwalkar 2016, "Non-stochastic best arm identification and hyperparameter
//! optimization"). Judged on rows held out of the training rows: the later ones in time, or a share by the hash of the
//! text. What is tested afterwards is never seen. Each trial is a line of a journal, so that a search that was killed goes
//! on where it was.

mod goal;
mod halving;
mod journal;
mod page;
mod request;
mod search;
mod space;
mod split;
mod texts;
mod trial;
mod tuned;

pub use goal::Goal;
pub use journal::JournalError;
pub use request::{TuneRequest, Validation};
pub(crate) use search::tuned;
pub use tuned::{TrialSummary, Tuned};

#[cfg(test)]
mod tests;
