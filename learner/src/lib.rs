//! A model that learns on, label by label: the weights of the batch model (or none) move by FTRL-Proximal, AdaGrad or plain
//! stochastic gradient descent, on the same terms. Pure and synchronous: time, settings and buffers are arguments, the same
//! labels in the same order give the same weights to the bit, and a checkpoint goes on as if nothing had been. `progressive`
//! scores and then learns from files. Where labels come from, and who hears of the weights, is for callers to say.

mod cell;
mod changes;
mod checkpoint;
mod config;
mod decay;
mod exact;
mod features;
mod influence;
mod learner;
pub mod metrics;
pub mod progressive;
pub mod service;
mod table;

pub use cell::Algorithm;
pub use checkpoint::CheckpointError;
pub use config::{ClassWeights, ConfigError, Conflicts, JoinConfig, LearnConfig, LimitsConfig, OriginWeights};
pub use influence::{InfluenceReport, Refusal};
pub use learner::{Example, Learner, Lesson};
