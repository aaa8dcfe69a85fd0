//! The training matrix: compressed sparse rows.

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

    #[inline]
    pub(crate) fn row(&self, row: usize) -> (&[u32], &[f32]) {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        let end = self.ends[row];
        (&self.columns[start..end], &self.values[start..end])
    }

    pub(crate) fn columns(&self) -> &[u32] {
        &self.columns
    }

    /// Rewrites each entry in place, given the number of its row and leaving out those for which `entry` answers none, then
    /// lets `whole_row` rewrite the row's values as they stand in its columns.
    pub(crate) fn rewrite(
        &mut self,
        mut entry: impl FnMut(usize, u32, f32) -> Option<(u32, f32)>,
        mut whole_row: impl FnMut(&[u32], &mut [f32]),
    ) {
        let mut write = 0;
        let mut start = 0;
        for (row, end) in self.ends.iter_mut().enumerate() {
            let row_start = write;
            for read in start..*end {
                if let Some((column, value)) = entry(row, self.columns[read], self.values[read]) {
                    self.columns[write] = column;
                    self.values[write] = value;
                    write += 1;
                }
            }
            start = *end;
            *end = write;
            whole_row(&self.columns[row_start..write], &mut self.values[row_start..write]);
        }
        self.columns.truncate(write);
        self.values.truncate(write);
    }
}
