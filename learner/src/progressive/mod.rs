//! Progressive validation: each row of a file is scored by what was learned from the rows before it, and is learned from
//! when its label has come, which may be so many rows or so much time later. What is reported is how good the scores were,
//! none of which has seen its own label.

mod as_of;
mod delay;
mod error;
mod report;
mod request;
mod run;

pub use delay::{Delay, InvalidDelay};
pub use error::Error;
pub use report::{Course, Report, RowCounts};
pub use request::{BurnIn, Progress, Request, Start};
pub use run::{Outcome, run};
