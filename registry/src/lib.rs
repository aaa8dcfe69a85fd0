//! Which versions of a model exist, which one is in production, and who changed that, when and why. A registry is a folder or
//! a bucket; it needs no server, no lock and no clean-up, and any number of processes may read and write it at the same time.
//!
//! ```text
//! <registry>/<model>/artifacts/<sha256>.safetensors     the model's bytes, under their own checksum
//! <registry>/<model>/versions/<number>.json             a manifest: what the version is and how it was made
//! <registry>/<model>/log/<number>.json                  one line of the log: an alias moved, a version tagged, ..
//! <registry>/<model>/mlflow/<number>.json               where the version is in MLflow, once it is there
//! <registry>/<model>/updates/<version>/<number>.update  what an online learner changed ([`Registry::create_update`])
//! <registry>/<model>/snapshots/<version>/<number>.safetensors  the whole model at an update
//! <registry>/<model>/checkpoints/<number>-<sha256>.checkpoint
//!                                                       what the learner goes on from
//! <registry>/<model>/retrainings/<number>.json          a run of retraining: its lease while it goes on, its history afterwards
//! ```
//!
//! Three rules carry every promise:
//! - **A version exists exactly when its manifest does.** The artifact is written first, so whoever sees a version can load it;
//!   a crash before the manifest leaves bytes that nobody names. A line of the log can delete it; its number stays taken.
//! - **Manifests and log lines are created only where none is**, and never changed. Two writers that want the same number
//!   can't both get it: one goes on to the next number, so no version is taken twice and no log line lost.
//! - **Aliases, tags and descriptions are what the log says**: there is no second place that could disagree with it. A line
//!   also records what the alias meant before; that is always right, because the line's number proves that its writer had
//!   read all earlier lines.
//!
//! Writes are durable when they return: files and folders are synced to disk. A folder's file system must know hard links,
//! and a bucket conditional writes, which are what makes creation atomic. Files that another program left there are ignored;
//! a manifest, log line or artifact that has been damaged is an error that names the file.

mod alias;
mod checkpoint;
mod config;
mod error;
mod follower;
mod journal;
mod log;
mod manifest;
pub mod mlflow;
mod notes;
mod package;
mod registry;
mod retraining;
mod store;
mod tenure;
mod updates;
mod verdict;

pub use alias::{Alias, Reference};
pub use config::RegistryConfig;
pub use error::{Error, Existing};
pub use follower::Follower;
pub use journal::{Author, Move};
pub use log::{Action, LogEntry, Standing};
pub use manifest::{DataFingerprint, Manifest, Run};
pub use notes::{Notes, Tag};
pub use package::Package;
pub use registry::Registry;
pub use retraining::{
    Begun, Refusal, RetrainBeginning, RetrainEnd, RetrainFence, RetrainLease, RetrainOutcome, RetrainState, Retraining,
    Trigger,
};
pub use tenure::{Tenure, tenure_at, tenures};
pub use verdict::{GateOutcome, Verdict};
