//! The drift detection method (Gama, Medas, Castillo & Rodrigues 2004, "Learning with drift detection").

use super::{Change, Signal};
use serde::{Deserialize, Serialize};

/// Watches the share p of errors among n predictions and its deviation `s = sqrt(p (1 - p) / n)`. While a model learns, p
/// falls; the least p + s is kept. `p + s > p_min + 2 s_min` is a warning, `p + s > p_min + 3 s_min` a change.
///
/// A least value is kept only from the first error on. Without that, as in River, 30 right predictions make both values 0, and
/// the first error of all is a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ddm {
    warm_up: u64,
    warning: f64,
    drift: f64,
    n: u64,
    /// The share of errors so far.
    p: f64,
    errors: bool,
    least: Option<Least>,
    /// Numbers and errors since the warning that still lasts.
    warned: Option<(u64, f64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Least {
    p: f64,
    s: f64,
}

impl Default for Ddm {
    fn default() -> Self {
        Self::new(30, 2.0, 3.0)
    }
}

impl Ddm {
    /// A detector that says nothing of the first `warm_up` predictions, and then warns and signals at so many deviations.
    pub fn new(warm_up: u64, warning: f64, drift: f64) -> Self {
        Self { warm_up, warning, drift, n: 0, p: 0.0, errors: false, least: None, warned: None }
    }

    /// The next prediction: 1 where it was wrong, 0 where it was right.
    pub(super) fn update(&mut self, error: f64) -> Signal {
        let error = error.clamp(0.0, 1.0);
        self.n += 1;
        self.p += (error - self.p) / self.n as f64;
        self.errors |= error > 0.0;
        if self.n <= self.warm_up || !self.errors {
            return Signal::Stable;
        }
        let s = (self.p * (1.0 - self.p) / self.n as f64).max(0.0).sqrt();
        let sum = self.p + s;
        if self.least.is_none_or(|least| sum <= least.p + least.s) {
            self.least = Some(Least { p: self.p, s });
        }
        let Some(least) = self.least else { return Signal::Stable };
        if sum <= least.p + self.warning * least.s {
            self.warned = None;
            return Signal::Stable;
        }
        let (numbers, errors) = self.warned.unwrap_or_default();
        let (numbers, errors) = (numbers + 1, errors + error);
        self.warned = Some((numbers, errors));
        if sum <= least.p + self.drift * least.s {
            return Signal::Warning;
        }
        *self = Self::new(self.warm_up, self.warning, self.drift);
        Signal::Drift(Change { before: least.p, after: errors / numbers as f64, age: numbers })
    }
}
