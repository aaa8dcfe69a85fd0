//! Figures that depend on the order of the probabilities alone. Both walk the distinct probabilities from the highest
//! to the lowest, as thresholds from strict to lenient, so that equal probabilities are never told apart.

/// Area under the ROC curve, by trapezoids between thresholds. This is the Mann-Whitney U statistic over the number of
/// pairs (Hanley & McNeil 1982, "The meaning and use of the area under a ROC curve").
pub(super) fn roc_auc(negatives: &[f64], positives: &[f64]) -> f64 {
    // Twice the pairs in the right order, plus once the ties: whole numbers, so that nothing is rounded before the end.
    let mut twice_won: u128 = 0;
    for threshold in Thresholds::new(negatives, positives) {
        let above = (threshold.positives_so_far - threshold.positives) as u128;
        twice_won += threshold.negatives as u128 * (2 * above + threshold.positives as u128);
    }
    twice_won as f64 / (2 * negatives.len() as u128 * positives.len() as u128) as f64
}

/// Average precision, `sum over thresholds n of (R_n - R_(n-1)) P_n` with recall R and precision P. Steps, and no
/// straight lines between them, which would flatter (Davis & Goadrich 2006, "The relationship between precision-recall
/// and ROC curves").
pub(super) fn pr_auc(negatives: &[f64], positives: &[f64]) -> f64 {
    let area: f64 = Thresholds::new(negatives, positives)
        .filter(|threshold| threshold.positives > 0)
        .map(|threshold| {
            let called_positive = threshold.positives_so_far + threshold.negatives_so_far;
            threshold.positives as f64 * (threshold.positives_so_far as f64 / called_positive as f64)
        })
        .sum();
    area / positives.len() as f64
}

/// One distinct probability: how many have it, and how many have it or a higher one.
pub(super) struct Threshold {
    pub(super) probability: f64,
    negatives: usize,
    positives: usize,
    pub(super) negatives_so_far: usize,
    pub(super) positives_so_far: usize,
}

/// Merges two ascending slices from their ends.
pub(super) struct Thresholds<'a> {
    negatives: &'a [f64],
    positives: &'a [f64],
    negatives_so_far: usize,
    positives_so_far: usize,
}

impl<'a> Thresholds<'a> {
    pub(super) fn new(negatives: &'a [f64], positives: &'a [f64]) -> Self {
        Self { negatives, positives, negatives_so_far: 0, positives_so_far: 0 }
    }
}

impl Iterator for Thresholds<'_> {
    type Item = Threshold;

    fn next(&mut self) -> Option<Threshold> {
        let probability = match (self.negatives.last(), self.positives.last()) {
            (Some(negative), Some(positive)) => negative.max(*positive),
            (Some(only), None) | (None, Some(only)) => *only,
            (None, None) => return None,
        };
        let negatives = drop_from(&mut self.negatives, probability);
        let positives = drop_from(&mut self.positives, probability);
        self.negatives_so_far += negatives;
        self.positives_so_far += positives;
        Some(Threshold {
            probability,
            negatives,
            positives,
            negatives_so_far: self.negatives_so_far,
            positives_so_far: self.positives_so_far,
        })
    }
}

/// Cuts off the end of an ascending slice where it reaches the probability, and answers how many went.
fn drop_from(ascending: &mut &[f64], probability: f64) -> usize {
    let below = ascending.iter().rposition(|&other| other < probability).map_or(0, |last_below| last_below + 1);
    let dropped = ascending.len() - below;
    *ascending = &ascending[..below];
    dropped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_counted_by_hand() {
        // Of six pairs four are in order and one is a tie.
        assert_eq!(roc_auc(&[0.1, 0.5], &[0.3, 0.5, 0.9]), 4.5 / 6.0);
    }

    #[test]
    fn precision_is_averaged_by_hand() {
        // Thresholds 0.9, 0.5 (a tie), 0.3: one, two and three of three found; precision 1, 2/3, 3/4.
        let expected = (1.0 + 2.0 / 3.0 + 3.0 / 4.0) / 3.0;
        assert!((pr_auc(&[0.1, 0.5], &[0.3, 0.5, 0.9]) - expected).abs() < 1e-15);
    }

    #[test]
    fn a_hundred_thousand_ties_take_no_quadratic_time() {
        let (negatives, positives) = (vec![0.5; 100_000], vec![0.5; 100_000]);
        assert_eq!(roc_auc(&negatives, &positives), 0.5);
        assert_eq!(pr_auc(&negatives, &positives), 0.5);
    }
}
