//! Whether data is fit to train on: rows without text or label, the balance of the classes, texts that stand in training and
//! test, the order of time, the shift of words against what the model in production learned from. One pass; a limit that is not
//! held stops a training.

mod config;
mod findings;
mod measure;
mod page;
mod profile;

pub use config::ValidationConfig;
pub use findings::{Check, ValidationReport};
pub use measure::{ValidateRequest, validate};
pub use profile::{Profile, profile_of_version};
