//! Rows to examples: which rows can be learned from or tested on, and why the others can't.

use feature_store::offline::{Field, Row};
use model::Document;
use schemas::{Label, Timestamp};
use std::collections::BTreeMap;

/// A row with a text and a label.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Example<'a> {
    pub(crate) document: Document<'a>,
    pub(crate) label: Label,
    pub(crate) created_at: Option<Timestamp>,
    /// Whether title or text hold U+FFFD in place of bytes that are not UTF-8.
    pub(crate) is_repaired: bool,
}

/// Why a row is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DropReason {
    /// The row could not be read at all, such as a broken line of JSON.
    UnreadableRow,
    /// There is a text, and it is none: an array, or bytes that are no UTF-8.
    UnreadableText,
    /// Text and title are absent or blank.
    NoText,
    /// There is a label that is neither class, such as 2 for neutral.
    UnreadableLabel,
    /// There is no label, and a rating that is no number from 1 to 5.
    UnreadableRating,
    /// There is no label, and a rating between positive and negative.
    NeutralRating,
    /// There is neither label nor rating.
    NoLabel,
}

impl DropReason {
    /// The key in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::UnreadableRow => "unreadable_row",
            Self::UnreadableText => "unreadable_text",
            Self::NoText => "no_text",
            Self::UnreadableLabel => "unreadable_label",
            Self::UnreadableRating => "unreadable_rating",
            Self::NeutralRating => "neutral_rating",
            Self::NoLabel => "no_label",
        }
    }
}

/// Reads a row as an example. What is wrong with its other fields doesn't matter here.
pub(crate) fn example(row: &Row) -> Result<Example<'_>, DropReason> {
    let has_problem = |field: Option<Field>| row.problems.iter().any(|problem| problem.field == field);
    if has_problem(None) {
        return Err(DropReason::UnreadableRow);
    }
    if row.text.is_none() && has_problem(Some(Field::Text)) {
        return Err(DropReason::UnreadableText);
    }
    let text = row.text.as_deref().unwrap_or_default();
    let title = row.title.as_deref();
    if text.trim().is_empty() && title.unwrap_or_default().trim().is_empty() {
        return Err(DropReason::NoText);
    }
    let label = match (row.label(), row.rating) {
        (Some(label), _) => label,
        _ if has_problem(Some(Field::Label)) => return Err(DropReason::UnreadableLabel),
        _ if has_problem(Some(Field::Rating)) => return Err(DropReason::UnreadableRating),
        (None, Some(_)) => return Err(DropReason::NeutralRating),
        (None, None) => return Err(DropReason::NoLabel),
    };
    // A problem of a field that has a value is that bytes of it were replaced.
    let is_repaired =
        title.is_some() && has_problem(Some(Field::Title)) || row.text.is_some() && has_problem(Some(Field::Text));
    Ok(Example {
        document: Document { title, text, features: &row.features },
        label,
        created_at: row.created_at,
        is_repaired,
    })
}

/// How many rows were left out, by reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Dropped(BTreeMap<DropReason, u64>);

impl Dropped {
    pub(crate) fn add(&mut self, reason: DropReason) {
        *self.0.entry(reason).or_default() += 1;
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (reason, count) in &other.0 {
            *self.0.entry(*reason).or_default() += count;
        }
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.values().sum()
    }

    pub(crate) fn by_name(&self) -> BTreeMap<String, u64> {
        self.0.iter().map(|(reason, count)| (reason.name().to_owned(), *count)).collect()
    }

    /// The end of a sentence that says there are too few rows.
    pub(crate) fn as_clause(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let part = |(reason, count): (&DropReason, &u64)| format!("{count} {}", reason.name().replace('_', " "));
        let parts: Vec<String> = self.0.iter().map(part).collect();
        format!("; rows left out: {}", parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use feature_store::offline::{RowPosition, RowProblem};
    use schemas::Rating;

    fn row() -> Row {
        Row {
            review_id: None,
            product_id: None,
            user_id: None,
            title: Some("Fine".to_owned()),
            text: Some("Works as it should.".to_owned()),
            rating: Rating::new(5.0),
            created_at: None,
            label: None,
            features: Vec::new(),
            extras: Vec::new(),
            problems: Vec::new(),
            position: RowPosition { file: 0, row: 1 },
        }
    }

    fn problem(field: Option<Field>) -> Vec<RowProblem> {
        vec![RowProblem { field, message: "is no good".to_owned() }]
    }

    fn reason(row: &Row) -> DropReason {
        example(row).err().unwrap()
    }

    #[test]
    fn the_label_column_wins_over_the_rating() {
        assert_eq!(example(&row()).unwrap().label, Label::Positive);
        assert_eq!(example(&Row { label: Some(Label::Negative), ..row() }).unwrap().label, Label::Negative);
    }

    #[test]
    fn every_reason_is_told_apart() {
        assert_eq!(reason(&Row { problems: problem(None), text: None, ..row() }), DropReason::UnreadableRow);
        assert_eq!(
            reason(&Row { problems: problem(Some(Field::Text)), text: None, ..row() }),
            DropReason::UnreadableText
        );
        assert_eq!(reason(&Row { title: None, text: Some(" \n".to_owned()), ..row() }), DropReason::NoText);
        assert_eq!(reason(&Row { title: Some(" ".to_owned()), text: None, ..row() }), DropReason::NoText);
        assert_eq!(reason(&Row { problems: problem(Some(Field::Label)), ..row() }), DropReason::UnreadableLabel);
        let unrated = Row { rating: None, ..row() };
        assert_eq!(
            reason(&Row { problems: problem(Some(Field::Rating)), ..unrated.clone() }),
            DropReason::UnreadableRating
        );
        assert_eq!(reason(&Row { rating: Rating::new(3.0), ..row() }), DropReason::NeutralRating);
        assert_eq!(reason(&unrated), DropReason::NoLabel);
    }

    #[test]
    fn a_title_alone_is_an_example() {
        let row = Row { text: None, ..row() };
        assert_eq!(example(&row).unwrap().document, Document { title: Some("Fine"), text: "", features: &[] });
    }

    #[test]
    fn a_problem_elsewhere_or_repaired_text_costs_no_row() {
        assert!(!example(&Row { problems: problem(Some(Field::CreatedAt)), ..row() }).unwrap().is_repaired);
        assert!(example(&Row { problems: problem(Some(Field::Text)), ..row() }).unwrap().is_repaired);
        assert!(example(&Row { problems: problem(Some(Field::Title)), ..row() }).unwrap().is_repaired);
        let no_title = Row { problems: problem(Some(Field::Title)), title: None, ..row() };
        assert!(!example(&no_title).unwrap().is_repaired, "a title that is an array is none");
        assert!(
            example(&Row { problems: problem(Some(Field::Rating)), label: Some(Label::Positive), ..row() }).is_ok()
        );
    }
}
