//! The two-sample test of Kolmogorov and Smirnov.

use serde::{Deserialize, Serialize};

/// How far two samples' distribution functions are apart at most, and how likely that is for samples of one distribution.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct KolmogorovSmirnov {
    /// The distance, 0 to 1.
    pub distance: f64,
    /// The chance of at least that. Too high where numbers repeat, as in a histogram: then it finds less than it could.
    pub p_value: f64,
}

impl KolmogorovSmirnov {
    /// Of the numbers themselves; those that are none are left out.
    pub fn of(one: &[f64], other: &[f64]) -> Self {
        let sorted = |numbers: &[f64]| {
            let mut numbers: Vec<f64> = numbers.iter().copied().filter(|number| !number.is_nan()).collect();
            numbers.sort_unstable_by(f64::total_cmp);
            numbers
        };
        let (one, other) = (sorted(one), sorted(other));
        let (n, m) = (one.len() as u64, other.len() as u64);
        let (mut i, mut j, mut gap) = (0, 0, 0);
        while i < one.len() && j < other.len() {
            let number = one[i].min(other[j]);
            i += one[i..].iter().take_while(|&&next| next <= number).count();
            j += other[j..].iter().take_while(|&&next| next <= number).count();
            gap = gap.max((i as u64 * m).abs_diff(j as u64 * n));
        }
        Self::of_gap(gap, n, m)
    }

    /// Of counts in the same bins, in their order.
    pub fn of_counts(one: &[u64], other: &[u64]) -> Self {
        let (n, m) = (one.iter().sum::<u64>(), other.iter().sum::<u64>());
        let (mut i, mut j, mut gap) = (0, 0, 0);
        for (&of_one, &of_other) in one.iter().zip(other) {
            i += of_one;
            j += of_other;
            gap = gap.max((i * m).abs_diff(j * n));
        }
        Self::of_gap(gap, n, m)
    }

    /// `gap` is n m times the distance, a whole number.
    fn of_gap(gap: u64, n: u64, m: u64) -> Self {
        if n == 0 || m == 0 {
            return Self { distance: 0.0, p_value: 1.0 };
        }
        let distance = gap as f64 / (n as f64 * m as f64);
        let p_value = if n == m && n <= EXACT { equal_sizes(gap / n, n) } else { limit(distance, n as f64, m as f64) };
        Self { distance, p_value }
    }
}

/// Beyond so many of either the limit is as good, and takes no longer for more.
const EXACT: u64 = 10_000;

/// The exact chance for two samples of n, where the distance is h/n:
/// `2 (C(2n, n-h) - C(2n, n-2h) + C(2n, n-3h) - ..) / C(2n, n)` (Gnedenko & Korolyuk 1951).
fn equal_sizes(h: u64, n: u64) -> f64 {
    if h == 0 {
        return 1.0;
    }
    let ratio = |j: u64| (1..=j).map(|i| (n - j + i) as f64 / (n + i) as f64).product::<f64>();
    let terms = (1..=n / h).map(|k| ratio(k * h) * if k % 2 == 1 { 1.0 } else { -1.0 });
    // Later terms vanish long before they could be many.
    (2.0 * terms.take(200).sum::<f64>()).clamp(0.0, 1.0)
}

/// The limit for large samples, `2 sum (-1)^(k-1) exp(-2 k^2 x^2)`, at `x = (r + 0.12 + 0.11/r) D` with `r = sqrt(nm/(n+m))`
/// (Stephens 1970, "Use of the Kolmogorov-Smirnov, Cramer-von Mises and related statistics without extensive tables").
fn limit(distance: f64, n: f64, m: f64) -> f64 {
    let r = (n * m / (n + m)).sqrt();
    let x = (r + 0.12 + 0.11 / r) * distance;
    if x < 0.2 {
        // The chance is 1 to twelve digits there, and the sum alternates for long.
        return 1.0;
    }
    let sum: f64 =
        (1..=100).map(f64::from).map(|k| (-2.0 * k * k * x * x).exp() * if k % 2.0 == 1.0 { 1.0 } else { -1.0 }).sum();
    (2.0 * sum).clamp(0.0, 1.0)
}
