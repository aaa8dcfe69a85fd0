//! Files of labelled reviews to a registered model, and a registered model to its figures on other files. Rows are
//! streamed and never held; what is tested is never learned from, and is scored by the very function that serves. Which
//! settings to train with, and which version is right to promote, is for callers to say.

mod dataset;
mod error;
mod evaluate;
mod evaluation;
mod examples;
mod gates;
mod holdout;
pub mod html;
mod learn;
pub mod monitoring;
mod overlap;
mod pass;
mod progress;
mod report;
pub mod retrain;
mod rss;
pub mod sample;
mod sampled;
mod test_pass;
mod train;
mod tune;
pub mod validate;

pub use dataset::Dataset;
pub use error::Error;
pub use evaluate::{EvaluateRequest, evaluate};
pub use evaluation::{Findings, Inquiry, PageFile, Slice, SliceBy, Slices, WorstError};
pub use gates::{
    Challenge, Gate, GateFigure, GateTest, Judgement, Must, PromotionConfig, VerdictPage, overtaken, verdict,
};
pub use holdout::Holdout;
pub use progress::Progress;
pub use report::{ModelSummary, Report, RowCounts, grouped};
pub use rss::peak_rss_bytes;
pub use train::{Promotion, Test, TrainRequest, train};
pub use tune::{Goal, JournalError, TrialSummary, TuneRequest, Tuned, Validation};
