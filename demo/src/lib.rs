//! The whole system in one process: a broker, a registry, an online store, a scorer, a gateway, and somebody who sends
//! reviews and counts what comes out. It runs on reviews that it generates itself, or on anybody's files. Every part is the
//! one that runs against Kafka and Redis too; what is the demo's own is the traffic and the bookkeeping, which proves that
//! each review got exactly one prediction.

mod error;
mod excerpt;
mod feed;
mod generated;
mod known;
mod ledger;
mod options;
mod outcomes;
mod quality;
mod report;
mod run;
mod screen;
mod split;
mod system;
mod tally;
mod training;

pub use error::Error;
pub use generated::GeneratedReviews;
pub use options::{Config, Generated, Input, Options};
pub use report::{NotExactlyOnce, Report};
pub use run::run;
pub use screen::{Picture, Screen};
