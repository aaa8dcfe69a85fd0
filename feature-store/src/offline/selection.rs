//! Which rows of a scan are meant: a bit for each.

use super::parquet::Group;
use super::scan::Place;
use parquet::arrow::arrow_reader::{RowSelection, RowSelector};

/// A set of rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Of each input: bit `row - 1` of its words.
    inputs: Vec<Vec<u64>>,
}

impl Selection {
    /// Adds a row.
    pub fn add(&mut self, place: Place) {
        let (input, (word, bit)) = (place.input as usize, place_of(place.row));
        if self.inputs.len() <= input {
            self.inputs.resize_with(input + 1, Vec::new);
        }
        let words = &mut self.inputs[input];
        if words.len() <= word {
            words.resize(word + 1, 0);
        }
        words[word] |= bit;
    }

    /// Takes a row out.
    pub fn remove(&mut self, place: Place) {
        let (word, bit) = place_of(place.row);
        if let Some(word) = self.inputs.get_mut(place.input as usize).and_then(|words| words.get_mut(word)) {
            *word &= !bit;
        }
    }

    /// Whether a row is in it.
    pub fn has(&self, place: Place) -> bool {
        let (word, bit) = place_of(place.row);
        let words = self.inputs.get(place.input as usize);
        words.and_then(|words| words.get(word)).is_some_and(|word| word & bit != 0)
    }

    /// Whether any of so many rows behind the first `before` ones is in it.
    pub(super) fn has_any(&self, input: usize, before: u64, rows: usize) -> bool {
        self.rows(input, before, rows).next().is_some()
    }

    /// The rows of a group that are in it, each by how many rows of the file stand before it, and the same for its reader.
    pub(super) fn of_group(&self, input: usize, group: Group) -> (Vec<u64>, RowSelection) {
        let rows: Vec<u64> = self.rows(input, group.first, group.rows).collect();
        let mut selectors: Vec<RowSelector> = Vec::new();
        let mut next = group.first - group.skip as u64;
        for &row in &rows {
            if row > next {
                selectors.push(RowSelector::skip((row - next) as usize));
                selectors.push(RowSelector::select(1));
            } else if let Some(last) = selectors.last_mut() {
                last.row_count += 1;
            } else {
                selectors.push(RowSelector::select(1));
            }
            next = row + 1;
        }
        (rows, selectors.into())
    }

    fn rows(&self, input: usize, before: u64, rows: usize) -> impl Iterator<Item = u64> {
        let words = self.inputs.get(input).map_or(&[][..], Vec::as_slice);
        let end = (before + rows as u64).min(words.len() as u64 * 64);
        (before..end).filter(|row| words[(row / 64) as usize] & (1 << (row % 64)) != 0)
    }
}

fn place_of(row: u64) -> (usize, u64) {
    let row = row.saturating_sub(1);
    ((row / 64) as usize, 1 << (row % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_added_and_taken_out() {
        let mut selection = Selection::default();
        let place = |input, row| Place { input, row };
        for row in [1, 64, 65, 200] {
            selection.add(place(2, row));
        }
        selection.remove(place(2, 65));
        selection.remove(place(7, 1));
        assert!(selection.has(place(2, 64)) && !selection.has(place(2, 65)) && !selection.has(place(1, 1)));
        assert!(!selection.has(place(2, 100_000)) && !selection.has(place(9, 1)));
        assert!(selection.has_any(2, 199, 1) && !selection.has_any(2, 64, 135) && !selection.has_any(2, 200, 50));
    }

    #[test]
    fn a_reader_is_told_of_the_rows_within_its_group() {
        let mut selection = Selection::default();
        for row in [3, 11, 12, 15, 40] {
            selection.add(Place { input: 0, row });
        }
        // Rows 9 to 28 of the file, in a group that begins with row 6.
        let group = Group { place: 1, first: 8, skip: 3, rows: 20 };
        let (rows, selectors) = selection.of_group(0, group);
        assert_eq!(rows, [10, 11, 14]);
        let expected: Vec<RowSelector> =
            vec![RowSelector::skip(5), RowSelector::select(2), RowSelector::skip(2), RowSelector::select(1)];
        assert_eq!(Vec::<RowSelector>::from(selectors), expected);
    }
}
