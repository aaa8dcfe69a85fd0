//! Quantiles of latencies in bounded memory: buckets that grow by two per cent, so a quantile is exact to one per cent.

use serde::Serialize;
use std::time::Duration;

const GROWTH: f64 = 1.02;
/// From one microsecond to 1.02^1200 of them, which is five hours.
const BUCKETS: usize = 1200;

/// How long each of many things took.
#[derive(Debug, Clone)]
pub struct Latencies {
    counts: Vec<u64>,
    total: u64,
}

/// Quantiles in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Quantiles {
    /// Half of them took no longer.
    pub p50: f64,
    /// 99 of a hundred took no longer.
    pub p99: f64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self::new()
    }
}

impl Latencies {
    /// Nothing recorded yet.
    pub fn new() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0 }
    }

    /// Records one.
    pub fn push(&mut self, latency: Duration) {
        let microseconds = (latency.as_secs_f64() * 1e6).max(1.0);
        let bucket = (microseconds.ln() / GROWTH.ln()) as usize;
        self.counts[bucket.min(BUCKETS - 1)] += 1;
        self.total += 1;
    }

    /// None before the first one.
    pub fn quantiles(&self) -> Option<Quantiles> {
        (self.total > 0).then(|| Quantiles { p50: self.quantile_millis(0.50), p99: self.quantile_millis(0.99) })
    }

    fn quantile_millis(&self, quantile: f64) -> f64 {
        let rank = (quantile * self.total as f64).ceil() as u64;
        let mut seen = 0;
        let bucket = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        });
        // The geometric middle of the bucket.
        GROWTH.powf(bucket.unwrap_or_default() as f64 + 0.5) / 1e3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_exact_to_a_bucket() {
        let mut latencies = Latencies::new();
        assert_eq!(latencies.quantiles(), None);
        for millis in 1..=1000 {
            latencies.push(Duration::from_millis(millis));
        }
        let quantiles = latencies.quantiles().unwrap();
        assert!((quantiles.p50 / 500.0 - 1.0).abs() < 0.02, "{quantiles:?}");
        assert!((quantiles.p99 / 990.0 - 1.0).abs() < 0.02, "{quantiles:?}");
    }

    #[test]
    fn extremes_stay_within_the_buckets() {
        let mut latencies = Latencies::new();
        latencies.push(Duration::ZERO);
        latencies.push(Duration::from_secs(1_000_000));
        assert!(latencies.quantiles().unwrap().p99 > 1e6);
    }
}
