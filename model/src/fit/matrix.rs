//! The training matrix: compressed sparse rows.

use std::ops::Range;

/// Sparse rows, one after the other.
pub(crate) struct Matrix {
    /// Where each row ends; its start is where the one before ends.
    ends: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f32>,
}

impl Matrix {
    pub(crate) fn new() -> Self {
        Self { ends: Vec::new(), columns: Vec::new(), values: Vec::new() }
    }

    pub(crate) fn rows(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn entries(&self) -> usize {
        self.columns.len()
    }

    /// What it holds in memory, with the room for rows to come.
    pub(crate) fn bytes(&self) -> u64 {
        (self.columns.capacity() * 4 + self.values.capacity() * 4 + self.ends.capacity() * 8) as u64
    }

    pub(crate) fn push(&mut self, column: u32, value: f32) {
        self.columns.push(column);
        self.values.push(value);
    }

    pub(crate) fn end_row(&mut self) {
        self.ends.push(self.columns.len());
    }

    /// Puts the rows of `other` behind its own.
    pub(crate) fn append(&mut self, other: &Matrix) {
        let offset = self.columns.len();
        self.columns.extend_from_slice(&other.columns);
        self.values.extend_from_slice(&other.values);
        self.ends.extend(other.ends.iter().map(|end| end + offset));
    }

    /// Where the entries of a row stand among all.
    #[inline]
    pub(crate) fn entries_of(&self, row: usize) -> Range<usize> {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        start..self.ends[row]
    }

    #[inline]
    pub(crate) fn row(&self, row: usize) -> (&[u32], &[f32]) {
        let entries = self.entries_of(row);
        (&self.columns[entries.clone()], &self.values[entries])
    }

    pub(crate) fn columns(&self) -> &[u32] {
        &self.columns
    }

    /// Rewrites each row in place, on all cores. `rewrite` gets the row's number, the place of its first entry, its columns and
    /// its values, and answers how many entries, the first ones, are left.
    pub(crate) fn rewrite(&mut self, rewrite: impl Fn(usize, usize, &mut [u32], &mut [f32]) -> usize + Sync) {
        let share = self.rows().div_ceil(threads()).max(1);
        let mut parts = Vec::new();
        let (mut columns, mut values) = (&mut self.columns[..], &mut self.values[..]);
        let mut start = 0;
        for (number, ends) in self.ends.chunks_mut(share).enumerate() {
            let end = ends[ends.len() - 1];
            let (columns_here, values_here);
            (columns_here, columns) = columns.split_at_mut(end - start);
            (values_here, values) = values.split_at_mut(end - start);
            parts.push(Part { first_row: number * share, start, ends, columns: columns_here, values: values_here });
            start = end;
        }
        let lengths: Vec<(usize, usize)> = std::thread::scope(|scope| {
            let rewrite = &rewrite;
            let parts: Vec<_> = parts.into_iter().map(|part| scope.spawn(move || part.rewrite(rewrite))).collect();
            parts.into_iter().map(|part| part.join().expect("rewriting does not panic")).collect()
        });
        // Each part stands at its own start, close together; now the parts move together.
        let mut write = 0;
        for (ends, (start, length)) in self.ends.chunks_mut(share).zip(lengths) {
            self.columns.copy_within(start..start + length, write);
            self.values.copy_within(start..start + length, write);
            ends.iter_mut().for_each(|end| *end += write);
            write += length;
        }
        self.columns.truncate(write);
        self.values.truncate(write);
    }
}

/// As many threads work on a matrix. What they make doesn't depend on their number.
pub(crate) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get())
}

/// Neighbouring rows, in the hands of one thread.
struct Part<'a> {
    first_row: usize,
    /// Where its entries begin among all.
    start: usize,
    ends: &'a mut [usize],
    columns: &'a mut [u32],
    values: &'a mut [f32],
}

impl Part<'_> {
    /// Answers where the part starts and how many entries are left. The rows' ends are those within the part then.
    fn rewrite(self, rewrite: &impl Fn(usize, usize, &mut [u32], &mut [f32]) -> usize) -> (usize, usize) {
        let (mut read, mut write) = (0, 0);
        for (row, end) in (self.first_row..).zip(self.ends) {
            let entries = read..*end - self.start;
            let (columns, values) = (&mut self.columns[entries.clone()], &mut self.values[entries.clone()]);
            let left = rewrite(row, self.start + read, columns, values);
            self.columns.copy_within(read..read + left, write);
            self.values.copy_within(read..read + left, write);
            read = entries.end;
            write += left;
            *end = write;
        }
        (self.start, write)
    }
}
