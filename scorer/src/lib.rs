//! The loaded model at work. One function scores a document; the stream worker and the gateway both call it. The model follows
//! its alias in the registry while they run.

pub mod dead_letters;
pub mod features;
mod follow;
pub mod gateway;
mod inputs;
mod loaded;
pub mod metrics;
mod score;
pub mod stream;
pub mod verify;

pub use follow::{ModelFollower, ModelHandle, UpdateFollower};
pub use gateway::GatewayConfig;
pub use inputs::{FeatureInputs, FeatureValues};
pub use loaded::{LoadError, LoadedModel};
pub use score::{Scored, score};
pub use stream::StreamConfig;
