//! Whether a difference is more than chance: tests on the same rows of both.

use super::config::{GateFigure, PromotionConfig};
use super::figure::Weighable;
use super::paired::Side;
use schemas::Label;
use std::ops::Range;

/// Two versions on the same rows.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    pub(super) labels: &'a [Label],
    pub(super) champion: &'a Side,
    pub(super) challenger: &'a Side,
}

/// So many draws on the other side tell how likely that is, to a fourth or so.
const ENOUGH_BEYOND: usize = 20;

/// How likely it is that a draw of the paired bootstrap lies beyond what is claimed, told as exactly as `config.alpha` asks for:
/// where few draws lie beyond, more are made, until there are enough of them or the p-value could be far below alpha (Besag &
/// Clifford 1991, "Sequential Monte Carlo p-values").
pub(super) fn p_value(
    figure: GateFigure,
    pair: Pair<'_>,
    config: &PromotionConfig,
    is_beyond: impl Fn(f64) -> bool,
) -> f64 {
    let most = (ENOUGH_BEYOND as f64 / config.alpha).ceil().min(f64::from(PromotionConfig::MAX_RESAMPLES)) as u32;
    let draws = Draws::new(figure, pair, config.seed);
    let mut gains = draws.gains(0..config.resamples);
    let mut drawn = config.resamples;
    while drawn < most && gains.iter().filter(|&&gain| is_beyond(gain)).count() < ENOUGH_BEYOND {
        let next = drawn.saturating_mul(4).min(most);
        gains.extend(draws.gains(drawn..next));
        drawn = next;
    }
    share_of(&gains, is_beyond)
}

/// Draws of the paired bootstrap (Efron & Tibshirani, "An introduction to the bootstrap", 1993, chapter 8): rows are drawn with
/// replacement, and both versions are measured on the same draw.
struct Draws<'a> {
    champion: Weighable<'a>,
    challenger: Weighable<'a>,
    rows: usize,
    seed: u64,
}

impl<'a> Draws<'a> {
    fn new(figure: GateFigure, pair: Pair<'a>, seed: u64) -> Self {
        Self {
            champion: Weighable::new(figure, pair.champion, pair.labels),
            challenger: Weighable::new(figure, pair.challenger, pair.labels),
            rows: pair.labels.len(),
            seed,
        }
    }

    /// What the challenger gained in each of the draws with these numbers. Draws that give no figure are left out.
    fn gains(&self, numbers: Range<u32>) -> Vec<f64> {
        let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
        std::thread::scope(|scope| {
            let parts: Vec<_> = (0..threads)
                .map(|thread| {
                    let numbers = numbers.clone().skip(thread as usize).step_by(threads as usize);
                    scope.spawn(move || {
                        let mut counts = vec![0; self.rows];
                        numbers.filter_map(|number| self.gain(number, &mut counts)).collect::<Vec<f64>>()
                    })
                })
                .collect();
            parts.into_iter().flat_map(|part| part.join().expect("drawing doesn't panic")).collect()
        })
    }

    fn gain(&self, number: u32, counts: &mut [u32]) -> Option<f64> {
        counts.fill(0);
        // Each draw has a sequence of its own, so that the outcome is that of the seed on any number of threads.
        let mut random = mixed(self.seed ^ mixed(u64::from(number)));
        for _ in 0..counts.len() {
            random = random.wrapping_add(0x9E37_79B9_7F4A_7C15);
            counts[((u128::from(mixed(random)) * counts.len() as u128) >> 64) as usize] += 1;
        }
        let gain = self.challenger.weighed(counts)? - self.champion.weighed(counts)?;
        Some(if self.challenger.is_a_loss() { -gain } else { gain })
    }
}

/// The finalizer of SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators").
fn mixed(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// How likely draws are to lie on the other side: one more than were seen, of one more than were drawn, so that it is never 0.
fn share_of(gains: &[f64], is_beyond: impl Fn(f64) -> bool) -> f64 {
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

    /// Of the log loss, and of the accuracy.
    fn gains(champion: &Side, challenger: &Side, labels: &[Label], seed: u64) -> (Vec<f64>, Vec<f64>) {
        let pair = Pair { labels, champion, challenger };
        let of = |figure| Draws::new(figure, pair, seed).gains(0..500);
        (of(GateFigure::LogLoss), of(GateFigure::Accuracy))
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
        let (of_loss, of_accuracy) = gains(&champion, &challenger, &labels, 1);
        assert!(share_of(&of_loss, |gain| gain <= 0.0) < 0.01 && share_of(&of_accuracy, |gain| gain <= 0.0) < 0.01);
        let (of_loss, _) = gains(&challenger, &champion, &labels, 1);
        assert!(share_of(&of_loss, |gain| gain >= 0.0) < 0.01);
        let (same, _) = gains(&champion, &champion, &labels, 1);
        assert!(same.iter().all(|gain| *gain == 0.0) && same.len() == 500);
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        let ((champion, labels), (challenger, _)) = (side(300, 5), side(300, 6));
        let sorted = |mut gains: Vec<f64>| {
            gains.sort_unstable_by(f64::total_cmp);
            gains
        };
        let draws = |seed| sorted(gains(&champion, &challenger, &labels, seed).0);
        assert_eq!(draws(1), draws(1));
        assert_ne!(draws(1), draws(2));
    }

    #[test]
    fn more_is_drawn_where_a_small_alpha_asks_for_it_and_few_draws_lie_beyond() {
        let ((champion, labels), (challenger, _)) = (side(1000, 10), side(1000, 5));
        let pair = Pair { labels: &labels, champion: &champion, challenger: &challenger };
        let p = |alpha| {
            let config = PromotionConfig { alpha, resamples: 100, ..PromotionConfig::default() };
            p_value(GateFigure::Accuracy, pair, &config, |gain| gain >= 0.0)
        };
        assert_eq!((p(0.4), p(0.001)), (1.0 / 101.0, 1.0 / 20_001.0));
        // Where many lie beyond, the first draws tell.
        let config = PromotionConfig { alpha: 0.0005, resamples: 100, ..PromotionConfig::default() };
        assert_eq!((p_value(GateFigure::Accuracy, pair, &config, |gain| gain < 0.0) * 101.0).round(), 101.0);
    }
}
