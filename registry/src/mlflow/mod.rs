//! MLflow beside the registry. Every version can be sent there as a run with its parameters, metrics, dataset and files, and as
//! a registered model version that `mlflow.pyfunc` loads; aliases go both ways. The registry remains the only truth for
//! whoever trains and scores: MLflow may be late or away, and is brought up to date when it is back.

mod aliases;
mod client;
mod config;
mod directory;
mod error;
mod follow;
mod mirror;
mod run;

pub use config::MlflowConfig;
pub use error::Error;
pub use follow::AliasFollower;
pub use mirror::{Mirror, Sent, Synced};
