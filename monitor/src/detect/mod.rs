//! Detectors of a change in a stream of numbers, such as errors (0 right, 1 wrong) or scores. Each looks at a number once, in
//! bounded memory; its state is plain data, so that a process that starts again goes on where the last one was.

mod adwin;
mod ddm;
mod kswin;
mod page_hinkley;

pub use adwin::Adwin;
pub use ddm::Ddm;
pub use kswin::Kswin;
pub use page_hinkley::PageHinkley;

use serde::{Deserialize, Serialize};

/// What a detector says after a number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// All as before.
    Stable,
    /// Perhaps a change; only DDM has this.
    Warning,
    /// A change. The detector has begun anew with what came behind it.
    Drift(Change),
}

impl Signal {
    /// Whether this is a change.
    pub fn is_drift(&self) -> bool {
        matches!(self, Self::Drift(_))
    }
}

/// A change that was found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The mean before it.
    pub before: f64,
    /// The mean since.
    pub after: f64,
    /// How many numbers ago it began, as well as the detector can tell; the last one is 1.
    pub age: u64,
}

/// A detector, as configuration chooses it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Detector {
    /// For any numbers: few false alarms, and it tells how long the present state lasts.
    Adwin(Adwin),
    /// For errors: quick where errors were rare, slow when they creep up.
    Ddm(Ddm),
    /// For any numbers: a sum of small deviations, in either direction.
    PageHinkley(PageHinkley),
    /// For scores: sees a change of shape too, and not that of the mean alone.
    Kswin(Kswin),
}

impl Detector {
    /// Looks at the next number. One that is none (NaN, infinite) is not looked at: it says nothing of the others.
    pub fn update(&mut self, value: f64) -> Signal {
        if !value.is_finite() {
            return Signal::Stable;
        }
        // Squares of these, and sums of as many as ever come, stay finite.
        let value = value.clamp(-1e100, 1e100);
        match self {
            Self::Adwin(adwin) => adwin.update(value),
            Self::Ddm(ddm) => ddm.update(value),
            Self::PageHinkley(page_hinkley) => page_hinkley.update(value),
            Self::Kswin(kswin) => kswin.update(value),
        }
    }

    /// Its name in alerts.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Adwin(_) => "adwin",
            Self::Ddm(_) => "ddm",
            Self::PageHinkley(_) => "page_hinkley",
            Self::Kswin(_) => "kswin",
        }
    }
}
