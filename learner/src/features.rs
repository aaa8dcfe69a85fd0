//! Features beside the text: each is standardized by what it was so far, or as the batch model has it, and weighed.

use crate::cell::{Algorithm, Cell, Rate};
use model::{FeatureConfig, FeaturePart, Standard};

/// What is known of one feature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Feature {
    pub(crate) cell: Cell,
    pub(crate) moments: Moments,
}

/// Where the values lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Moments {
    /// As the batch model has it: its weight means deviations of that size.
    Fixed(Standard),
    /// As it turned out so far (Welford, Technometrics 4, 1962).
    Running { count: f64, mean: f64, squares: f64 },
}

/// Features and the bias move by steps of their own: one unit of them is a deviation, not the share of a term in a text.
pub(crate) const RATE: Rate = Rate::new(0.1, 1.0, 0.0, 0.0);

/// Squares of distances between values up to this stay numbers.
const VALUE_LIMIT: f64 = 1e12;

impl Feature {
    pub(crate) fn new() -> Self {
        Self { cell: Cell::default(), moments: Moments::Running { count: 0.0, mean: 0.0, squares: 0.0 } }
    }

    pub(crate) fn of(part: &FeaturePart, squares: f32) -> Self {
        let FeaturePart { standard, weight } = *part;
        Self { cell: Cell::of(1.0, weight as f32, squares), moments: Moments::Fixed(standard) }
    }

    /// As a model has it.
    pub(crate) fn part(&self) -> FeaturePart {
        FeaturePart { standard: self.moments.standard(), weight: self.cell.weight.into() }
    }

    /// What a value adds to the log-odds; a missing one adds nothing.
    #[inline]
    pub(crate) fn contribution(&self, config: &FeatureConfig, value: f64) -> f64 {
        let standardized = |value| self.moments.standard().standardized(value);
        config.transformed(value).map_or(0.0, |value| f64::from(self.cell.weight) * standardized(value))
    }

    /// Moves the weight, and then takes note of the value.
    pub(crate) fn learn(&mut self, algorithm: Algorithm, config: &FeatureConfig, value: f64, error: f32, decay: f32) {
        let Some(value) = config.transformed(value) else { return };
        let standardized = self.moments.standard().standardized(value) as f32;
        self.cell.learn(algorithm, &RATE, error * standardized, decay);
        self.moments.note(value);
    }
}

impl Moments {
    pub(crate) fn standard(self) -> Standard {
        match self {
            Self::Fixed(standard) => standard,
            Self::Running { count, mean, squares } => {
                let deviation = if count > 0.0 { (squares / count).sqrt() } else { 0.0 };
                Standard { mean, scale: if deviation > 0.0 { deviation } else { 1.0 } }
            }
        }
    }

    fn note(&mut self, value: f64) {
        if let Self::Running { count, mean, squares } = self {
            let value = value.clamp(-VALUE_LIMIT, VALUE_LIMIT);
            *count += 1.0;
            let distance = value - *mean;
            *mean += distance / *count;
            *squares += distance * (value - *mean);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Transform;

    #[test]
    fn running_moments_are_those_of_the_values_so_far() {
        let mut moments = Feature::new().moments;
        assert_eq!(moments.standard(), Standard { mean: 0.0, scale: 1.0 });
        [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0].into_iter().for_each(|value| moments.note(value));
        assert_eq!(moments.standard(), Standard { mean: 5.0, scale: 2.0 });
    }

    #[test]
    fn a_model_s_moments_stay_and_no_value_breaks_any() {
        let config = FeatureConfig { name: "a.b".to_owned(), transform: Transform::None };
        let part = FeaturePart { standard: Standard { mean: 3.0, scale: 0.5 }, weight: 0.25 };
        for mut feature in [Feature::new(), Feature::of(&part, 1.0)] {
            for value in [f64::MAX, f64::MIN, f64::NAN, f64::INFINITY, 1.0, 1e300, -1e300, 2.0] {
                feature.learn(Algorithm::Ftrl, &config, value, 0.7, 1.0);
                let Standard { mean, scale } = feature.moments.standard();
                assert!(mean.is_finite() && scale.is_finite() && scale > 0.0 && feature.cell.weight.is_finite());
                assert!(feature.contribution(&config, value).is_finite());
            }
        }
        assert_eq!(Feature::of(&part, 1.0).part(), part);
    }
}
