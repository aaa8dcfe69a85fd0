//! ADWIN2 (Bifet & Gavaldà 2007, "Learning from time-changing data with adaptive windowing").

use super::{Change, Signal};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// A window that grows while its numbers have one mean, and loses its old part when two parts of it have different ones.
///
/// The window W is cut in two at every boundary of its buckets, into an older part of n0 numbers and a newer one of n1. With
/// `1/m = 1/(n0 - l + 1) + 1/(n1 - l + 1)`, where l is the least length of a part, with the variance s² of W and
/// `d = ln(2 ln|W| / delta)`, the means differ when
/// `|mean0 - mean1| > sqrt(2/m s² d) + 2/(3m) d` (section 4.1, with the l that MOA and River subtract). Numbers lie in buckets
/// of 2^i, at most `per_row` of a size: memory grows with the logarithm of the window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Adwin {
    delta: f64,
    clock: u64,
    per_row: usize,
    min_part: u64,
    grace: u64,
    /// `rows[i]` has buckets of 2^i numbers, the oldest first; the last row has the oldest of all.
    rows: Vec<VecDeque<Bucket>>,
    window: Bucket,
    width: u64,
    ticks: u64,
}

/// Sum of numbers, and sum of the squares of their distances from their mean.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Bucket {
    total: f64,
    spread: f64,
}

impl Bucket {
    /// What the distance between the means of `n` numbers here and `other_n` there adds to the spread of both (Babcock et al.
    /// 2003, "Maintaining variance and k-medians over data stream windows").
    fn between(&self, n: f64, other: &Self, other_n: f64) -> f64 {
        let distance = self.total / n - other.total / other_n;
        n * other_n / (n + other_n) * distance * distance
    }
}

impl Default for Adwin {
    fn default() -> Self {
        Self::new(0.002)
    }
}

impl Adwin {
    /// A detector that cuts a window of one mean with a chance of about `delta`, at most; looked at every 32 numbers.
    pub fn new(delta: f64) -> Self {
        Self {
            delta: delta.clamp(1e-12, 0.5),
            clock: 32,
            per_row: 5,
            min_part: 5,
            grace: 10,
            rows: vec![VecDeque::new()],
            window: Bucket::default(),
            width: 0,
            ticks: 0,
        }
    }

    /// Cuts are looked for every `clock` numbers.
    #[must_use]
    pub fn with_clock(self, clock: u64) -> Self {
        Self { clock: clock.max(1), ..self }
    }

    /// How many numbers the window has.
    pub fn width(&self) -> u64 {
        self.width
    }

    /// Their mean; 0 where there is none.
    pub fn mean(&self) -> f64 {
        self.window.total / (self.width.max(1) as f64)
    }

    /// Their sum.
    pub fn total(&self) -> f64 {
        self.window.total
    }

    /// The sum of the squares of their distances from the mean.
    pub fn spread(&self) -> f64 {
        self.window.spread
    }

    pub(super) fn update(&mut self, value: f64) -> Signal {
        let new = Bucket { total: value, spread: 0.0 };
        if self.width > 0 {
            self.window.spread += self.window.between(self.width as f64, &new, 1.0);
        }
        self.window.total += value;
        self.width += 1;
        self.rows[0].push_back(new);
        self.compress();
        self.ticks += 1;
        if self.ticks.is_multiple_of(self.clock) && self.width > self.grace { self.shrink() } else { Signal::Stable }
    }

    /// Two of the oldest buckets of a row that is too long become one of the next.
    fn compress(&mut self) {
        let mut row = 0;
        while self.rows[row].len() > self.per_row {
            let (Some(one), Some(other)) = (self.rows[row].pop_front(), self.rows[row].pop_front()) else { return };
            let n = (1_u64 << row) as f64;
            let spread = one.spread + other.spread + one.between(n, &other, n);
            row += 1;
            if row == self.rows.len() {
                self.rows.push(VecDeque::new());
            }
            self.rows[row].push_back(Bucket { total: one.total + other.total, spread });
        }
    }

    /// Drops old buckets until no cut is left.
    fn shrink(&mut self) -> Signal {
        let mut first_cut = None;
        while let Some(cut) = self.cut() {
            first_cut.get_or_insert(cut);
            self.drop_oldest();
        }
        match first_cut {
            Some((before, _)) => Signal::Drift(Change { before, after: self.mean(), age: self.width }),
            None => Signal::Stable,
        }
    }

    /// The means of the two parts of the first cut at which they differ.
    fn cut(&self) -> Option<(f64, f64)> {
        let width = self.width as f64;
        let d = (2.0 * width.ln() / self.delta).ln();
        let variance = (self.window.spread / width).max(0.0);
        let (mut n0, mut total0) = (0_u64, 0.0);
        for (row, buckets) in self.rows.iter().enumerate().rev() {
            for bucket in buckets {
                n0 += 1 << row;
                total0 += bucket.total;
                let n1 = self.width - n0;
                if n1 < self.min_part {
                    return None;
                }
                if n0 < self.min_part {
                    continue;
                }
                let (mean0, mean1) = (total0 / n0 as f64, (self.window.total - total0) / n1 as f64);
                let part = |n: u64| 1.0 / (n - self.min_part + 1) as f64;
                let m_reciprocal = part(n0) + part(n1);
                let least = (2.0 * m_reciprocal * variance * d).sqrt() + 2.0 / 3.0 * d * m_reciprocal;
                if (mean0 - mean1).abs() > least {
                    return Some((mean0, mean1));
                }
            }
        }
        None
    }

    fn drop_oldest(&mut self) {
        let row = self.rows.len() - 1;
        let Some(oldest) = self.rows[row].pop_front() else { return };
        let n = 1_u64 << row;
        self.width -= n;
        self.window.total -= oldest.total;
        if self.width > 0 {
            let between = oldest.between(n as f64, &self.window, self.width as f64);
            self.window.spread = (self.window.spread - oldest.spread - between).max(0.0);
        }
        while self.rows.len() > 1 && self.rows.last().is_some_and(VecDeque::is_empty) {
            self.rows.pop();
        }
    }
}
