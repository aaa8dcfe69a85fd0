//! Features of products and users, at hand while scoring. Redis holds them in the layout of Feast, so that Feast and its
//! users read the same hashes; memory holds them for a process on its own. Both apply an update of a source partition's
//! offset once, however often it is replayed.
//!
//! A feature is named `view.feature` in predictions, such as `product_stats.rating_mean`; Feast's own answers name the same
//! value `product_stats__rating_mean`.

mod config;
mod entity;
mod error;
pub mod feast;
mod features;
mod memory;
mod redis;
mod reviews;
mod rows;
mod store;
mod update;

pub use config::RedisConfig;
pub(crate) use entity::is_id;
pub use entity::{Entity, ReviewEntities};
pub use error::Error;
pub use features::{FeatureBatch, Features};
pub use memory::MemoryStore;
pub use redis::RedisStore;
pub use reviews::{REMEMBERED_SECONDS, RememberedEntities};
pub use store::{OnlineStore, Reading, Readings, Values, ViewReading};
pub use update::{Applied, Update};
