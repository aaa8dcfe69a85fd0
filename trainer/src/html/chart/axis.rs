//! One side of a chart: from numbers to places, with round numbers as marks.

use crate::report::grouped;

/// What one side of a chart shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    pub(super) label: String,
    range: Option<(f64, f64)>,
    is_logarithmic: bool,
}

impl Axis {
    /// A side that is as long as its numbers want.
    pub fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), range: None, is_logarithmic: false }
    }

    /// From `low` to `high` whatever the numbers.
    #[must_use]
    pub fn from_to(self, low: f64, high: f64) -> Self {
        Self { range: Some((low, high)), ..self }
    }

    /// Equal distances for equal ratios; numbers that are not above 0 have no place.
    #[must_use]
    pub fn logarithmic(self) -> Self {
        Self { is_logarithmic: true, ..self }
    }

    /// The scale on which these numbers are drawn; none where there is no number to draw.
    pub(super) fn scale(&self, numbers: impl Iterator<Item = f64>) -> Option<Scale> {
        let is_logarithmic = self.is_logarithmic;
        let shown = numbers.filter_map(|number| raised(number, is_logarithmic));
        let of_numbers = shown.fold(None, |range: Option<(f64, f64)>, number| match range {
            None => Some((number, number)),
            Some((low, high)) => Some((low.min(number), high.max(number))),
        });
        let wanted =
            self.range.and_then(|(low, high)| Some((raised(low, is_logarithmic)?, raised(high, is_logarithmic)?)));
        let (low, high) = wanted.or(of_numbers).filter(|_| of_numbers.is_some())?;
        if high > low {
            return Some(Scale { low, high, is_logarithmic });
        }
        let room = (low.abs() * 0.1).max(1e-3);
        Some(Scale { low: low - room, high: low + room, is_logarithmic })
    }
}

/// The number as it is laid out.
fn raised(number: f64, is_logarithmic: bool) -> Option<f64> {
    let number = if is_logarithmic { number.log10() } else { number };
    number.is_finite().then_some(number)
}

/// Where numbers lie, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    is_logarithmic: bool,
}

impl Scale {
    /// The place of a number; none for one that is not on the scale.
    pub(super) fn place(&self, number: f64) -> Option<f64> {
        let place = (raised(number, self.is_logarithmic)? - self.low) / (self.high - self.low);
        // Rounding must not push an end off the scale.
        (-1e-9..=1.0 + 1e-9).contains(&place).then_some(place.clamp(0.0, 1.0))
    }

    /// Round numbers along the scale, with their places.
    pub(super) fn marks(&self) -> Vec<(f64, String)> {
        // On a logarithmic scale the powers of ten are the round ones, as long as there are a few of them.
        let step = if self.is_logarithmic {
            round_step(self.high - self.low).max(1.0)
        } else {
            round_step(self.high - self.low)
        };
        let first = (self.low / step - 1e-9).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        let marks: Vec<f64> = (first..=last).map(|i| i as f64 * step).collect();
        if self.is_logarithmic && marks.len() < 2 {
            let ends = [self.low, self.high];
            return ends.map(|at| (self.unit(at), short(10_f64.powf(at)))).to_vec();
        }
        let label = |at: f64| if self.is_logarithmic { short(10_f64.powf(at)) } else { with_step(at, step) };
        marks.into_iter().map(|at| (self.unit(at), label(at))).collect()
    }

    fn unit(&self, at: f64) -> f64 {
        ((at - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }
}

/// 1, 2 or 5 times a power of ten, so that four to nine marks fit.
fn round_step(length: f64) -> f64 {
    let power = 10_f64.powf((length / 5.0).log10().floor());
    let times = length / 5.0 / power;
    power
        * if times < 1.4 {
            1.0
        } else if times < 3.2 {
            2.0
        } else if times < 7.0 {
            5.0
        } else {
            10.0
        }
}

/// With as many digits as the step needs.
fn with_step(number: f64, step: f64) -> String {
    let decimals = (-step.log10() - 1e-9).ceil().max(0.0) as usize;
    if decimals == 0 && number >= 0.0 && number < u64::MAX as f64 {
        return grouped(number.round() as u64);
    }
    // No minus before a zero.
    format!("{:.*}", decimals.min(17), number + 0.0)
}

/// A number in few characters.
pub(super) fn short(number: f64) -> String {
    let size = number.abs();
    if size != 0.0 && !(1e-4..1e6).contains(&size) {
        return format!("{number:.1e}");
    }
    if number.fract() == 0.0 {
        return format!("{}", number + 0.0);
    }
    // Three digits that count.
    let decimals = (2.0 - size.log10().floor()).clamp(0.0, 8.0) as usize;
    format!("{number:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(scale: &Scale) -> Vec<String> {
        scale.marks().into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn marks_are_round_and_within_the_scale() {
        let axis = Axis::new("");
        let unit = axis.clone().from_to(0.0, 1.0).scale([0.3].into_iter()).unwrap();
        assert_eq!(marks(&unit), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        let narrow = axis.scale([0.9112, 0.9187].into_iter()).unwrap();
        assert_eq!(marks(&narrow), ["0.912", "0.914", "0.916", "0.918"]);
        assert!(narrow.marks().iter().all(|(place, _)| (0.0..=1.0).contains(place)));
        let thousands = axis.scale([0.0, 20_000.0].into_iter()).unwrap();
        assert_eq!(marks(&thousands), ["0", "5,000", "10,000", "15,000", "20,000"]);
        let tens = axis.logarithmic().scale([0.1, 1000.0, -3.0].into_iter()).unwrap();
        assert_eq!(marks(&tens), ["0.100", "1", "10", "100", "1000"]);
    }

    #[test]
    fn equal_numbers_have_room_around_them_and_what_is_no_number_has_no_place() {
        let axis = Axis::new("");
        let scale = axis.scale([5.0, 5.0, f64::NAN].into_iter()).unwrap();
        assert_eq!(scale.place(5.0), Some(0.5));
        assert_eq!([f64::NAN, f64::INFINITY, 9.0].map(|number| scale.place(number)), [None; 3]);
        assert_eq!(axis.scale([f64::NAN].into_iter()), None);
        assert_eq!(axis.from_to(0.0, 1.0).scale(std::iter::empty()), None);
    }

    #[test]
    fn a_number_is_short_whatever_its_size() {
        let shown = [0.0, -0.0, 5.0, 0.123456, 12.3456, 1234567.0, 1e-9].map(short);
        assert_eq!(shown, ["0", "0", "5", "0.123", "12.3", "1.2e6", "1.0e-9"]);
    }
}
