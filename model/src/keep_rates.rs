//! Which share of each class the training rows are of what was there. A model that learned from an undersampled class is wrong
//! by a constant in log-odds, which scoring takes back: p_c is proportional to p_s,c / r_c, with p_s the probability on the sample
//! and r the keep rates (Elkan: "The foundations of cost-sensitive learning", IJCAI 2001, theorem 2).

use crate::config::ConfigError;
use serde::{Deserialize, Serialize};

/// The share of each class that was kept for training: 1 and 1 where nothing was left out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeepRates {
    /// Of the negative rows.
    pub negative: f64,
    /// Of the positive rows.
    pub positive: f64,
}

impl KeepRates {
    /// Nothing was left out.
    pub const ALL: Self = Self { negative: 1.0, positive: 1.0 };

    /// A smaller share leaves no row of any data that exists; the correction stays far from the limits of numbers.
    const LEAST: f64 = 1e-12;

    /// Checks what the types can't say.
    pub fn check(self) -> Result<(), ConfigError> {
        let is_share = |rate: f64| (Self::LEAST..=1.0).contains(&rate);
        if is_share(self.negative) && is_share(self.positive) {
            return Ok(());
        }
        let reason =
            format!("must be shares above 0, and at most 1: negative {}, positive {}", self.negative, self.positive);
        Err(ConfigError::new("keep_rates", reason))
    }

    /// What scoring adds to the log-odds: ln(r_negative / r_positive).
    pub(crate) fn correction(self) -> f64 {
        (self.negative / self.positive).ln()
    }
}

impl Default for KeepRates {
    fn default() -> Self {
        Self::ALL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_correction_is_that_of_bayes() {
        // 900 of 1,000 positives and all 50 negatives of a place are left out or kept: the odds on the sample are 100 : 50.
        let rates = KeepRates { negative: 1.0, positive: 0.1 };
        let odds_on_the_sample: f64 = 100.0 / 50.0;
        let corrected = (odds_on_the_sample.ln() + rates.correction()).exp();
        assert!((corrected - 1000.0 / 50.0).abs() < 1e-9, "{corrected}");
        assert_eq!(KeepRates::ALL.correction(), 0.0);
    }

    #[test]
    fn what_is_no_share_is_refused() {
        for (negative, positive) in [(0.0, 1.0), (1.0, 1.1), (f64::NAN, 1.0), (-0.5, 1.0), (1.0, f64::INFINITY)] {
            assert!(KeepRates { negative, positive }.check().is_err(), "{negative} {positive}");
        }
        assert_eq!(KeepRates { negative: 0.25, positive: 1.0 }.check(), Ok(()));
    }
}
