//! Logistic regression with an L1 penalty, alone or beside an L2 one: most weights end at zero. Newton's method on the loss, each
//! step of which is found by coordinate descent (Friedman, Hastie, Tibshirani: "Regularization paths for generalized linear
//! models via coordinate descent", Journal of Statistical Software 33, 2010; Yuan, Ho, Lin: "An improved GLMNET for
//! L1-regularized logistic regression", Journal of Machine Learning Research 13, 2012).
//!
//! The primal is P(w, b) = (1 - r)/2 |w|² + r |w|₁ + C Σ ln(1 + exp(-y_i (w·x_i + b))), r being the L1 ratio. For 0 < a_i < C with
//! Σ a_i y_i = 0 and v = Σ a_i y_i x_i its dual is D(a) = -Σ H(a_i) - Σ S(v_j, r)² / (2 (1 - r)), where S(v, r) =
//! max(|v| - r, 0), and H is that of the solver for L2 alone. Scaling a until no |v_j| exceeds r makes the last sum vanish, as it has
//! to where r is 1. P - D bounds the distance to the optimum.

use super::loss::{balancing_shift, entropy, softplus};
use super::matrix::Matrix;
use super::solution::{FitProgress, Solution};
use super::transposed::Transposed;
use crate::config::FitConfig;
use crate::scoring::sigmoid;
use schemas::Label;

/// Passes over the columns of one step of Newton's method.
const MOST_CYCLES: u32 = 50;

/// A step is found when a pass moves its weights by less than this share of what the first pass did, squared.
const CYCLES_END: f64 = 1e-3;

/// What is added to each curvature: a column of which no row is in doubt has none.
const LEAST_CURVATURE: f64 = 1e-10;

/// The share of the promised descent that a step has to bring (Armijo), and how often it is halved until it does.
const LEAST_DESCENT: f64 = 0.01;
const MOST_HALVINGS: u32 = 40;

pub(super) fn fit(
    matrix: &Matrix,
    labels: &[Label],
    columns: usize,
    config: &FitConfig,
    progress: &mut dyn FnMut(FitProgress),
) -> Solution {
    let transposed = Transposed::of(matrix, columns);
    let mut solver = Solver::new(&transposed, labels, config);
    let (mut gap, mut loss) = solver.gap();
    let mut iterations = 0;
    while iterations < config.max_iterations && (gap > config.tolerance || gap.is_nan()) {
        let is_descending = solver.step();
        iterations += 1;
        (gap, loss) = solver.gap();
        progress(FitProgress { iteration: iterations, gap: Some(gap) });
        if !is_descending {
            break;
        }
    }
    let weights = solver.weights.iter().map(|&weight| weight as f32).collect();
    Solution { weights, bias: solver.bias, iterations, gap, loss }
}

struct Solver<'a> {
    columns: &'a Transposed,
    c: f64,
    /// Strengths of the penalties.
    l1: f64,
    l2: f64,
    /// y_i.
    signs: Vec<f64>,
    weights: Vec<f64>,
    bias: f64,
    /// w·x_i + b.
    margins: Vec<f64>,
    /// Of the loss alone, for each column.
    gradient: Vec<f64>,
}

impl<'a> Solver<'a> {
    fn new(columns: &'a Transposed, labels: &[Label], config: &FitConfig) -> Self {
        let signs: Vec<f64> = labels.iter().map(|label| if label.is_positive() { 1.0 } else { -1.0 }).collect();
        let positives = signs.iter().filter(|&&sign| sign > 0.0).count() as f64;
        let bias = (positives / (signs.len() as f64 - positives)).ln();
        let mut solver = Self {
            columns,
            c: config.c,
            l1: config.l1_ratio,
            l2: 1.0 - config.l1_ratio,
            margins: vec![bias; signs.len()],
            signs,
            weights: vec![0.0; columns.columns()],
            bias,
            gradient: Vec::new(),
        };
        solver.gradient = solver.sums(&solver.slopes());
        solver
    }

    /// What the loss of each row has for a slope in its margin.
    fn slopes(&self) -> Vec<f64> {
        self.margins.iter().zip(&self.signs).map(|(&margin, &sign)| -self.c * sign * sigmoid(-sign * margin)).collect()
    }

    /// For each column, the sum over its rows of a number of the row times the entry.
    fn sums(&self, of_rows: &[f64]) -> Vec<f64> {
        self.columns
            .map(|rows, values| rows.iter().zip(values).map(|(&row, &x)| of_rows[row as usize] * f64::from(x)).sum())
    }

    /// One step of Newton's method, as long as it descends. False when no step does: the optimum is as near as numbers let it.
    fn step(&mut self) -> bool {
        let slopes = self.slopes();
        let doubts: Vec<f64> = self.margins.iter().map(|&margin| self.c * sigmoid(margin) * sigmoid(-margin)).collect();
        let curvatures: Vec<f64> = self.columns.map(|rows, values| {
            rows.iter().zip(values).map(|(&row, &x)| doubts[row as usize] * f64::from(x) * f64::from(x)).sum()
        });
        let direction = Direction::of(self, &doubts, &curvatures);
        let slope: f64 = slopes.iter().zip(&direction.margins).map(|(slope, change)| slope * change).sum();
        let promised = slope + self.penalty(&direction, 1.0) - self.penalty(&direction, 0.0);
        if promised >= 0.0 || promised.is_nan() {
            return false;
        }
        let before = self.loss(&direction, 0.0) + self.penalty(&direction, 0.0);
        let mut length = 1.0;
        for _ in 0..MOST_HALVINGS {
            let after = self.loss(&direction, length) + self.penalty(&direction, length);
            if after - before <= LEAST_DESCENT * length * promised {
                self.take(&direction, length);
                return true;
            }
            length /= 2.0;
        }
        false
    }

    /// The loss where a direction leads.
    fn loss(&self, direction: &Direction, length: f64) -> f64 {
        let loss = |((&margin, &change), &sign): ((&f64, &f64), &f64)| softplus(-sign * (margin + length * change));
        self.c * self.margins.iter().zip(&direction.margins).zip(&self.signs).map(loss).sum::<f64>()
    }

    /// The penalty of the weights that a direction moves, where it leads.
    fn penalty(&self, direction: &Direction, length: f64) -> f64 {
        let moved = direction.weights.iter().map(|&(column, change)| self.weights[column as usize] + length * change);
        moved.map(|weight| self.l1 * weight.abs() + 0.5 * self.l2 * weight * weight).sum()
    }

    fn take(&mut self, direction: &Direction, length: f64) {
        for &(column, change) in &direction.weights {
            self.weights[column as usize] += length * change;
        }
        self.bias += length * direction.bias;
        self.margins.iter_mut().zip(&direction.margins).for_each(|(margin, change)| *margin += length * change);
        self.gradient = self.sums(&self.slopes());
    }

    /// (P - D) / P, and P.
    fn gap(&self) -> (f64, f64) {
        let losses: f64 = self.margins.iter().zip(&self.signs).map(|(&margin, &sign)| softplus(-sign * margin)).sum();
        let penalty = |&weight: &f64| self.l1 * weight.abs() + 0.5 * self.l2 * weight * weight;
        let primal = self.c * losses + self.weights.iter().map(penalty).sum::<f64>();
        // The logits of a_i / C, moved until the classes balance.
        let mut logits: Vec<f64> =
            self.margins.iter().zip(&self.signs).map(|(&margin, &sign)| -sign * margin).collect();
        let shift = balancing_shift(&logits, &self.signs);
        logits.iter_mut().zip(&self.signs).for_each(|(logit, &sign)| *logit -= shift * sign);
        let dual: Vec<f64> =
            logits.iter().zip(&self.signs).map(|(&logit, &sign)| self.c * sign * sigmoid(logit)).collect();
        let sums = self.sums(&dual);
        let most = sums.iter().fold(0.0_f64, |most, sum| most.max(sum.abs()));
        let scale = (self.l1 / most).min(1.0);
        let entropies = |scale: f64| logits.iter().map(|&logit| entropy(scaled(logit, scale))).sum::<f64>();
        let mut best = -self.c * entropies(scale);
        if self.l2 > 0.0 {
            let excess: f64 = sums.iter().map(|sum| (sum.abs() - self.l1).max(0.0).powi(2)).sum();
            best = best.max(-self.c * entropies(1.0) - excess / (2.0 * self.l2));
        }
        ((primal - best) / primal, primal)
    }
}

/// Where a step of Newton's method leads: the minimum of the loss's second-order model and the penalty.
struct Direction {
    /// The columns that move, and by how much.
    weights: Vec<(u32, f64)>,
    bias: f64,
    /// What that does to the margins.
    margins: Vec<f64>,
}

impl Direction {
    fn of(solver: &Solver<'_>, doubts: &[f64], curvatures: &[f64]) -> Self {
        let Solver { columns, l1, l2, weights, gradient, .. } = solver;
        // A weight of zero stays there where the gradient doesn't outweigh the penalty.
        let moving = (0..weights.len()).filter(|&j| weights[j] != 0.0 || gradient[j].abs() > *l1);
        let mut moved: Vec<(u32, f64)> = moving.map(|column| (column as u32, 0.0)).collect();
        let mut margins = vec![0.0; doubts.len()];
        let (slope_of_bias, doubt): (f64, f64) = (solver.slopes().iter().sum(), doubts.iter().sum());
        let mut bias = 0.0;
        let mut first = 0.0;
        for cycle in 0..MOST_CYCLES {
            let mut decrease = 0.0;
            for (column, change) in &mut moved {
                let j = *column as usize;
                let (rows, values) = columns.column(j);
                let bent: f64 = rows
                    .iter()
                    .zip(values)
                    .map(|(&row, &x)| doubts[row as usize] * margins[row as usize] * f64::from(x))
                    .sum();
                let weight = weights[j] + *change;
                let curvature = curvatures[j] + l2 + LEAST_CURVATURE;
                let slope = gradient[j] + bent + l2 * weight;
                let step = shrunk(weight - slope / curvature, l1 / curvature) - weight;
                if step != 0.0 {
                    *change += step;
                    decrease += curvature * step * step;
                    rows.iter().zip(values).for_each(|(&row, &x)| margins[row as usize] += step * f64::from(x));
                }
            }
            let bent: f64 = doubts.iter().zip(&margins).map(|(doubt, margin)| doubt * margin).sum();
            let step = -(slope_of_bias + bent) / (doubt + LEAST_CURVATURE);
            bias += step;
            decrease += doubt * step * step;
            margins.iter_mut().for_each(|margin| *margin += step);
            if cycle == 0 {
                first = decrease;
            }
            if decrease <= CYCLES_END * CYCLES_END * first {
                break;
            }
        }
        moved.retain(|&(_, change)| change != 0.0);
        Self { weights: moved, bias, margins }
    }
}

/// Towards zero, and not beyond it.
fn shrunk(number: f64, by: f64) -> f64 {
    number.signum() * (number.abs() - by).max(0.0)
}

/// The logit of a probability that is scaled down: p / (1 - p) becomes k p / (1 - k p).
fn scaled(logit: f64, scale: f64) -> f64 {
    if scale == 1.0 { logit } else { scale.ln() - softplus(-logit) - (-scale * sigmoid(logit)).ln_1p() }
}

#[cfg(test)]
mod tests;
