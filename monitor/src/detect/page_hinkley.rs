//! The Page-Hinkley test (Page 1954, "Continuous inspection schemes"; Hinkley 1971, "Inference about the change-point from
//! cumulative sum tests").

use super::{Change, Signal};
use serde::{Deserialize, Serialize};

/// Sums how far numbers lie from the mean of all so far, less what is tolerated, and forgets slowly:
/// `m_t = alpha m_(t-1) + (x_t - mean_t) - delta`. A rise is found when `m_t - min m > lambda`; for a fall the same with signs
/// turned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PageHinkley {
    warm_up: u64,
    delta: f64,
    lambda: f64,
    alpha: f64,
    n: u64,
    mean: f64,
    rise: Side,
    fall: Side,
}

/// The sum for one direction, and what came since its least value, where the change would have begun.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Side {
    sum: f64,
    least: f64,
    numbers: u64,
    total: f64,
    /// The mean of all numbers at the least value.
    mean: f64,
}

impl Side {
    // No infinity, which JSON cannot write; no sum gets there.
    const NEW: Self = Self { sum: 0.0, least: f64::MAX, numbers: 0, total: 0.0, mean: 0.0 };

    fn add(&mut self, deviation: f64, alpha: f64, value: f64, mean: f64) {
        self.sum = alpha * self.sum + deviation;
        if self.sum < self.least {
            *self = Self { sum: self.sum, least: self.sum, numbers: 0, total: 0.0, mean };
        } else {
            self.numbers += 1;
            self.total += value;
        }
    }

    fn change(&self) -> Change {
        Change { before: self.mean, after: self.total / self.numbers.max(1) as f64, age: self.numbers }
    }
}

impl Default for PageHinkley {
    fn default() -> Self {
        Self::new(0.005, 50.0)
    }
}

impl PageHinkley {
    /// A detector that tolerates deviations of `delta`, signals beyond a sum of `lambda`, and forgets by 0.9999.
    pub fn new(delta: f64, lambda: f64) -> Self {
        let (rise, fall) = (Side::NEW, Side::NEW);
        Self { warm_up: 30, delta, lambda, alpha: 0.9999, n: 0, mean: 0.0, rise, fall }
    }

    pub(super) fn update(&mut self, value: f64) -> Signal {
        self.n += 1;
        self.mean += (value - self.mean) / self.n as f64;
        let deviation = value - self.mean;
        self.rise.add(deviation - self.delta, self.alpha, value, self.mean);
        self.fall.add(-deviation - self.delta, self.alpha, value, self.mean);
        if self.n < self.warm_up {
            return Signal::Stable;
        }
        for side in [self.rise, self.fall] {
            if side.sum - side.least > self.lambda {
                *self = Self { warm_up: self.warm_up, alpha: self.alpha, ..Self::new(self.delta, self.lambda) };
                return Signal::Drift(side.change());
            }
        }
        Signal::Stable
    }
}
