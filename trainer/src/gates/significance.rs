//! Whether a difference is more than chance: tests on the same rows of both.

use super::config::{GateFigure, PromotionConfig};
use super::figure::Weighable;
use super::paired::Side;
use schemas::Label;

/// Two versions on the same rows.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    pub(super) labels: &'a [Label],
    pub(super) champion: &'a Side,
    pub(super) challenger: &'a Side,
}

/// What the challenger gained in each draw of the paired bootstrap (Efron & Tibshirani, "An introduction to the bootstrap",
/// 1993, chapter 8): rows are drawn with replacement, and both versions are measured on the same draw. Draws that give no
/// figure are left out.
pub(super) fn gains(figure: GateFigure, pair: Pair<'_>, config: &PromotionConfig) -> Vec<f64> {
    let champion = Weighable::new(figure, pair.champion, pair.labels);
    let challenger = Weighable::new(figure, pair.challenger, pair.labels);
    let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32).min(config.resamples);
    let draw = |number: u32, counts: &mut [u32]| {
        counts.fill(0);
        // Each draw has a sequence of its own, so that the outcome is that of the seed on any number of threads.
        let mut random = mixed(config.seed ^ mixed(u64::from(number)));
        for _ in 0..counts.len() {
            random = random.wrapping_add(0x9E37_79B9_7F4A_7C15);
            counts[((u128::from(mixed(random)) * counts.len() as u128) >> 64) as usize] += 1;
        }
        let gain = challenger.weighed(counts)? - champion.weighed(counts)?;
        Some(if figure.is_a_loss() { -gain } else { gain })
    };
    std::thread::scope(|scope| {
        let parts: Vec<_> = (0..threads)
            .map(|thread| {
                let draw = &draw;
                scope.spawn(move || {
                    let mut counts = vec![0; pair.labels.len()];
                    let numbers = (thread..config.resamples).step_by(threads as usize);
                    numbers.filter_map(|number| draw(number, &mut counts)).collect::<Vec<f64>>()
                })
            })
            .collect();
        parts.into_iter().flat_map(|part| part.join().expect("drawing doesn't panic")).collect()
    })
}

/// The finalizer of SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators").
fn mixed(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// How likely draws are to lie on the other side: one more than were seen, of one more than were drawn, so that it is never 0.
pub(super) fn share_of(gains: &[f64], is_beyond: impl Fn(f64) -> bool) -> f64 {
    let beyond = gains.iter().filter(|&&gain| is_beyond(gain)).count();
    (beyond + 1) as f64 / (gains.len() + 1) as f64
}

/// The rows that the challenger alone has right, and those that the champion alone has right.
pub(super) fn disagreements(pair: Pair<'_>) -> (u64, u64) {
    let rows = pair.labels.iter().zip(pair.champion.probabilities().zip(pair.challenger.probabilities()));
    rows.fold((0, 0), |(won, lost), (label, (champion, challenger))| {
        let is_right = |probability| Label::from_probability(probability) == *label;
        match (is_right(challenger), is_right(champion)) {
            (true, false) => (won + 1, lost),
            (false, true) => (won, lost + 1),
            _ => (won, lost),
        }
    })
}

/// How likely it is to win at most `won` of `won + lost` tosses of a fair coin: McNemar's test (1947, "Note on the sampling
/// error of the difference between correlated proportions") in its exact form, one-sided.
pub(super) fn at_most(won: u64, lost: u64) -> f64 {
    let tosses = won + lost;
    // From the most likely term down; each is the one above it times won / (tosses - won + 1).
    let mut ln_term =
        ln_factorial(tosses) - ln_factorial(won) - ln_factorial(lost) - tosses as f64 * std::f64::consts::LN_2;
    let (most, mut sum) = (ln_term, 0.0);
    for wins in (0..=won).rev() {
        let term = (ln_term - most).exp();
        sum += term;
        if wins < tosses / 2 && term < sum * f64::EPSILON {
            break;
        }
        ln_term += (wins as f64 / (tosses - wins + 1) as f64).ln();
    }
    (sum.ln() + most).exp().min(1.0)
}

fn ln_factorial(n: u64) -> f64 {
    if n < 256 {
        return (2..=n).map(|i| (i as f64).ln()).sum();
    }
    // Stirling's series; its next term is below 1e-16 here.
    let x = n as f64;
    let series = 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3)) + 1.0 / (1260.0 * x.powi(5));
    x * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI * x).ln() + series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exact_test_equals_the_binomial_distribution() {
        // Sums of binomial coefficients in exact integers.
        for (won, lost, expected) in [
            (0, 0, 1.0),
            (5, 5, 0.623_046_875),
            (2, 8, 0.054_687_5),
            (8, 2, 0.989_257_812_5),
            (0, 10, 0.000_976_562_5),
            (450, 550, 0.000_865_268_042_488_2),
            (49_500, 50_500, 0.000_791_179_94),
        ] {
            let p = at_most(won, lost);
            assert!((p - expected).abs() < 1e-4 * expected, "{won} {lost}: {p} {expected}");
        }
        assert!((at_most(600_000, 400_000) - 1.0).abs() < 1e-9);
    }

    fn pair(champion: &Side, challenger: &Side, labels: &[Label], seed: u64) -> (Vec<f64>, Vec<f64>) {
        let config = PromotionConfig { seed, resamples: 500, ..PromotionConfig::default() };
        let pair = Pair { labels, champion, challenger };
        (gains(GateFigure::LogLoss, pair, &config), gains(GateFigure::Accuracy, pair, &config))
    }

    /// Rows of which a version has one in `wrong_of` wrong.
    fn side(rows: usize, wrong_of: usize) -> (Side, Vec<Label>) {
        let labels: Vec<Label> =
            (0..rows).map(|i| if i % 2 == 0 { Label::Positive } else { Label::Negative }).collect();
        let probability = |(i, label): (usize, &Label)| {
            let is_right = i * 7919 % 1000 >= 1000 / wrong_of;
            if label.is_positive() == is_right { 0.8 } else { 0.2 }
        };
        (Side::from_iter(labels.iter().enumerate().map(probability)), labels)
    }

    #[test]
    fn what_is_clearly_better_wins_nearly_every_draw_and_the_same_never_differs() {
        let ((champion, labels), (challenger, _)) = (side(2000, 5), side(2000, 10));
        let (of_loss, of_accuracy) = pair(&champion, &challenger, &labels, 1);
        assert!(share_of(&of_loss, |gain| gain <= 0.0) < 0.01 && share_of(&of_accuracy, |gain| gain <= 0.0) < 0.01);
        let (of_loss, _) = pair(&challenger, &champion, &labels, 1);
        assert!(share_of(&of_loss, |gain| gain >= 0.0) < 0.01);
        let (same, _) = pair(&champion, &champion, &labels, 1);
        assert!(same.iter().all(|gain| *gain == 0.0) && same.len() == 500);
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        let ((champion, labels), (challenger, _)) = (side(300, 5), side(300, 6));
        let sorted = |mut gains: Vec<f64>| {
            gains.sort_unstable_by(f64::total_cmp);
            gains
        };
        let draws = |seed| sorted(pair(&champion, &challenger, &labels, seed).0);
        assert_eq!(draws(1), draws(1));
        assert_ne!(draws(1), draws(2));
    }
}
