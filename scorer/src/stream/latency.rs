//! Quantiles of many durations in little memory: a histogram with 16 buckets to each doubling, so a quantile is off by at most
//! 1/16 of itself.

use serde::Serialize;
use std::time::Duration;

const BUCKETS_PER_DOUBLING: u32 = 16;

/// Quantiles in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LatencyMillis {
    /// Half of the records took at most this.
    pub p50: f64,
    /// All but one of a hundred took at most this.
    pub p99: f64,
}

#[derive(Default)]
pub(super) struct Latencies {
    /// By bucket, from one microsecond up.
    counts: Vec<u64>,
    total: u64,
}

impl Latencies {
    pub(super) fn record(&mut self, latency: Duration) {
        let bucket = bucket(latency.as_micros().max(1) as u64);
        if self.counts.len() <= bucket {
            self.counts.resize(bucket + 1, 0);
        }
        self.counts[bucket] += 1;
        self.total += 1;
    }

    /// None when nothing was recorded.
    pub(super) fn quantiles(&self) -> Option<LatencyMillis> {
        (self.total > 0).then(|| LatencyMillis { p50: self.quantile(0.5), p99: self.quantile(0.99) })
    }

    fn quantile(&self, q: f64) -> f64 {
        let rank = (q * self.total as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return upper_micros(bucket) / 1000.0;
            }
        }
        0.0
    }
}

fn bucket(micros: u64) -> usize {
    ((micros as f64).log2() * f64::from(BUCKETS_PER_DOUBLING)) as usize
}

fn upper_micros(bucket: usize) -> f64 {
    ((bucket + 1) as f64 / f64::from(BUCKETS_PER_DOUBLING)).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_off_by_a_sixteenth_at_most() {
        let mut latencies = Latencies::default();
        for micros in 1..=100_000_u64 {
            latencies.record(Duration::from_micros(micros));
        }
        let LatencyMillis { p50, p99 } = latencies.quantiles().unwrap();
        assert!((50.0..50.0 * 17.0 / 16.0).contains(&p50), "{p50}");
        assert!((99.0..99.0 * 17.0 / 16.0).contains(&p99), "{p99}");
    }

    #[test]
    fn nothing_recorded_has_no_quantiles() {
        assert_eq!(Latencies::default().quantiles(), None);
    }
}
