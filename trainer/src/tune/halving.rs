//! How many trials are given how many rows: three times as many rows for the best third.

/// What is left of the trials, and what of the rows they get, from one rung to the next.
const FACTOR: f64 = 3.0;

/// With fewer rows of a class, chance alone decides which trials go on.
const LEAST_ROWS_OF_CLASS: f64 = 100.0;

/// The lowest of several rungs is this many steps below the last.
const MOST_STEPS: u32 = 2;

/// The same share of the rows for each of so many trials.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rung {
    pub(super) trials: usize,
    pub(super) share: f64,
}

/// The rungs, the last of which has all rows.
pub(super) fn rungs(trials: usize, rarer_class_rows: usize) -> Vec<Rung> {
    let enough = |steps: u32| {
        let factor = FACTOR.powi(steps as i32);
        rarer_class_rows as f64 / factor >= LEAST_ROWS_OF_CLASS && trials as f64 / factor >= 1.0
    };
    let steps = (0..=MOST_STEPS).rev().find(|&steps| enough(steps)).unwrap_or(0);
    let rung = |step: u32| Rung {
        trials: (trials as f64 / FACTOR.powi(step as i32)).ceil() as usize,
        share: FACTOR.powi(step as i32 - steps as i32),
    };
    (0..=steps).map(rung).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_third_gets_three_times_the_rows() {
        let shown = |trials, rows| rungs(trials, rows).iter().map(|rung| (rung.trials, rung.share)).collect::<Vec<_>>();
        assert_eq!(shown(30, 10_000), [(30, 1.0 / 9.0), (10, 1.0 / 3.0), (4, 1.0)]);
        assert_eq!(shown(5, 10_000), [(5, 1.0 / 3.0), (2, 1.0)]);
        assert_eq!(shown(1, 10_000), [(1, 1.0)]);
        assert_eq!(shown(30, 400), [(30, 1.0 / 3.0), (10, 1.0)]);
        assert_eq!(shown(30, 50), [(30, 1.0)]);
    }
}
