//! The golden sample: of any amount of skewed reviews a balanced one, each text once. Which rows stay is decided by the hash of
//! their text, so it depends neither on the order of the files nor on the engine that reads them; memory is bounded whatever the
//! sizes. The file says in its footer which share of each class stayed, for training to take into the model.

mod candidate;
mod choice;
mod error;
mod feedback;
mod gauge;
mod hash;
mod keys;
mod note;
mod output;
mod pool;
mod progress;
mod quota;
mod record;
mod report;
mod request;
mod run;
mod spark;
mod spill;
mod strata;

pub(crate) use candidate::label_of;
pub use error::SampleError;
pub use feedback::FeedbackLabels;
pub use note::{SampleNote, SettingsNote, SourceNote, StratumNote};
pub use progress::{SampleProgress, SampleStage};
pub use quota::{ByClass, Size};
pub use report::SampleReport;
pub(crate) use request::is_own;
pub use request::{SampleConfig, SampleRequest};
pub use run::sample;
pub use spark::sample_on_spark;
pub use strata::Stratify;
