//! Whether the world is still the one that a model learned from: quality from feedback, changes in scores, features and words,
//! and alerts that say what changed, how much, since when and where. Synchronous, without I/O, in bounded memory; every
//! state is plain data that a process can write down and go on from. `docs/DRIFT.md` has the formulas.

mod alarm;
mod comparison;
mod detect;
mod distance;
mod domain;
mod quality;
mod random;
mod reference;
mod shift;

pub use alarm::{Alarms, Episode, Hysteresis, Reading};
pub use comparison::{Comparison, Gap};
pub use detect::{Adwin, Change, Ddm, Detector, Kswin, PageHinkley, Signal};
pub use distance::{Distance, KolmogorovSmirnov, chi_squared_quantile, chi_squared_tail, jensen_shannon, psi};
pub use domain::{DomainGap, domain_gap};
pub use quality::{Counts, Faded, Fading, Outcome, Quality, QualityConfig, Scored, Slice, SliceKind, SliceQuality};
pub use reference::{Histogram, Ratio, Reference, ReferenceBuilder, Sample, Words};
pub use shift::{Cause, Shift};
