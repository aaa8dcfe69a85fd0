//! Logistic regression on sparse rows, by coordinate descent in the dual (Yu, Huang, Lin: "Dual coordinate descent methods for
//! logistic regression and maximum entropy models", Machine Learning 85, 2011).
//!
//! With labels y in {-1, 1}, the primal is P(w, b) = |w|²/2 + C Σ ln(1 + exp(-y_i (w·x_i + b))). For a given intercept b its
//! dual is max over 0 < a_i < C of D(a) = -|w|²/2 - b Σ a_i y_i - Σ H(a_i), where w = Σ a_i y_i x_i and
//! H(a) = a ln(a/C) + (C - a) ln((C - a)/C). One coordinate at a time is maximized exactly; the intercept, which carries no
//! penalty, follows by a Newton step after each pass, whose gradient Σ a_i y_i costs nothing. Where Σ a_i y_i = 0, D doesn't
//! depend on b, and P - D bounds the distance to the optimum, the intercept's share included: D is measured there.

use super::loss::{balancing_shift, entropy, root, softplus};
use super::matrix::Matrix;
use super::solution::{FitProgress, Solution};
use crate::config::FitConfig;
use crate::scoring::sigmoid;
use schemas::Label;

/// The gap is measured in every n-th pass: measuring takes as long as a pass.
const GAP_EVERY: u32 = 4;

/// Log odds by which the intercept moves at once.
const LONGEST_BIAS_STEP: f64 = 1.0;

pub(super) fn fit(
    matrix: &Matrix,
    labels: &[Label],
    columns: usize,
    config: &FitConfig,
    progress: &mut dyn FnMut(FitProgress),
) -> Solution {
    let mut solver = Solver::new(matrix, labels, columns, config.c);
    let mut order: Vec<u32> = (0..matrix.rows() as u32).collect();
    let mut random = SplitMix(config.seed);
    let (mut gap, mut loss) = (f64::INFINITY, f64::INFINITY);
    let mut iterations = 0;
    while iterations < config.max_iterations {
        random.shuffle(&mut order);
        for &row in &order {
            solver.maximize(row as usize);
        }
        solver.step_bias();
        iterations += 1;
        let is_last = iterations == config.max_iterations;
        if iterations % GAP_EVERY == 0 || is_last {
            (gap, loss) = solver.gap();
            progress(FitProgress { iteration: iterations, gap: Some(gap) });
            // False for a gap that is no number.
            if gap <= config.tolerance {
                break;
            }
        } else {
            progress(FitProgress { iteration: iterations, gap: None });
        }
    }
    Solution { weights: solver.weights, bias: solver.bias, iterations, gap, loss }
}

struct Solver<'a> {
    matrix: &'a Matrix,
    c: f64,
    /// y_i.
    signs: Vec<f64>,
    /// |x_i|².
    squares: Vec<f64>,
    /// logit(a_i / C): the dual variables in a form that keeps them inside (0, C).
    logits: Vec<f64>,
    /// w for the passes: each change is rounded, so it drifts from Σ a_i y_i x_i until the gap is measured.
    weights: Vec<f32>,
    /// w without that drift, where the gap is measured.
    exact_weights: Vec<f64>,
    bias: f64,
}

impl<'a> Solver<'a> {
    fn new(matrix: &'a Matrix, labels: &[Label], columns: usize, c: f64) -> Self {
        let signs: Vec<f64> = labels.iter().map(|label| if label.is_positive() { 1.0 } else { -1.0 }).collect();
        let squares = (0..matrix.rows())
            .map(|row| matrix.row(row).1.iter().map(|&v| f64::from(v) * f64::from(v)).sum())
            .collect();
        // The intercept of the model without terms is the best first guess; a_i starts at 0, and w with it.
        let positives = signs.iter().filter(|&&sign| sign > 0.0).count() as f64;
        let bias = (positives / (signs.len() as f64 - positives)).ln();
        Self {
            matrix,
            c,
            squares,
            logits: vec![f64::NEG_INFINITY; signs.len()],
            signs,
            weights: vec![0.0; columns],
            exact_weights: vec![0.0; columns],
            bias,
        }
    }

    /// Maximizes D over a_i alone. With s = logit(a_i / C), the derivative is zero where
    /// g(s) = s + y (w·x + b) + |x|² (C σ(s) - a_i) = 0; as 0 < σ < 1, the root is bracketed.
    fn maximize(&mut self, row: usize) {
        let (columns, values) = self.matrix.row(row);
        let sign = self.signs[row];
        let square = self.squares[row];
        let margin = sign * (self.product(columns, values) + self.bias);
        let start = self.logits[row];
        let alpha = self.c * sigmoid(start);
        let (low, high) = (-margin - square * (self.c - alpha), -margin + square * alpha);
        let s = root(start, low, high, 1e-8, |s| {
            let p = sigmoid(s);
            (s + margin + square * (self.c * p - alpha), 1.0 + square * self.c * p * (1.0 - p))
        });
        self.logits[row] = s;
        let change = ((self.c * sigmoid(s) - alpha) * sign) as f32;
        if change != 0.0 {
            for (&column, &value) in columns.iter().zip(values) {
                self.weights[column as usize] += change * value;
            }
        }
    }

    #[inline]
    fn product(&self, columns: &[u32], values: &[f32]) -> f64 {
        columns.iter().zip(values).map(|(&column, &value)| f64::from(self.weights[column as usize] * value)).sum()
    }

    /// A Newton step on the intercept, towards Σ a_i y_i = 0. To a step of it each a_i answers by C p (1 - p), damped by what
    /// its own row then does to the margin, as in [`maximize`](Self::maximize). Where the answers nearly vanish the step would
    /// leave the region in which they mean anything, so its length is bounded.
    fn step_bias(&mut self) {
        let mut sum = 0.0;
        let mut answers = 0.0;
        for ((&logit, &sign), &square) in self.logits.iter().zip(&self.signs).zip(&self.squares) {
            let p = sigmoid(logit);
            let answer = self.c * p * (1.0 - p);
            sum += self.c * p * sign;
            answers += answer / (1.0 + square * answer);
        }
        if answers > 0.0 {
            self.bias += (sum / answers).clamp(-LONGEST_BIAS_STEP, LONGEST_BIAS_STEP);
        }
    }

    /// (P - D) / P, and P. P is taken where the solver stands, D at the nearest point where Σ a_i y_i = 0, which makes it a
    /// bound for any intercept. The weights come out as those of the dual variables, without drift; nothing else changes.
    fn gap(&mut self) -> (f64, f64) {
        let shift = balancing_shift(&self.logits, &self.signs);
        let entropies: f64 =
            self.logits.iter().zip(&self.signs).map(|(&logit, &sign)| entropy(logit - shift * sign)).sum();
        let dual = -0.5 * self.sum_weights(shift) - self.c * entropies;

        let norm = self.sum_weights(0.0);
        for (weight, &exact) in self.weights.iter_mut().zip(&self.exact_weights) {
            *weight = exact as f32;
        }
        let losses: f64 =
            (0..self.matrix.rows()).map(|row| softplus(-self.signs[row] * (self.exact_product(row) + self.bias))).sum();
        let primal = 0.5 * norm + self.c * losses;
        ((primal - dual) / primal, primal)
    }

    fn exact_product(&self, row: usize) -> f64 {
        let (columns, values) = self.matrix.row(row);
        columns.iter().zip(values).map(|(&column, &value)| self.exact_weights[column as usize] * f64::from(value)).sum()
    }

    /// w = Σ a_i y_i x_i of the logits moved by `shift`, and |w|².
    fn sum_weights(&mut self, shift: f64) -> f64 {
        self.exact_weights.fill(0.0);
        for row in 0..self.matrix.rows() {
            let (columns, values) = self.matrix.row(row);
            let factor = self.c * sigmoid(self.logits[row] - shift * self.signs[row]) * self.signs[row];
            for (&column, &value) in columns.iter().zip(values) {
                self.exact_weights[column as usize] += factor * f64::from(value);
            }
        }
        self.exact_weights.iter().map(|weight| weight * weight).sum()
    }
}

/// Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014.
pub(super) struct SplitMix(pub(super) u64);

impl SplitMix {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn shuffle(&mut self, items: &mut [u32]) {
        for i in (1..items.len()).rev() {
            let j = ((u128::from(self.next()) * (i as u128 + 1)) >> 64) as usize;
            items.swap(i, j);
        }
    }
}

#[cfg(test)]
mod tests;
