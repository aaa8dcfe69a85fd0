//! A uniform sample of numbers of which nobody knows how many will come.

use crate::random::Random;

/// Up to [`Sample::MOST`] of the numbers seen, each with the same chance (Vitter 1985, "Random sampling with a reservoir",
/// algorithm R). Which ones follows from their order alone.
#[derive(Debug, Clone)]
pub struct Sample {
    values: Vec<f64>,
    numbers: u64,
    missing: u64,
    random: Random,
}

impl Default for Sample {
    fn default() -> Self {
        Self { values: Vec::new(), numbers: 0, missing: 0, random: Random::new(42) }
    }
}

impl Sample {
    /// How many numbers are kept. More would make the reference no sharper: its part in a threshold is 1/N, and windows are
    /// smaller than this.
    pub const MOST: usize = 10_000;

    /// A sample that begins with so many missing numbers.
    pub fn with_missing(missing: u64) -> Self {
        Self { missing, ..Self::default() }
    }

    /// Adds a number; one that is none is missing.
    pub fn add(&mut self, value: f64) {
        if !value.is_finite() {
            self.missing += 1;
            return;
        }
        self.numbers += 1;
        if self.values.len() < Self::MOST {
            self.values.push(value);
            return;
        }
        if let Some(place) = usize::try_from(self.random.below(self.numbers)).ok().filter(|place| *place < Self::MOST) {
            self.values[place] = value;
        }
    }

    /// The numbers that were kept.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// How many missing ones go with those that were kept.
    pub fn missing_of_kept(&self) -> u64 {
        let kept = self.values.len() as f64 / self.numbers.max(1) as f64;
        match self.numbers {
            0 => self.missing.min(Self::MOST as u64),
            _ => (self.missing as f64 * kept).round() as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_numbers_are_kept_as_often_as_early_ones() {
        let mut sample = Sample::with_missing(20_000);
        (0..40_000).for_each(|i| sample.add(f64::from(i)));
        assert_eq!(sample.values().len(), Sample::MOST);
        let late = sample.values().iter().filter(|value| **value >= 20_000.0).count();
        assert!((4_800..=5_200).contains(&late), "{late}");
        assert_eq!(sample.missing_of_kept(), 5_000);
    }
}
