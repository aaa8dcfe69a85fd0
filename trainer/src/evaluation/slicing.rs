//! By what rows are put together, and where a row belongs.

use feature_store::offline::{Field, Row};
use std::fmt;
use std::str::FromStr;

/// By what rows are put together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SliceBy {
    /// By the product.
    Product,
    /// By the month of created_at, in UTC.
    Month,
    /// By the length of title and text together, in characters.
    Length,
    /// By the stars.
    Rating,
    /// By the values of a column.
    Column(String),
}

/// More slices of one kind than these are no slices, and would take the memory that they please.
pub(crate) const MAX_SLICES: usize = 100_000;

/// Lengths up to these, each included, are put together.
const LENGTHS: [usize; 7] = [25, 50, 100, 200, 500, 1000, 2000];

impl SliceBy {
    /// The column that must be read for it, where no field of ours holds what it needs.
    pub(crate) fn extra_column(&self) -> Option<&str> {
        if let Self::Column(name) = self { Some(name) } else { None }
    }

    /// The field that it needs.
    pub(crate) fn field(&self) -> Option<Field> {
        match self {
            Self::Product => Some(Field::ProductId),
            Self::Month => Some(Field::CreatedAt),
            Self::Rating => Some(Field::Rating),
            Self::Length | Self::Column(_) => None,
        }
    }

    /// Where a row belongs; `extra` is the value of the column, for those by column.
    pub(crate) fn key(&self, row: &Row, extra: Option<&str>) -> Key {
        let text = |text: Option<&str>| text.map_or(Key::None, |text| Key::Text(text.to_owned()));
        match self {
            Self::Product => text(row.product_id.as_deref()),
            Self::Column(_) => text(extra.filter(|value| !value.trim().is_empty())),
            Self::Month => row.created_at.map_or(Key::None, |time| {
                // 2024-05 of 2024-05-01T10:00:00.000Z.
                Key::Text(time.to_string().chars().take(7).collect())
            }),
            Self::Rating => row.rating.map_or(Key::None, |rating| Key::Number((rating.stars() * 100.0).round() as u64)),
            Self::Length => {
                let texts = [row.title.as_deref(), row.text.as_deref()];
                let length: usize = texts.into_iter().flatten().map(|text| text.chars().count()).sum();
                Key::Number(LENGTHS.partition_point(|&most| most < length) as u64)
            }
        }
    }

    /// The name of a slice.
    pub(crate) fn name(&self, key: &Key) -> String {
        match (key, self) {
            (Key::None, _) => "(none)".to_owned(),
            (Key::Text(text), _) => text.clone(),
            (Key::Number(bucket), Self::Length) => {
                let bucket = *bucket as usize;
                let least = if bucket == 0 { 0 } else { LENGTHS[bucket - 1] + 1 };
                match LENGTHS.get(bucket) {
                    Some(most) => format!("{least} to {most}"),
                    None => format!("{least} or more"),
                }
            }
            (Key::Number(hundredths), _) => (*hundredths as f64 / 100.0).to_string(),
        }
    }

    /// Whether slices have an order of their own; others come by their rows, the most first.
    pub(super) fn is_ordered(&self) -> bool {
        matches!(self, Self::Month | Self::Length | Self::Rating)
    }
}

/// What the rows of a slice have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Key {
    Number(u64),
    Text(String),
    None,
}

impl FromStr for SliceBy {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text.trim() {
            "" => return Err("give category, product_id, month, length, rating or the name of a column".to_owned()),
            "product_id" => Self::Product,
            "month" => Self::Month,
            "length" => Self::Length,
            "rating" => Self::Rating,
            column => Self::Column(column.to_owned()),
        })
    }
}

impl fmt::Display for SliceBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Product => "product_id",
            Self::Month => "month",
            Self::Length => "length",
            Self::Rating => "rating",
            Self::Column(name) => name,
        })
    }
}

impl serde::Serialize for SliceBy {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
