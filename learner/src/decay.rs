//! A changing world: evidence counts half after so many labels, so that weights that have long stood still move again. One
//! number decays for all coordinates; what they hold is what it is divided by ("forward decay", Cormode et al., ICDE 2009),
//! so that a label touches its own terms alone.

/// How much the evidence of the beginning counts now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Decay {
    per_label: f64,
    pub(crate) now: f64,
}

/// Numbers that were divided by less than this lose range: all are multiplied then, and it begins anew.
const LEAST: f64 = 1.0 / (1 << 20) as f64;

impl Decay {
    pub(crate) fn new(half_life_labels: u64) -> Self {
        let per_label = if half_life_labels == 0 { 1.0 } else { 0.5_f64.powf(1.0 / half_life_labels as f64) };
        Self { per_label, now: 1.0 }
    }

    /// What sums of squares are multiplied with now.
    pub(crate) fn factor(&self) -> f32 {
        self.now as f32
    }

    /// A label later; answers the factor that all sums of squares are to be multiplied with, where it is time for that.
    pub(crate) fn advance(&mut self) -> Option<f32> {
        self.now *= self.per_label;
        (self.now < LEAST).then(|| std::mem::replace(&mut self.now, 1.0) as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_counts_half_after_a_half_life() {
        let mut decay = Decay::new(100);
        for _ in 0..100 {
            assert_eq!(decay.advance(), None);
        }
        assert!((decay.factor() - 0.5).abs() < 1e-6);
        let mut again = 0;
        for _ in 0..2_000 {
            again += usize::from(decay.advance().is_some());
        }
        assert_eq!(again, 1, "after twenty half-lives it begins anew");
        let mut never = Decay::new(0);
        assert_eq!((never.advance(), never.factor()), (None, 1.0));
    }
}
