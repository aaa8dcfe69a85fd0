//! Logistic regression on sparse rows, by coordinate descent in the dual (Yu, Huang, Lin: "Dual coordinate descent methods for
//! logistic regression and maximum entropy models", Machine Learning 85, 2011).
//!
//! With labels y in {-1, 1}, the primal is P(w, b) = |w|²/2 + C Σ ln(1 + exp(-y_i (w·x_i + b))). For a given intercept b its
//! dual is max over 0 < a_i < C of D(a) = -|w|²/2 - b Σ a_i y_i - Σ H(a_i), where w = Σ a_i y_i x_i and
//! H(a) = a ln(a/C) + (C - a) ln((C - a)/C). One coordinate at a time is maximized exactly; the intercept, which carries no
//! penalty, follows by a Newton step after each pass, whose gradient Σ a_i y_i costs nothing. P - D bounds the distance to
//! the optimum, so fitting ends by a proof and not by a guess.

use super::matrix::Matrix;
use crate::config::FitConfig;
use crate::scoring::sigmoid;
use schemas::Label;

/// Where fitting stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FitProgress {
    /// Passes over the data so far.
    pub iteration: u32,
    /// The relative duality gap, in iterations that measured it.
    pub gap: Option<f64>,
}

pub(super) struct Solution {
    pub(super) weights: Vec<f32>,
    pub(super) bias: f64,
    pub(super) iterations: u32,
    pub(super) gap: f64,
    pub(super) loss: f64,
}

/// The gap is measured in every n-th pass: measuring takes half as long as a pass.
const GAP_EVERY: u32 = 4;

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
    weights: Vec<f32>,
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
        let rows = signs.len();
        Self { matrix, c, signs, squares, logits: vec![f64::NEG_INFINITY; rows], weights: vec![0.0; columns], bias }
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
        let mut low = -margin - square * (self.c - alpha);
        let mut high = -margin + square * alpha;
        let mut s = start.clamp(low, high);
        // Newton's method, kept inside the bracket; a handful of steps reaches the accuracy that matters.
        for _ in 0..20 {
            let p = sigmoid(s);
            let g = s + margin + square * (self.c * p - alpha);
            if g.abs() < 1e-8 {
                break;
            }
            if g > 0.0 {
                high = s;
            } else {
                low = s;
            }
            s -= g / (1.0 + square * self.c * p * (1.0 - p));
            if !(low..=high).contains(&s) {
                s = 0.5 * (low + high);
            }
        }
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

    /// A Newton step on the intercept. At the optimum a_i = C σ(-margin_i), so the dual variables stand in for the
    /// probabilities: the gradient is -Σ a_i y_i, the curvature Σ a_i (1 - a_i / C).
    fn step_bias(&mut self) {
        let (gradient, curvature) = self.bias_derivatives();
        if curvature > 0.0 {
            self.bias += gradient / curvature;
        }
    }

    fn bias_derivatives(&self) -> (f64, f64) {
        let mut gradient = 0.0;
        let mut curvature = 0.0;
        for (&logit, &sign) in self.logits.iter().zip(&self.signs) {
            let p = sigmoid(logit);
            gradient += self.c * p * sign;
            curvature += self.c * p * (1.0 - p);
        }
        (gradient, curvature)
    }

    /// (P - D) / P with what the intercept could still gain, and P.
    fn gap(&self) -> (f64, f64) {
        let norm: f64 = self.weights.iter().map(|&weight| f64::from(weight) * f64::from(weight)).sum();
        let mut losses = 0.0;
        let mut entropies = 0.0;
        for row in 0..self.matrix.rows() {
            let (columns, values) = self.matrix.row(row);
            let margin = self.signs[row] * (self.product(columns, values) + self.bias);
            losses += softplus(-margin);
            let logit = self.logits[row];
            let p = sigmoid(logit);
            // p ln p + (1 - p) ln(1 - p), from the logit so that neither logarithm meets a zero.
            entropies -= p * softplus(-logit) + (1.0 - p) * softplus(logit);
        }
        let (gradient, curvature) = self.bias_derivatives();
        let primal = 0.5 * norm + self.c * losses;
        let dual = -0.5 * norm - self.bias * gradient - self.c * entropies;
        let left_in_bias = if curvature > 0.0 { 0.5 * gradient * gradient / curvature } else { 0.0 };
        (((primal - dual).abs() + left_in_bias) / primal, primal)
    }
}

/// ln(1 + e^x), without overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
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
