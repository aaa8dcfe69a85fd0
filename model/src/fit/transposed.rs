//! The training matrix by columns, for solvers that move one weight at a time.

use super::matrix::{Matrix, threads};

/// Compressed sparse columns.
pub(super) struct Transposed {
    /// Where each column ends.
    ends: Vec<usize>,
    rows: Vec<u32>,
    values: Vec<f32>,
}

impl Transposed {
    pub(super) fn of(matrix: &Matrix, columns: usize) -> Self {
        let mut ends = vec![0; columns];
        for &column in matrix.columns() {
            ends[column as usize] += 1;
        }
        let mut entries = 0;
        for end in &mut ends {
            // Where the column starts, until its entries are put there.
            (*end, entries) = (entries, entries + *end);
        }
        let (mut rows, mut values) = (vec![0; entries], vec![0.0; entries]);
        for row in 0..matrix.rows() {
            let (columns, of_row) = matrix.row(row);
            for (&column, &value) in columns.iter().zip(of_row) {
                let end = &mut ends[column as usize];
                (rows[*end], values[*end]) = (row as u32, value);
                *end += 1;
            }
        }
        Self { ends, rows, values }
    }

    pub(super) fn columns(&self) -> usize {
        self.ends.len()
    }

    /// The rows of a column's entries, and their values.
    #[inline]
    pub(super) fn column(&self, column: usize) -> (&[u32], &[f32]) {
        let start = if column == 0 { 0 } else { self.ends[column - 1] };
        let end = self.ends[column];
        (&self.rows[start..end], &self.values[start..end])
    }

    /// A number for each column, on all cores.
    pub(super) fn map(&self, number: impl Fn(&[u32], &[f32]) -> f64 + Sync) -> Vec<f64> {
        let mut numbers = vec![0.0; self.columns()];
        // The first columns have most entries: each core takes every n-th group of columns.
        let mut groups: Vec<Vec<(usize, &mut [f64])>> = (0..threads()).map(|_| Vec::new()).collect();
        let cores = groups.len();
        for (group, numbers) in numbers.chunks_mut(GROUP).enumerate() {
            groups[group % cores].push((group * GROUP, numbers));
        }
        std::thread::scope(|scope| {
            for groups in groups {
                let number = &number;
                scope.spawn(move || {
                    for (first, numbers) in groups {
                        for (column, result) in (first..).zip(numbers) {
                            let (rows, values) = self.column(column);
                            *result = number(rows, values);
                        }
                    }
                });
            }
        });
        numbers
    }
}

/// Columns that a core takes at once.
const GROUP: usize = 1024;
