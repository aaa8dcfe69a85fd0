//! A share of things that come in clusters, such as the unknown among the words of texts.

use serde::{Deserialize, Serialize};

/// Sums over clusters of x parts of n things each: enough for the ratio `r = sum x / sum n` and its variance
/// `sum (x - r n)^2 / (sum n)^2` (Cochran 1977, "Sampling techniques", section 6.3). Words of one text go together, so their
/// share varies more than that of as many single words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ratio {
    clusters: u64,
    x: u64,
    n: u64,
    xx: u64,
    xn: u64,
    nn: u64,
}

/// A single cluster counts for so many things at most: squares of a billion such still fit.
const MOST: u64 = 100_000;

impl Ratio {
    /// Adds a cluster of `n` things, `x` of which are counted.
    pub fn add(&mut self, x: u64, n: u64) {
        let n = n.min(MOST);
        let x = x.min(n);
        self.clusters += 1;
        self.x += x;
        self.n += n;
        self.xx = self.xx.saturating_add(x * x);
        self.xn = self.xn.saturating_add(x * n);
        self.nn = self.nn.saturating_add(n * n);
    }

    /// The share; none of nothing.
    pub fn share(&self) -> Option<f64> {
        (self.n > 0).then(|| self.x as f64 / self.n as f64)
    }

    fn variance(&self, share: f64) -> f64 {
        let squares = self.xx as f64 - 2.0 * share * self.xn as f64 + share * share * self.nn as f64;
        squares.max(0.0) / (self.n as f64 * self.n as f64)
    }

    /// By how many deviations the share lies above that of a reference. None where either has fewer than 30 clusters.
    pub fn deviations_above(&self, reference: &Self) -> Option<f64> {
        let (own, other) = (self.share()?, reference.share()?);
        if self.clusters.min(reference.clusters) < 30 {
            return None;
        }
        let together = (self.x + reference.x) as f64 / (self.n + reference.n) as f64;
        let variance = self.variance(together) + reference.variance(together);
        (variance > 0.0).then(|| (own - other) / variance.sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_that_go_together_tell_less_than_as_many_single_ones() {
        let (mut single, mut together) = (Ratio::default(), Ratio::default());
        for i in 0..1000 {
            single.add(u64::from(i % 10 == 0), 1);
            together.add(if i % 10 == 0 { 10 } else { 0 }, 10);
        }
        assert_eq!((single.share(), together.share()), (Some(0.1), Some(0.1)));
        let share = 0.1 * 0.9 / 1000.0;
        assert!((single.variance(0.1) - share).abs() < 1e-12);
        assert!((together.variance(0.1) - share).abs() < 1e-12, "ten times the words, and no more known");
    }

    #[test]
    fn more_unknown_words_are_seen_and_a_few_texts_say_nothing() {
        let of = |every: u64, texts: u64| {
            let mut ratio = Ratio::default();
            (0..texts).for_each(|i| ratio.add(u64::from(i % every == 0) + i % 3, 20 + i % 7));
            ratio
        };
        assert!(of(2, 500).deviations_above(&of(10, 500)).unwrap() > 3.0);
        assert!(of(10, 500).deviations_above(&of(10, 500)).unwrap().abs() < 1e-9);
        assert_eq!(of(2, 20).deviations_above(&of(10, 500)), None);
    }
}
