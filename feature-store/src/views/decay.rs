//! How much an older event weighs: 2^-(elapsed / half-life). Computed from sums, products and quotients alone, in an order
//! that the script in Redis repeats: those are the same on every machine, while `pow` is another one in each C library.

use std::f64::consts::LN_2;

/// Beyond so many half-lives an event weighs nothing; doubles could go a little further.
pub(crate) const HALVINGS_LIMIT: f64 = 1000.0;

/// Terms of the exponential series: with an argument within ±ln 2 / 2, those left out are below half a unit in the last place.
pub(crate) const SERIES_TERMS: u32 = 14;

/// The weight of what is `elapsed_millis` old.
pub(super) fn weight(elapsed_millis: i64, half_life_millis: f64) -> f64 {
    let halvings = elapsed_millis as f64 / half_life_millis;
    if halvings > HALVINGS_LIMIT {
        return 0.0;
    }
    let whole = (halvings + 0.5).floor();
    let exponent = (whole - halvings) * LN_2;
    let mut series = 1.0;
    for term in (1..=SERIES_TERMS).rev() {
        series = 1.0 + series * exponent / f64::from(term);
    }
    // 2^-whole is a double of its own: its bits are an exponent alone.
    series * f64::from_bits((1023 - whole as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_half_lives_are_exact() {
        for (elapsed, expected) in [(0, 1.0), (10, 0.5), (20, 0.25), (100, 1.0 / 1024.0)] {
            assert_eq!(weight(elapsed, 10.0), expected);
        }
    }

    #[test]
    fn any_weight_is_that_of_the_mathematical_library_to_the_last_places() {
        for elapsed in (0..2_000_000).step_by(977) {
            let expected = (-(elapsed as f64) / 30_011.0).exp2();
            let relative = (weight(elapsed, 30_011.0) / expected - 1.0).abs();
            assert!(relative < 4.0 * f64::EPSILON, "{elapsed}: {relative:e}");
        }
    }

    #[test]
    fn what_is_ages_old_weighs_nothing() {
        assert!(weight(1_000, 1.0) > 0.0);
        assert_eq!(weight(1_001, 1.0), 0.0);
        assert_eq!(weight(i64::MAX, 1e-300), 0.0);
    }
}
