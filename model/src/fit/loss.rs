//! The logistic loss and its dual, in numbers that neither overflow nor vanish.

use crate::scoring::sigmoid;

/// How near to zero a sum over the rows of probabilities is brought, for each row.
const SUM_ACCURACY: f64 = 1e-13;

/// p ln p + (1 - p) ln(1 - p), from the logit so that neither logarithm meets a zero.
pub(super) fn entropy(logit: f64) -> f64 {
    let p = sigmoid(logit);
    -(p * softplus(-logit) + (1.0 - p) * softplus(logit))
}

/// By how much to move the logits of all a_i / C, down for one class and up for the other, so that Σ a_i y_i = 0. That is the
/// direction in which they answer to a step of the intercept.
pub(super) fn balancing_shift(logits: &[f64], signs: &[f64]) -> f64 {
    let reach = reach(logits);
    root(0.0, -reach, reach, SUM_ACCURACY * signs.len() as f64, |shift| {
        let (mut sum, mut slope) = (0.0, 0.0);
        for (&logit, &sign) in logits.iter().zip(signs) {
            let p = sigmoid(logit - shift * sign);
            sum -= sign * p;
            slope += p * (1.0 - p);
        }
        (sum, slope)
    })
}

/// Beyond it no shift of all logits lies that balances the classes.
fn reach(logits: &[f64]) -> f64 {
    logits.iter().fold(0.0_f64, |most, logit| most.max(logit.abs())) + (logits.len() as f64).ln() + 1.0
}

/// The root of an increasing function, which answers its value and slope, between `low` and `high`: Newton's method, kept
/// inside the bracket by halving it. A handful of steps is the rule; a large C takes one for each unit of ln C, down the
/// exponential, and halving alone would be through the widest bracket after 60.
#[inline]
pub(super) fn root(
    start: f64,
    mut low: f64,
    mut high: f64,
    accuracy: f64,
    value_and_slope: impl Fn(f64) -> (f64, f64),
) -> f64 {
    let mut at = start.clamp(low, high);
    for _ in 0..100 {
        let (value, slope) = value_and_slope(at);
        if value.abs() < accuracy {
            break;
        }
        if value > 0.0 {
            high = at;
        } else {
            low = at;
        }
        at -= value / slope;
        if !(low..=high).contains(&at) {
            at = 0.5 * (low + high);
        }
    }
    at
}

/// ln(1 + e^x), without overflow.
pub(super) fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}
