//! One coordinate: what is known of a weight, and the rules that move it.

use serde::{Deserialize, Serialize};

/// A rule that moves a weight against its gradient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// FTRL-Proximal (McMahan et al.: "Ad click prediction: a view from the trenches", KDD 2013).
    Ftrl,
    /// Stochastic gradient descent, with AdaGrad's step for each coordinate (Duchi, Hazan, Singer, JMLR 12, 2011).
    Adagrad,
    /// Stochastic gradient descent with one step for all: plain online logistic regression.
    Sgd,
}

/// How far a weight moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rate {
    pub(crate) alpha: f32,
    pub(crate) beta: f32,
    pub(crate) l1: f32,
    pub(crate) l2: f32,
    /// 1 / alpha: a product takes a fraction of the time of a quotient.
    inverse_alpha: f32,
}

impl Rate {
    pub(crate) const fn new(alpha: f32, beta: f32, l1: f32, l2: f32) -> Self {
        Self { alpha, beta, l1, l2, inverse_alpha: 1.0 / alpha }
    }
}

/// A coordinate, 16 bytes: all that a label asks of a term lies in one cache line.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Cell {
    /// What the term's frequency is multiplied with; 0 for a slot of which no term is known.
    pub(crate) scale: f32,
    pub(crate) weight: f32,
    /// The sum of squared gradients, over the decay of the moment (`decay.rs`).
    pub(crate) squares: f32,
    /// FTRL's z of a weight that is 0. That of any other follows from the weight and the squares.
    pub(crate) pull: f32,
}

/// A gradient is no larger: one label moves a weight so far and no further, whatever its features are.
const GRADIENT_LIMIT: f32 = 1.0;

/// Weights are smaller than this by far; if ever they were not, sums of them stay numbers.
const WEIGHT_LIMIT: f32 = 1e4;

impl Cell {
    /// A coordinate of a weight that stands for so much evidence.
    pub(crate) fn of(scale: f32, weight: f32, squares: f32) -> Self {
        Self { scale, weight: weight.clamp(-WEIGHT_LIMIT, WEIGHT_LIMIT), squares, pull: 0.0 }
    }

    /// Moves the weight by one gradient. What is no number moves nothing.
    #[inline]
    pub(crate) fn learn(&mut self, algorithm: Algorithm, rate: &Rate, gradient: f32, decay: f32) {
        let gradient = gradient.clamp(-GRADIENT_LIMIT, GRADIENT_LIMIT);
        let square = gradient * gradient;
        // NaN, 0, and what is so small that its square is 0 and would be divided by.
        if square.is_nan() || square <= 0.0 {
            return;
        }
        let before = self.squares * decay;
        let after = before + square;
        let weight = match algorithm {
            Algorithm::Ftrl => self.proximal(rate, gradient, before.sqrt(), after.sqrt()),
            Algorithm::Adagrad => {
                self.weight - rate.alpha * (gradient + rate.l2 * self.weight) / (rate.beta + after.sqrt())
            }
            Algorithm::Sgd => self.weight - rate.alpha * (gradient + rate.l2 * self.weight),
        };
        self.weight = weight.clamp(-WEIGHT_LIMIT, WEIGHT_LIMIT);
        self.squares = after / decay;
        debug_assert!(self.weight.is_finite() && self.squares.is_finite() && self.pull.is_finite(), "{self:?}");
    }

    /// FTRL-Proximal's step; `before` and `after` are the roots of the sums of squares. McMahan's z is computed from the
    /// weight, whose closed form it solves: a weight that comes from elsewhere needs no z, and one whose squares decay keeps
    /// its value.
    #[inline]
    fn proximal(&mut self, rate: &Rate, gradient: f32, before: f32, after: f32) -> f32 {
        let strength = |root: f32| (rate.beta + root) * rate.inverse_alpha + rate.l2;
        let pull = if self.weight == 0.0 {
            self.pull
        } else {
            -self.weight * strength(before) - rate.l1.copysign(self.weight)
        };
        let pull = pull + gradient - (after - before) * rate.inverse_alpha * self.weight;
        if pull.abs() <= rate.l1 {
            self.pull = pull;
            return 0.0;
        }
        self.pull = 0.0;
        -(pull - rate.l1.copysign(pull)) / strength(after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Algorithm; 3] = [Algorithm::Ftrl, Algorithm::Adagrad, Algorithm::Sgd];
    const RATE: Rate = Rate::new(0.5, 1.0, 0.1, 0.01);

    /// Relative distance that the rounding of a few hundred steps in f32 may add up to.
    const ROUNDING: f64 = 1e-4;

    fn gradients() -> impl Iterator<Item = f32> {
        (0..500_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 24) as f32 - 0.45)
    }

    /// McMahan's algorithm 1 for one coordinate, as it is printed.
    struct AsPrinted {
        z: f64,
        n: f64,
    }

    impl AsPrinted {
        fn weight(&self, rate: &Rate) -> f64 {
            let (alpha, beta) = (f64::from(rate.alpha), f64::from(rate.beta));
            let (l1, l2) = (f64::from(rate.l1), f64::from(rate.l2));
            if self.z.abs() <= l1 {
                return 0.0;
            }
            -(self.z - self.z.signum() * l1) / ((beta + self.n.sqrt()) / alpha + l2)
        }

        fn learn(&mut self, rate: &Rate, gradient: f64) {
            let weight = self.weight(rate);
            let sigma = ((self.n + gradient * gradient).sqrt() - self.n.sqrt()) / f64::from(rate.alpha);
            self.z += gradient - sigma * weight;
            self.n += gradient * gradient;
        }
    }

    #[test]
    fn ftrl_is_as_printed() {
        let (mut cell, mut printed) = (Cell::of(1.0, 0.0, 0.0), AsPrinted { z: 0.0, n: 0.0 });
        let mut zeros = 0;
        for gradient in gradients() {
            cell.learn(Algorithm::Ftrl, &RATE, gradient, 1.0);
            printed.learn(&RATE, f64::from(gradient));
            let (ours, theirs) = (f64::from(cell.weight), printed.weight(&RATE));
            assert!((ours - theirs).abs() < ROUNDING * theirs.abs().max(1.0), "{ours} {theirs}");
            zeros += usize::from(theirs == 0.0);
        }
        assert!((1..400).contains(&zeros), "{zeros} of 500 weights are 0");
    }

    #[test]
    fn adagrad_and_plain_descent_are_as_computed_by_hand() {
        let mut cell = Cell::of(1.0, 1.0, 0.75);
        cell.learn(Algorithm::Adagrad, &RATE, 0.5, 1.0);
        // 1 - 0.5 (0.5 + 0.01) / (1 + sqrt(0.75 + 0.25))
        assert_eq!((cell.weight, cell.squares), (0.8725, 1.0));
        let mut cell = Cell::of(1.0, 1.0, 0.0);
        cell.learn(Algorithm::Sgd, &RATE, 0.5, 1.0);
        assert_eq!(cell.weight, 0.745);
    }

    #[test]
    fn every_rule_moves_against_the_gradient_and_less_far_with_evidence() {
        for algorithm in ALL {
            let rate = Rate { l1: 0.0, l2: 0.0, ..RATE };
            let moved = |squares: f32, gradient: f32| {
                let mut cell = Cell::of(1.0, 0.2, squares);
                cell.learn(algorithm, &rate, gradient, 1.0);
                cell.weight - 0.2
            };
            assert!(moved(0.0, 0.3) < 0.0 && moved(0.0, -0.3) > 0.0, "{algorithm:?}");
            let slows = moved(100.0, 0.3).abs() < moved(0.0, 0.3).abs();
            assert_eq!(slows, algorithm != Algorithm::Sgd, "{algorithm:?}");
        }
    }

    #[test]
    fn no_gradient_makes_a_weight_that_is_no_number() {
        let extremes = [
            f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::MAX,
            f32::MIN,
            f32::MIN_POSITIVE,
            1e-45,
            -1e-23,
            0.0,
            -0.0,
        ];
        let rates = [RATE, Rate::new(100.0, 1e-30, 0.0, 0.0), Rate { l2: 100.0, ..RATE }];
        for algorithm in ALL {
            for rate in &rates {
                for decay in [1.0, 1e-6] {
                    let mut cell = Cell::of(1.0, f32::MAX, 0.0);
                    for gradient in extremes.into_iter().chain(gradients()).chain(extremes) {
                        cell.learn(algorithm, rate, gradient, decay);
                        let finite = [cell.weight, cell.squares, cell.pull].iter().all(|number| number.is_finite());
                        assert!(finite && cell.weight.abs() <= WEIGHT_LIMIT, "{algorithm:?} {gradient} {cell:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn decay_alone_moves_nothing_and_lets_the_next_gradient_move_more() {
        let learned = |decay: f32| {
            let mut cell = Cell::of(1.0, 0.0, 0.0);
            gradients().for_each(|gradient| cell.learn(Algorithm::Ftrl, &RATE, gradient, 1.0));
            let before = cell.weight;
            cell.learn(Algorithm::Ftrl, &RATE, -0.3, decay);
            cell.weight - before
        };
        assert!(learned(0.25) > 1.5 * learned(1.0), "{} {}", learned(0.25), learned(1.0));
    }
}
