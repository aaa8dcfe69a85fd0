//! Retraining: the settings of the version in production on the reviews of the last months, compared with it on the newest
//! ones, promoted if the gates hold. Asked for, on a schedule, or when drift is seen; one run at a time, whatever the number of
//! processes, and each in a history that all of them read. When to begin is decided apart from the beginning, and asks for the
//! time as an argument.

mod agenda;
mod alerts;
mod census;
mod conclude;
mod config;
mod cron;
mod error;
mod fitness;
mod halting;
mod hold;
mod label_events;
mod metrics;
mod plan;
mod prepare;
mod production;
mod report;
mod rows;
mod rule;
mod run;
mod serve;
mod version;
mod workspace;

pub use alerts::{AlertReader, Alerts};
pub use config::{CatchUp, RetrainConfig};
pub use cron::Schedule;
pub use error::RetrainError;
pub use metrics::METRICS;
pub use plan::{Part, RetrainPlan};
pub use report::RetrainReport;
pub use run::{RetrainOrder, Retrained, Retrainer};
pub use serve::RetrainService;
