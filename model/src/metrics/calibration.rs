//! Figures that take the probability at its word.

/// Sum of -ln p(true class) over the pairs. A probability is kept one machine epsilon away from 0 and 1, as in
/// scikit-learn: one certain and wrong prediction costs 36 nats and not infinity.
pub(super) fn log_loss_sum(negatives: &[f64], positives: &[f64]) -> f64 {
    let of_negatives: f64 = negatives.iter().map(|probability| surprise(1.0 - probability)).sum();
    let of_positives: f64 = positives.iter().map(|&probability| surprise(probability)).sum();
    of_negatives + of_positives
}

/// -ln p(true class).
pub(super) fn surprise(probability: f64) -> f64 {
    -probability.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
}

/// Sum of (p - y)^2 over the pairs (Brier 1950, "Verification of forecasts expressed in terms of probability").
pub(super) fn brier_sum(negatives: &[f64], positives: &[f64]) -> f64 {
    let of_negatives: f64 = negatives.iter().map(|probability| probability.powi(2)).sum();
    let of_positives: f64 = positives.iter().map(|probability| (1.0 - probability).powi(2)).sum();
    of_negatives + of_positives
}

pub(super) const BINS: usize = 10;

/// Sum over ten bins of equal width of `|sum of p - number of positives|`. Divided by the number of pairs it is the
/// expected calibration error, `ECE = sum over bins b of n_b/n |mean p_b - share of positives_b|` (Naeini, Cooper &
/// Hauskrecht 2015, "Obtaining well calibrated probabilities using Bayesian binning"). The bins are of P(positive), as in
/// a reliability diagram of a binary model, and not of the probability of the class given; each holds its upper edge.
pub(super) fn calibration_error_sum(negatives: &[f64], positives: &[f64]) -> f64 {
    let mut surplus = [0.0; BINS];
    for &probability in negatives {
        surplus[bin(probability)] += probability;
    }
    for &probability in positives {
        surplus[bin(probability)] -= 1.0 - probability;
    }
    surplus.iter().map(|surplus| surplus.abs()).sum()
}

pub(super) fn bin(probability: f64) -> usize {
    // A float-to-integer cast saturates, so that whatever comes lands in a bin.
    ((probability * BINS as f64).ceil() as usize).saturating_sub(1).min(BINS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bin_holds_its_upper_edge() {
        assert_eq!([0.0, 0.05, 0.1, 0.100001, 0.5, 0.95, 1.0].map(bin), [0, 0, 0, 1, 4, 9, 9]);
    }

    #[test]
    fn calibration_error_by_hand() {
        // Bin (0.1, 0.2]: 0.2 + 0.2 - 1 = -0.6; bin (0.8, 0.9]: 0.9 - 1 = -0.1.
        assert!((calibration_error_sum(&[0.2], &[0.2, 0.9]) - 0.7).abs() < 1e-15);
    }

    #[test]
    fn certain_and_wrong_costs_a_finite_surprise() {
        let surprise = log_loss_sum(&[1.0], &[]);
        assert!((surprise - 52.0 * std::f64::consts::LN_2).abs() < 1e-12, "{surprise}");
    }
}
