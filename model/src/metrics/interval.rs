//! From where to where a figure lies.

use serde::{Deserialize, Serialize};

/// From where to where a figure lies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// 2.5 % of the resamples are left out at either end.
pub(super) const CONFIDENCE: f64 = 0.95;

impl Interval {
    /// The middle share of the figures that are numbers, its ends interpolated between neighbours.
    pub(super) fn of_draws(mut figures: Vec<f64>) -> Option<Self> {
        figures.retain(|figure| figure.is_finite());
        figures.sort_unstable_by(f64::total_cmp);
        let last = figures.len().checked_sub(1)?;
        let at = |share: f64| {
            let place = share * last as f64;
            let below = place.floor() as usize;
            let (low, high) = (figures[below], figures[(below + 1).min(last)]);
            low + (high - low) * place.fract()
        };
        let tail = (1.0 - CONFIDENCE) / 2.0;
        Some(Self { low: at(tail), high: at(1.0 - tail) })
    }

    /// Where the true share lies when `hits` of `all` were counted, with the confidence of 95 % (Wilson 1927, "Probable
    /// inference, the law of succession, and statistical inference"): also near 0 and 1, where a bell curve is wrong.
    pub fn of_share(hits: u64, all: u64) -> Self {
        /// The 97.5 % quantile of the normal distribution.
        const Z: f64 = 1.959_963_984_540_054;
        if all == 0 {
            return Self { low: 0.0, high: 1.0 };
        }
        let (n, share) = (all as f64, hits as f64 / all as f64);
        let middle = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
        let half = Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        Self { low: (middle - half).max(0.0), high: (middle + half).min(1.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_a_share_by_hand() {
        // scipy.stats.binomtest(8, 10).proportion_ci(method="wilson") of SciPy 1.17.1.
        let Interval { low, high } = Interval::of_share(8, 10);
        assert!((low - 0.490_162_471_536_641_7).abs() < 1e-12, "{low}");
        assert!((high - 0.943_317_848_545_624_7).abs() < 1e-12, "{high}");
        assert_eq!(Interval::of_share(0, 0), Interval { low: 0.0, high: 1.0 });
        assert_eq!((Interval::of_share(0, 5).low, Interval::of_share(5, 5).high), (0.0, 1.0));
    }
}
