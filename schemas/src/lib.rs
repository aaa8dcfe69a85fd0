//! What is on the wire and on disk: the record types, the names of topics, the JSON Schema of each. No I/O and no async;
//! decoding takes bytes and answers a value or an error that names the field, and never panics.

mod alert;
mod decode;
mod feedback;
mod json_schema;
mod label;
mod model_ref;
mod model_state;
mod prediction;
mod rating;
mod review;
mod timestamp;
mod topics;

pub use alert::{Alert, Window};
pub use decode::{Cause, DecodeError};
pub use feedback::{Feedback, Origin};
pub use json_schema::json_schema;
pub use label::Label;
pub use model_ref::{ModelName, ModelRef, ModelVersion};
pub use model_state::{ModelState, ModelsKey, ModelsKind, UPDATE_KEYS, UPDATE_VALUE_BYTES, update_headers};
pub use prediction::{FeaturesStatus, Prediction, PredictionEncoder, PredictionParts, Source};
pub use rating::Rating;
pub use review::{Review, ReviewId};
pub use timestamp::Timestamp;
pub use topics::Topics;
