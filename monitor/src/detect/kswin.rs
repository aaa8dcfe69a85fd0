//! KSWIN (Raab, Heusinger & Schleif 2020, "Reactive soft prototype computing for concept drift streams").

use super::{Change, Signal};
use crate::distance::KolmogorovSmirnov;
use crate::random::Random;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Compares the newest r of a window of n numbers with r of the older ones, drawn at random, by the two-sample test of
/// Kolmogorov and Smirnov: a change where its p-value is at most alpha and the distance above 0.1. The drawn ones follow from
/// the seed. After a change the newest stay. Each number is a test, so a stream that never changes is signalled about
/// every few thousand numbers; see the table in `docs/DRIFT.md`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kswin {
    alpha: f64,
    window: usize,
    recent: usize,
    numbers: VecDeque<f64>,
    random: Random,
    p_value: f64,
}

/// Distances up to this are none, whatever their p-value.
const LEAST_DISTANCE: f64 = 0.1;

impl Default for Kswin {
    fn default() -> Self {
        Self::new(0.005, 100, 30, 1)
    }
}

impl Kswin {
    /// A detector with a window of `window` numbers of which the newest `recent` are compared, at most half of them.
    pub fn new(alpha: f64, window: usize, recent: usize, seed: u64) -> Self {
        let window = window.clamp(4, 100_000);
        let recent = recent.clamp(2, window / 2);
        Self { alpha, window, recent, numbers: VecDeque::new(), random: Random::new(seed), p_value: 1.0 }
    }

    /// The p-value of the last test; 1 before the first.
    pub fn p_value(&self) -> f64 {
        self.p_value
    }

    pub(super) fn update(&mut self, value: f64) -> Signal {
        self.numbers.push_back(value);
        if self.numbers.len() < self.window {
            return Signal::Stable;
        }
        if self.numbers.len() > self.window {
            self.numbers.pop_front();
        }
        let older = self.window - self.recent;
        let drawn = self.random.sample(older, self.recent).into_iter().map(|place| self.numbers[place]);
        let drawn: Vec<f64> = drawn.collect();
        let recent: Vec<f64> = self.numbers.range(older..).copied().collect();
        let test = KolmogorovSmirnov::of(&drawn, &recent);
        self.p_value = test.p_value;
        if test.p_value > self.alpha || test.distance <= LEAST_DISTANCE {
            return Signal::Stable;
        }
        self.numbers.drain(..older);
        let mean = |numbers: &[f64]| numbers.iter().sum::<f64>() / numbers.len() as f64;
        Signal::Drift(Change { before: mean(&drawn), after: mean(&recent), age: self.recent as u64 })
    }
}
