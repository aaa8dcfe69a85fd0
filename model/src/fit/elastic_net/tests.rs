//! The solver beside proximal gradient descent on small problems.

use super::*;
use crate::fit::problems::Problem;

/// How far the relative gap may stay below the true distance, by rounding alone.
const ROUNDING: f64 = 1e-9;

/// How far weights may lie from those of the slow method.
const TOLERANCE: f64 = 1e-4;

/// The optimum by the plainest method there is: a short step down the loss, then the penalty's shrinking, again and again.
fn optimum(problem: &Problem, c: f64, l1: f64) -> Vec<f64> {
    let (l2, columns) = (1.0 - l1, problem.columns);
    let rows: Vec<Vec<f64>> = (0..problem.labels.len()).map(|row| problem.dense(row)).collect();
    // Rows have length 1 beside the intercept's 1, and no curvature of the loss is above a fourth.
    let rate = 1.0 / (l2 + c * 0.25 * 2.0 * rows.len() as f64);
    let mut point = vec![0.0; columns + 1];
    let mut ahead = point.clone();
    for round in 0..200_000 {
        let mut gradient = vec![0.0; columns + 1];
        for (row, label) in rows.iter().zip(&problem.labels) {
            let p = sigmoid(row.iter().zip(&ahead).map(|(x, w)| x * w).sum());
            let error = c * (p - f64::from(u8::from(label.is_positive())));
            gradient.iter_mut().zip(row).for_each(|(g, x)| *g += error * x);
        }
        let mut next: Vec<f64> = ahead.iter().zip(&gradient).map(|(w, g)| w - rate * g).collect();
        next[..columns].iter_mut().for_each(|w| *w = shrunk(*w, rate * l1) / (1.0 + rate * l2));
        let momentum = f64::from(round % 1000) / (f64::from(round % 1000) + 3.0);
        ahead = next.iter().zip(&point).map(|(new, old)| new + momentum * (new - old)).collect();
        let moved = next.iter().zip(&point).map(|(new, old)| (new - old).abs()).fold(0.0, f64::max);
        point = next;
        if moved < 1e-12 {
            break;
        }
    }
    point
}

fn loss(problem: &Problem, c: f64, l1: f64, point: &[f64]) -> f64 {
    let losses: f64 = (0..problem.labels.len())
        .map(|row| {
            let product: f64 = problem.dense(row).iter().zip(point).map(|(x, w)| x * w).sum();
            softplus(if problem.labels[row].is_positive() { -product } else { product })
        })
        .sum();
    let penalty: f64 = point[..problem.columns].iter().map(|w| l1 * w.abs() + 0.5 * (1.0 - l1) * w * w).sum();
    penalty + c * losses
}

fn solve(problem: &Problem, c: f64, l1_ratio: f64, tolerance: f64) -> Solution {
    let config = FitConfig { c, l1_ratio, tolerance, ..FitConfig::default() };
    fit(&problem.matrix, &problem.labels, problem.columns, &config, &mut |_| ())
}

#[test]
fn the_optimum_is_that_of_the_plainest_method_and_the_gap_bounds_the_distance() {
    for problem in [Problem::new(60, 30, 0.1), Problem::new(60, 6, 0.3)] {
        for (c, l1) in [(0.1, 1.0), (1.0, 1.0), (1.0, 0.5), (5.0, 0.1)] {
            let optimum = optimum(&problem, c, l1);
            let least = loss(&problem, c, l1, &optimum);
            for tolerance in [1e-2, 1e-9] {
                let solution = solve(&problem, c, l1, tolerance);
                assert!(solution.gap <= tolerance, "C = {c}, l1 = {l1}: {}", solution.gap);
                let distance = (solution.loss - least) / solution.loss;
                assert!(distance <= solution.gap + ROUNDING, "C = {c}, l1 = {l1}: {distance}, gap {}", solution.gap);
            }
            let solution = solve(&problem, c, l1, 1e-12);
            for (weight, expected) in solution.weights.iter().zip(&optimum) {
                assert!((f64::from(*weight) - expected).abs() < TOLERANCE, "C = {c}, l1 = {l1}: {weight}, {expected}");
            }
            assert!((solution.bias - optimum[problem.columns]).abs() < TOLERANCE, "C = {c}, l1 = {l1}");
        }
    }
}

#[test]
fn a_strong_penalty_leaves_only_the_intercept() {
    let problem = Problem::new(100, 20, 0.1);
    let solution = solve(&problem, 1e-3, 1.0, 1e-9);
    assert!(solution.weights.iter().all(|&weight| weight == 0.0));
    assert!((solution.bias - (20.0_f64 / 80.0).ln()).abs() < 1e-6, "{}", solution.bias);
}

#[test]
fn the_same_problem_has_the_same_solution_to_the_last_bit() {
    let problem = Problem::new(300, 100, 0.2);
    let [one, other] = [(); 2].map(|()| solve(&problem, 3.0, 0.7, 1e-6));
    assert_eq!((one.weights, one.bias.to_bits()), (other.weights, other.bias.to_bits()));
}
