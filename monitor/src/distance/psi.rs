//! The population stability index, with a threshold that knows the sample size.

use super::{Distance, chi_squared_quantile, occupied, shares};

/// `PSI = sum over bins of (p - q) ln(p / q)`, the symmetric divergence of Jeffreys (Kullback & Leibler 1951). With N and M
/// counts of one distribution in B bins it is about `(1/N + 1/M) chi2(B - 1)` (Yurdakul 2018, "Statistical properties of the
/// population stability index"), so the threshold is that quantile, where a fixed 0.1 or 0.25 calls small samples drifted
/// and large ones never.
///
/// Counts that come in clusters, such as the words of a text, vary more than single ones; `clusters` is by how much on either
/// side, 1 for counts that know nothing of each other (Rao & Scott 1981). None where a side has no counts, or the bins differ.
pub fn psi(current: &[u64], reference: &[u64], alpha: f64, clusters: [f64; 2]) -> Option<Distance> {
    if current.len() != reference.len() {
        return None;
    }
    let (current, reference) = occupied(current, reference);
    let ((p, n), (q, m)) = (shares(&current)?, shares(&reference)?);
    let value = p.iter().zip(&q).map(|(p, q)| (p - q) * (p / q).ln()).sum();
    let by_chance = clusters[0] / n + clusters[1] / m;
    Some(Distance { value, threshold: chi_squared_quantile(alpha, p.len() - 1) * by_chance })
}
