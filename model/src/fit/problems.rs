//! Small problems for the tests of solvers.

use super::logistic::SplitMix;
use super::matrix::Matrix;
use schemas::Label;

/// Rows, the last column of which stands in each of them, and labels that the first columns explain in part.
pub(super) struct Problem {
    pub(super) matrix: Matrix,
    pub(super) labels: Vec<Label>,
    pub(super) columns: usize,
}

impl Problem {
    pub(super) fn new(rows: usize, positives: usize, noise: f64) -> Self {
        let columns = 12;
        let mut random = SplitMix(7);
        let mut uniform = move || (random.next() >> 11) as f64 / (1_u64 << 53) as f64;
        let mut matrix = Matrix::new();
        let mut labels = Vec::new();
        for row in 0..rows {
            let is_positive = row < positives;
            let mut values = vec![0.0; columns];
            values[columns - 1] = 1.0;
            for (column, value) in values.iter_mut().enumerate().take(columns - 1) {
                let tells = (column % 2 == 0) == is_positive;
                if uniform() < if tells { 0.5 } else { 0.5 * noise } {
                    *value = 0.5 + uniform();
                }
            }
            let length = values.iter().map(|value| value * value).sum::<f64>().sqrt();
            for (column, value) in (0..).zip(&values).filter(|(_, value)| **value > 0.0) {
                matrix.push(column, (value / length) as f32);
            }
            matrix.end_row();
            labels.push(if is_positive { Label::Positive } else { Label::Negative });
        }
        Self { matrix, labels, columns }
    }

    /// Row `row` as it is, with a 1 for the intercept at its end.
    pub(super) fn dense(&self, row: usize) -> Vec<f64> {
        let mut dense = vec![0.0; self.columns + 1];
        let (columns, values) = self.matrix.row(row);
        columns.iter().zip(values).for_each(|(&column, &value)| dense[column as usize] = f64::from(value));
        dense[self.columns] = 1.0;
        dense
    }
}
