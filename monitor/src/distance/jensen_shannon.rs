//! The divergence of Jensen and Shannon.

use super::{Distance, chi_squared_quantile, occupied};

/// `JS = H((p + q)/2) - (H(p) + H(q))/2` in nats, from 0 to ln 2 (Lin 1991, "Divergence measures based on the Shannon
/// entropy"). Near p = q it is `1/8 sum (p - q)^2 / ((p + q)/2)`, and that sum over N and M counts of one distribution is about
/// `(1/N + 1/M) chi2(B - 1)`, which gives the threshold. Unlike PSI it needs nothing added to empty bins, and no single bin can
/// outweigh all others. None where a side has no counts, or the bins differ.
pub fn jensen_shannon(current: &[u64], reference: &[u64], alpha: f64) -> Option<Distance> {
    let (n, m) = (current.iter().sum::<u64>() as f64, reference.iter().sum::<u64>() as f64);
    if current.len() != reference.len() || n == 0.0 || m == 0.0 {
        return None;
    }
    let (current, reference) = occupied(current, reference);
    let part = |p: f64, middle: f64| if p > 0.0 { 0.5 * p * (p / middle).ln() } else { 0.0 };
    let sum = current.iter().zip(&reference).map(|(&one, &other)| {
        let (p, q) = (one as f64 / n, other as f64 / m);
        part(p, (p + q) / 2.0) + part(q, (p + q) / 2.0)
    });
    let value = sum.sum::<f64>().max(0.0);
    let by_chance = (1.0 / n + 1.0 / m) / 8.0;
    Some(Distance { value, threshold: chi_squared_quantile(alpha, current.len() - 1) * by_chance })
}
