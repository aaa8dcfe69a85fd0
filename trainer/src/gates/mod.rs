//! What a challenger must hold or beat before it takes the place of the version in production. Both are scored on the same
//! rows in one pass, by the function that serves; each gate compares one figure on these rows, and may ask a test whether the
//! difference is more than chance. Which gates there are, and whether their word is overruled, is for callers to say.

mod config;
mod figure;
mod judge;
mod page;
mod paired;
mod significance;
mod verdict;

pub use config::{Gate, GateFigure, GateTest, Must, PromotionConfig};
pub use page::VerdictPage;
pub(crate) use verdict::{Arena, Champion, Incumbent};
pub use verdict::{Challenge, Judgement, overtaken, verdict};
