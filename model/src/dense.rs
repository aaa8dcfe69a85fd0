//! What a model does with features: each value is transformed, standardized as the training rows were, and weighed. A missing
//! value counts as the mean of those rows, and so adds nothing.

use crate::features::FeatureConfig;

/// What a model holds for one feature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Dense {
    pub(crate) standard: Standard,
    /// What one standard deviation adds to the log-odds.
    pub(crate) weight: f64,
}

/// Where the values of a feature lie among the training rows that have one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standard {
    /// Their mean.
    pub mean: f64,
    /// The standard deviation, or 1 where all values are the same.
    pub scale: f64,
}

/// A value that lies further from the mean counts as this many standard deviations: one broken number must not outweigh a
/// text, and however large it is, the log-odds stay a number.
const FARTHEST: f64 = 10.0;

impl Dense {
    /// What a value adds to the log-odds.
    #[inline]
    pub(crate) fn contribution(&self, feature: &FeatureConfig, value: f64) -> f64 {
        feature.transformed(value).map_or(0.0, |value| self.weight * self.standard.standardized(value))
    }
}

impl Standard {
    /// Of transformed values (Welford: "Note on a method for calculating corrected sums of squares and products",
    /// Technometrics 4, 1962). None where there is no value, or where they are too large for a mean.
    pub(crate) fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
        for value in values {
            count += 1.0;
            let distance = value - mean;
            mean += distance / count;
            squares += distance * (value - mean);
        }
        let deviation = (squares / count).sqrt();
        let scale = if deviation == 0.0 { 1.0 } else { deviation };
        let standard = Self { mean, scale };
        (count > 0.0 && standard.is_sane()).then_some(standard)
    }

    pub(crate) fn is_sane(self) -> bool {
        self.mean.is_finite() && self.scale.is_finite() && self.scale > 0.0
    }

    /// A transformed value in standard deviations from the mean; one that lies far away counts as ten.
    #[inline]
    pub fn standardized(self, value: f64) -> f64 {
        ((value - self.mean) / self.scale).clamp(-FARTHEST, FARTHEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::Transform;

    #[test]
    fn the_mean_and_the_deviation_are_those_of_the_values() {
        let standard = Standard::of([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0].into_iter()).unwrap();
        assert_eq!(standard, Standard { mean: 5.0, scale: 2.0 });
        assert_eq!([5.0, 9.0, 1.0].map(|value| standard.standardized(value)), [0.0, 2.0, -2.0]);
    }

    #[test]
    fn equal_values_far_from_zero_have_no_deviation() {
        assert_eq!(Standard::of([0.1_f64; 1000].into_iter()), Some(Standard { mean: 0.1, scale: 1.0 }));
        assert_eq!(Standard::of([1e300; 3].into_iter()), Some(Standard { mean: 1e300, scale: 1.0 }));
    }

    #[test]
    fn no_value_and_values_too_large_have_no_mean() {
        assert_eq!(Standard::of(std::iter::empty()), None);
        assert_eq!(Standard::of([1e308, -1e308, 1e308].into_iter()), None);
    }

    #[test]
    fn a_value_adds_its_weight_for_each_deviation_and_a_missing_one_nothing() {
        let dense = Dense { standard: Standard { mean: 4.0, scale: 0.5 }, weight: 0.3 };
        let feature = FeatureConfig { name: "a.b".to_owned(), transform: Transform::None };
        assert_eq!(dense.contribution(&feature, 5.0), 0.6);
        assert_eq!(dense.contribution(&feature, 4.0), 0.0);
        for missing in [f64::NAN, f64::INFINITY] {
            assert_eq!(dense.contribution(&feature, missing), 0.0);
        }
        assert_eq!(dense.contribution(&feature, -f64::MAX), -3.0, "ten deviations are the most");
    }
}
