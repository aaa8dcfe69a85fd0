//! The chi-squared distribution, by the regularized incomplete gamma function (DLMF 8.2, <https://dlmf.nist.gov/8.2>).

/// The chance of more than `x` with `k` degrees of freedom: Q(k/2, x/2).
pub fn chi_squared_tail(x: f64, k: usize) -> f64 {
    if x.is_nan() || x <= 0.0 || k == 0 {
        return 1.0;
    }
    let (a, x) = (k as f64 / 2.0, x / 2.0);
    // x^a e^-x / Gamma(a), which both expansions have.
    let scale = (a * x.ln() - x - ln_gamma_of_half(k)).exp();
    let tail = if x < a + 1.0 { 1.0 - scale * series(a, x) } else { scale * continued_fraction(a, x) };
    tail.clamp(0.0, 1.0)
}

/// What is exceeded with the chance `tail`, by bisection.
pub fn chi_squared_quantile(tail: f64, k: usize) -> f64 {
    let tail = tail.clamp(1e-300, 1.0);
    let (mut low, mut high) = (0.0, 1.0 + k as f64);
    while chi_squared_tail(high, k) > tail && high < 1e12 {
        (low, high) = (high, 2.0 * high);
    }
    // Until the two ends are neighbours.
    for _ in 0..200 {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            break;
        }
        if chi_squared_tail(middle, k) > tail { low = middle } else { high = middle }
    }
    high
}

/// ln Gamma(k/2): a product down to Gamma(1) = 1 or Gamma(1/2) = sqrt(pi).
fn ln_gamma_of_half(k: usize) -> f64 {
    let (start, first) = if k.is_multiple_of(2) { (0.0, 2) } else { (0.5 * std::f64::consts::PI.ln(), 1) };
    start + (first..k).step_by(2).map(|j| (j as f64 / 2.0).ln()).sum::<f64>()
}

const STEPS: usize = 100_000;

/// Sum over n of x^n / (a (a+1) .. (a+n)), DLMF 8.11.4.
fn series(a: f64, x: f64) -> f64 {
    let (mut term, mut sum) = (1.0 / a, 1.0 / a);
    for n in 1..STEPS {
        term *= x / (a + n as f64);
        sum += term;
        if term < sum * f64::EPSILON {
            break;
        }
    }
    sum
}

/// DLMF 8.9.2 by Lentz's method (Thompson & Barnett 1986).
fn continued_fraction(a: f64, x: f64) -> f64 {
    let mut b = x + 1.0 - a;
    let mut c = f64::MAX;
    let mut d = 1.0 / b;
    let mut h = d;
    for n in 1..STEPS {
        let numerator = -(n as f64) * (n as f64 - a);
        b += 2.0;
        d = 1.0 / nonzero(numerator * d + b);
        c = nonzero(b + numerator / c);
        h *= d * c;
        if (d * c - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    h
}

fn nonzero(value: f64) -> f64 {
    if value.abs() < f64::MIN_POSITIVE { f64::MIN_POSITIVE } else { value }
}
