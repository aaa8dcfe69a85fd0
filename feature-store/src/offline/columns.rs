//! Our fields, and which column of somebody's file holds each. A field that nobody maps is looked for under its own name.

use super::OptionError;
use std::fmt;
use std::str::FromStr;

/// A field of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// The review's id.
    ReviewId,
    /// What is reviewed.
    ProductId,
    /// Who reviews.
    UserId,
    /// The headline.
    Title,
    /// The body: the one field without which a file is refused.
    Text,
    /// Stars, 1 to 5.
    Rating,
    /// When the review was written.
    CreatedAt,
    /// The class.
    Label,
}

impl Field {
    /// All fields, in the order of their declaration.
    pub const ALL: [Field; 8] = [
        Field::ReviewId,
        Field::ProductId,
        Field::UserId,
        Field::Title,
        Field::Text,
        Field::Rating,
        Field::CreatedAt,
        Field::Label,
    ];

    /// The name in options, and of the column where none is mapped.
    pub fn name(self) -> &'static str {
        match self {
            Field::ReviewId => "review_id",
            Field::ProductId => "product_id",
            Field::UserId => "user_id",
            Field::Title => "title",
            Field::Text => "text",
            Field::Rating => "rating",
            Field::CreatedAt => "created_at",
            Field::Label => "label",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Field {
    type Err = OptionError;
    fn from_str(text: &str) -> Result<Self, OptionError> {
        Self::ALL
            .into_iter()
            .find(|field| field.name() == text)
            .ok_or_else(|| OptionError::UnknownField { name: text.to_owned() })
    }
}

/// One `--column OURS=THEIRS`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnPair {
    /// Our field.
    pub field: Field,
    /// The column of their file.
    pub column: String,
}

impl FromStr for ColumnPair {
    type Err = OptionError;
    fn from_str(text: &str) -> Result<Self, OptionError> {
        match text.split_once('=') {
            Some((ours, theirs)) if !theirs.trim().is_empty() => {
                Ok(Self { field: ours.trim().parse()?, column: theirs.trim().to_owned() })
            }
            _ => Err(OptionError::NoColumnPair { text: text.to_owned() }),
        }
    }
}

/// Which column holds each field. The default: each field in the column of its own name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    mapped: Vec<ColumnPair>,
}

impl Columns {
    /// The column that holds a field.
    pub fn column_of(&self, field: Field) -> &str {
        self.mapped_column(field).unwrap_or(field.name())
    }

    /// The fields that somebody has mapped, with their columns.
    pub fn mapped(&self) -> impl Iterator<Item = (Field, &str)> {
        self.mapped.iter().map(|pair| (pair.field, pair.column.as_str()))
    }

    /// The first two pairs for one field, where there are two.
    pub(super) fn mapped_twice(&self) -> Option<[&ColumnPair; 2]> {
        self.mapped.iter().enumerate().find_map(|(place, pair)| {
            let earlier = self.mapped[..place].iter().find(|earlier| earlier.field == pair.field)?;
            Some([earlier, pair])
        })
    }

    /// The column that somebody asked for: absent from a file, it is an error.
    pub(super) fn mapped_column(&self, field: Field) -> Option<&str> {
        self.mapped.iter().find(|pair| pair.field == field).map(|pair| pair.column.as_str())
    }
}

impl FromIterator<ColumnPair> for Columns {
    /// Of several pairs for one field none can be right: files are refused with them.
    fn from_iter<I: IntoIterator<Item = ColumnPair>>(pairs: I) -> Self {
        Self { mapped: pairs.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_names_our_field_and_their_column() {
        let pair: ColumnPair = "rating=stars = 10".parse().unwrap();
        assert_eq!(pair, ColumnPair { field: Field::Rating, column: "stars = 10".to_owned() });
    }

    #[test]
    fn an_unknown_field_is_refused_with_the_list_of_ours() {
        let error = "stars=rating".parse::<ColumnPair>().unwrap_err().to_string();
        assert!(error.contains("`stars`"), "{error}");
        assert!(Field::ALL.iter().all(|field| error.contains(field.name())), "{error}");
    }

    #[test]
    fn a_pair_without_a_column_is_refused() {
        for text in ["rating", "rating=", "rating= ", ""] {
            let error = text.parse::<ColumnPair>().unwrap_err().to_string();
            assert!(error.contains("rating=stars"), "{error}");
        }
    }

    #[test]
    fn a_field_has_the_column_of_its_pair_and_others_keep_their_names() {
        let columns: Columns = ["rating=a", "label=a"].map(|pair| pair.parse().unwrap()).into_iter().collect();
        assert_eq!(columns.column_of(Field::Rating), "a");
        assert_eq!(columns.column_of(Field::Text), "text");
        assert_eq!(columns.mapped_twice(), None);
    }
}
