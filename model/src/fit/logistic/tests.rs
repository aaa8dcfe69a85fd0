//! The solver beside Newton's method on small problems.

use super::*;
use crate::fit::problems::Problem;

/// How far the relative gap may stay below the true distance, by rounding alone.
const ROUNDING: f64 = 1e-9;

/// What rounding weights to f32 changes in the loss, relative to it.
const F32_ROUNDING: f64 = 1e-4;

impl Problem {
    fn fit(&self, c: f64, tolerance: f64, max_iterations: u32) -> Solution {
        let config = FitConfig { c, tolerance, max_iterations, ..FitConfig::default() };
        fit(&self.matrix, &self.labels, self.columns, &config, &mut |_| ())
    }

    fn loss(&self, c: f64, point: &[f64]) -> f64 {
        let losses: f64 = (0..self.labels.len())
            .map(|row| {
                let product: f64 = self.dense(row).iter().zip(point).map(|(x, w)| x * w).sum();
                softplus(if self.labels[row].is_positive() { -product } else { product })
            })
            .sum();
        0.5 * point[..self.columns].iter().map(|w| w * w).sum::<f64>() + c * losses
    }

    /// The optimum by Newton's method on all of it, with a line search: weights, then the intercept.
    fn optimum(&self, c: f64) -> Vec<f64> {
        let size = self.columns + 1;
        let mut point = vec![0.0; size];
        for _ in 0..200 {
            let mut gradient = point.clone();
            gradient[self.columns] = 0.0;
            let mut hessian = vec![vec![0.0; size]; size];
            (0..self.columns).for_each(|i| hessian[i][i] = 1.0);
            for row in 0..self.labels.len() {
                let x = self.dense(row);
                let p = sigmoid(x.iter().zip(&point).map(|(x, w)| x * w).sum());
                let y = f64::from(u8::from(self.labels[row].is_positive()));
                for i in 0..size {
                    gradient[i] += c * (p - y) * x[i];
                    (0..size).for_each(|j| hessian[i][j] += c * p * (1.0 - p) * x[i] * x[j]);
                }
            }
            let step = solve(hessian, &gradient);
            let decrement: f64 = step.iter().zip(&gradient).map(|(s, g)| s * g).sum();
            let loss = self.loss(c, &point);
            if decrement <= 1e-13 * loss {
                return point;
            }
            let moved = |length: f64| -> Vec<f64> { point.iter().zip(&step).map(|(w, s)| w - length * s).collect() };
            let length = (0..60)
                .map(|halvings| 0.5_f64.powi(halvings))
                .find(|&length| self.loss(c, &moved(length)) <= loss - 0.1 * length * decrement)
                .expect("Newton's direction descends");
            point = moved(length);
        }
        panic!("Newton's method ends");
    }
}

/// Gauss's elimination with pivots.
fn solve(mut a: Vec<Vec<f64>>, b: &[f64]) -> Vec<f64> {
    let size = b.len();
    a.iter_mut().zip(b).for_each(|(row, &b)| row.push(b));
    for i in 0..size {
        let pivot = (i..size).max_by(|&j, &k| a[j][i].abs().total_cmp(&a[k][i].abs())).unwrap();
        a.swap(i, pivot);
        let pivot = a[i].clone();
        for row in a.iter_mut().skip(i + 1) {
            let factor = row[i] / pivot[i];
            row.iter_mut().zip(&pivot).for_each(|(x, p)| *x -= factor * p);
        }
    }
    let mut x = vec![0.0; size];
    for i in (0..size).rev() {
        let known: f64 = (i + 1..size).map(|j| a[i][j] * x[j]).sum();
        x[i] = (a[i][size] - known) / a[i][i];
    }
    x
}

/// Balanced classes, and 2 % positives.
fn problems() -> [Problem; 2] {
    [Problem::new(500, 250, 0.02), Problem::new(500, 10, 0.05)]
}

#[test]
fn converged_means_near_the_optimum_with_a_term_in_every_row_and_with_few_positives() {
    for (problem, c) in problems().iter().flat_map(|problem| [1e-4, 1.0, 1e2].map(|c| (problem, c))) {
        for tolerance in [1e-3, 1e-6] {
            let solution = problem.fit(c, tolerance, 1000);
            assert!(solution.gap <= tolerance, "C = {c}: {}", solution.gap);
            assert_honest(problem, c, &solution);
        }
    }
    let rare = &problems()[1];
    let solution = rare.fit(1e4, 1e-3, 1000);
    assert!(solution.gap <= 1e-3, "{}", solution.gap);
    assert_honest(rare, 1e4, &solution);
}

#[test]
fn a_fit_that_ends_early_does_not_say_that_it_converged() {
    for (problem, c) in problems().iter().flat_map(|problem| [1.0, 1e4, 1e6].map(|c| (problem, c))) {
        for passes in [1, 3, 40] {
            assert_honest(problem, c, &problem.fit(c, 1e-12, passes));
        }
    }
}

/// The gap is no less than the distance to the optimum, for the loss it reports and for that of the rounded weights.
fn assert_honest(problem: &Problem, c: f64, solution: &Solution) {
    let least = problem.loss(c, &problem.optimum(c));
    let weights = solution.weights.iter().map(|&weight| f64::from(weight));
    let rounded = problem.loss(c, &weights.chain([solution.bias]).collect::<Vec<_>>());
    assert!((rounded - solution.loss).abs() <= F32_ROUNDING * rounded, "C = {c}: {rounded}, {}", solution.loss);
    let distance = (solution.loss - least) / solution.loss;
    assert!(distance <= solution.gap + ROUNDING, "C = {c}: {distance} from the optimum, gap {}", solution.gap);
}
