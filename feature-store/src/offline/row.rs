//! One row: our fields of it, as far as they can be read, and what could not be.

use super::Field;
use super::cell::Cell;
use schemas::{Label, Rating, Timestamp};
use std::fmt;

/// Where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowPosition {
    /// The file's place among the paths that were given, from 0.
    pub file: usize,
    /// The row's number from 1: rows of Parquet, records of CSV after its header, lines of JSON Lines with blank ones counted.
    pub row: u64,
}

/// What is wrong with a row. The other fields of the row are as good as any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowProblem {
    /// The field at fault; none when the whole row is, and then the row has no values.
    pub field: Option<Field>,
    /// One clause that names the field; of its value only a number is ever repeated.
    pub message: String,
}

impl fmt::Display for RowProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// A row of a file. A field is none where the file has no such column, no value in it, or none that can be read; the last
/// leaves a problem.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The review's id; never blank.
    pub review_id: Option<String>,
    /// What is reviewed; never blank.
    pub product_id: Option<String>,
    /// Who reviews; never blank.
    pub user_id: Option<String>,
    /// The headline.
    pub title: Option<String>,
    /// The body.
    pub text: Option<String>,
    /// Stars.
    pub rating: Option<Rating>,
    /// When the review was written.
    pub created_at: Option<Timestamp>,
    /// What the column `label` says; see [`Row::label`].
    pub label: Option<Label>,
    /// The values of the features that were asked for, in that order; NaN where the row has none.
    pub features: Vec<f64>,
    /// What could not be read.
    pub problems: Vec<RowProblem>,
    /// Where the row stands.
    pub position: RowPosition,
}

impl Row {
    /// The class: what the column `label` says, else what follows from the rating. A label that is there but is neither
    /// class (such as 2 for neutral) is not overruled by the stars.
    pub fn label(&self) -> Option<Label> {
        if self.label.is_some() {
            return self.label;
        }
        let is_of_another_class = self.problems.iter().any(|problem| problem.field == Some(Field::Label));
        if is_of_another_class { None } else { self.rating.and_then(Rating::label) }
    }

    pub(super) fn new(position: RowPosition) -> Self {
        Self {
            review_id: None,
            product_id: None,
            user_id: None,
            title: None,
            text: None,
            rating: None,
            created_at: None,
            label: None,
            features: Vec::new(),
            problems: Vec::new(),
            position,
        }
    }

    /// A row that could not be read at all.
    pub(super) fn broken(position: RowPosition, message: impl Into<String>) -> Self {
        let mut row = Self::new(position);
        row.problems.push(RowProblem { field: None, message: message.into() });
        row
    }

    /// Reads one field from a cell.
    pub(super) fn set(&mut self, field: Field, cell: Cell<'_>) {
        match field {
            Field::ReviewId => self.review_id = self.id(field, cell),
            Field::ProductId => self.product_id = self.id(field, cell),
            Field::UserId => self.user_id = self.id(field, cell),
            Field::Title => self.title = self.text(field, cell),
            Field::Text => self.text = self.text(field, cell),
            Field::Rating => {
                let rating = cell.into_rating();
                self.rating = self.keep(field, "a number from 1 to 5", rating);
            }
            Field::CreatedAt => {
                let created_at = cell.into_timestamp();
                self.created_at = self.keep(field, "RFC 3339, a date or epoch milliseconds", created_at);
            }
            Field::Label => {
                let label = cell.into_label();
                self.label = self.keep(field, "0 or 1, neg or pos, negative or positive, false or true", label);
            }
        }
    }

    fn id(&mut self, field: Field, cell: Cell<'_>) -> Option<String> {
        self.text(field, cell).filter(|id| !id.trim().is_empty())
    }

    fn text(&mut self, field: Field, cell: Cell<'_>) -> Option<String> {
        if matches!(cell, Cell::Repaired(_)) {
            self.problem(field, "holds bytes that are not UTF-8, read as U+FFFD");
        }
        let text = cell.into_text().map_err(str::to_owned);
        self.keep(field, "a text", text)
    }

    fn keep<T>(&mut self, field: Field, expected: &str, value: Result<Option<T>, String>) -> Option<T> {
        value.unwrap_or_else(|found| {
            self.problem(field, &format!("is {found}, expected {expected}"));
            None
        })
    }

    fn problem(&mut self, field: Field, what: &str) {
        self.problems.push(RowProblem { field: Some(field), message: format!("field `{field}` {what}") });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row_of(cells: Vec<(Field, Cell<'_>)>) -> Row {
        let mut row = Row::new(RowPosition { file: 0, row: 1 });
        for (field, cell) in cells {
            row.set(field, cell);
        }
        row
    }

    #[test]
    fn the_label_column_wins_over_the_stars() {
        let row = row_of(vec![(Field::Label, Cell::Integer(0)), (Field::Rating, Cell::Integer(5))]);
        assert_eq!(row.label(), Some(Label::Negative));
    }

    #[test]
    fn the_stars_speak_where_there_is_no_label() {
        let row = row_of(vec![(Field::Label, Cell::Null), (Field::Rating, Cell::Integer(5))]);
        assert_eq!(row.label(), Some(Label::Positive));
        assert!(row.problems.is_empty());
    }

    #[test]
    fn a_neutral_label_is_not_overruled_by_the_stars() {
        let row = row_of(vec![(Field::Label, Cell::Integer(2)), (Field::Rating, Cell::Integer(5))]);
        assert_eq!(row.label(), None);
        assert_eq!(row.problems[0].field, Some(Field::Label));
        assert!(row.problems[0].message.starts_with("field `label` is 2, expected 0 or 1"));
    }

    #[test]
    fn a_blank_id_is_none() {
        let row = row_of(vec![(Field::ReviewId, Cell::Text(" ".into())), (Field::Text, Cell::Text("".into()))]);
        assert_eq!((row.review_id, row.text), (None, Some(String::new())));
        assert!(row.problems.is_empty());
    }

    #[test]
    fn a_problem_never_repeats_a_persons_words() {
        let row = row_of(vec![
            (Field::Rating, Cell::Text("secret words".into())),
            (Field::CreatedAt, Cell::Text("secret words".into())),
            (Field::Label, Cell::Text("secret words".into())),
            (Field::Title, Cell::Unfit("an array")),
        ]);
        assert_eq!(row.problems.len(), 4);
        assert!(row.problems.iter().all(|problem| !problem.message.contains("secret")), "{:?}", row.problems);
    }
}
