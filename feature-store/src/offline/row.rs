//! One row: our fields of it, as far as they can be read, and what could not be.

use super::Field;
use super::cell::Cell;
use crate::online::is_id;
use schemas::{Label, Rating, Timestamp};
use std::borrow::Cow;
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
    /// The values of the extra columns that were asked for, as text and in that order; a row that could not be read has none.
    pub extras: Vec<Option<String>>,
    /// What could not be read.
    pub problems: Vec<RowProblem>,
    /// Where the row stands.
    pub position: RowPosition,
}

impl Row {
    /// The class: what the column `label` says, else what follows from the rating. A label that is there but is neither
    /// class (such as 2 for neutral) is not overruled by the stars.
    pub fn label(&self) -> Option<Label> {
        label_of(self.label, self.rating, &self.problems)
    }
}

/// A row that borrows its texts from where the file was read to: what [`Row`] is made of where it is to be kept.
#[derive(Debug, Clone, PartialEq)]
pub struct RowRef<'a> {
    /// As [`Row::review_id`].
    pub review_id: Option<Cow<'a, str>>,
    /// As [`Row::product_id`].
    pub product_id: Option<Cow<'a, str>>,
    /// As [`Row::user_id`].
    pub user_id: Option<Cow<'a, str>>,
    /// As [`Row::title`].
    pub title: Option<Cow<'a, str>>,
    /// As [`Row::text`].
    pub text: Option<Cow<'a, str>>,
    /// As [`Row::rating`].
    pub rating: Option<Rating>,
    /// As [`Row::created_at`].
    pub created_at: Option<Timestamp>,
    /// As [`Row::label`](Row#structfield.label).
    pub label: Option<Label>,
    /// As [`Row::features`].
    pub features: Vec<f64>,
    /// The values of the extra columns that were asked for, as text and in that order.
    pub extras: Vec<Option<Cow<'a, str>>>,
    /// As [`Row::problems`].
    pub problems: Vec<RowProblem>,
    /// As [`Row::position`].
    pub position: RowPosition,
}

impl From<RowRef<'_>> for Row {
    fn from(row: RowRef<'_>) -> Self {
        let owned = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned);
        Self {
            review_id: owned(row.review_id),
            product_id: owned(row.product_id),
            user_id: owned(row.user_id),
            title: owned(row.title),
            text: owned(row.text),
            rating: row.rating,
            created_at: row.created_at,
            label: row.label,
            features: row.features,
            extras: row.extras.into_iter().map(owned).collect(),
            problems: row.problems,
            position: row.position,
        }
    }
}

impl<'a> RowRef<'a> {
    /// As [`Row::label`].
    pub fn label(&self) -> Option<Label> {
        label_of(self.label, self.rating, &self.problems)
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
            extras: Vec::new(),
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
    pub(super) fn set(&mut self, field: Field, cell: Cell<'a>) {
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

    fn id(&mut self, field: Field, cell: Cell<'a>) -> Option<Cow<'a, str>> {
        self.text(field, cell).filter(|id| is_id(id))
    }

    fn text(&mut self, field: Field, cell: Cell<'a>) -> Option<Cow<'a, str>> {
        if matches!(cell, Cell::Repaired(_)) {
            self.problem(field, "holds bytes that are not UTF-8, read as U+FFFD");
        }
        let text = cell.into_cow().map_err(str::to_owned);
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

/// A label that is there but is neither class is not overruled by the stars.
fn label_of(label: Option<Label>, rating: Option<Rating>, problems: &[RowProblem]) -> Option<Label> {
    if label.is_some() {
        return label;
    }
    let is_of_another_class = problems.iter().any(|problem| problem.field == Some(Field::Label));
    if is_of_another_class { None } else { rating.and_then(Rating::label) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row_of(cells: Vec<(Field, Cell<'_>)>) -> Row {
        let mut row = RowRef::new(RowPosition { file: 0, row: 1 });
        for (field, cell) in cells {
            row.set(field, cell);
        }
        row.into()
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
