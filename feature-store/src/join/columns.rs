//! Columns of a batch as the join needs them: keys of ids, moments in milliseconds, numbers. They mean what the readers of
//! `offline` mean by them, so that one file has one meaning in every verb.

use super::key::{Key, Keys};
use crate::offline::cell::Cell;
use crate::offline::column::Column;
use crate::views::{EventSource, value_of_label};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use schemas::Rating;

/// The keys of a column of ids; none for no id.
pub(super) fn keys(array: &ArrayRef, keys: Keys) -> Vec<Option<Key>> {
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().iter().map(|id| id.and_then(|id| keys.of(id))).collect(),
        DataType::LargeUtf8 => array.as_string::<i64>().iter().map(|id| id.and_then(|id| keys.of(id))).collect(),
        DataType::Utf8View => array.as_string_view().iter().map(|id| id.and_then(|id| keys.of(id))).collect(),
        DataType::Dictionary(_, _) => {
            let dictionary = array.as_any_dictionary();
            if dictionary.values().is_empty() {
                return vec![None; array.len()];
            }
            let of_values = self::keys(dictionary.values(), keys);
            let places = dictionary.normalized_keys().into_iter().enumerate();
            places.map(|(row, place)| of_values[place].filter(|_| dictionary.keys().is_valid(row))).collect()
        }
        _ => {
            let column = Column::of(array);
            let id = |row| column.cell(row).into_text().ok().flatten();
            (0..array.len()).map(|row| keys.of(&id(row)?)).collect()
        }
    }
}

/// The moments of a column in epoch milliseconds; none for no time, and for what is none.
pub(super) fn moments(array: &ArrayRef) -> Vec<Option<i64>> {
    let column = Column::of(array);
    let moment = |row| column.cell(row).into_timestamp().ok().flatten().map(|moment| moment.epoch_millis());
    (0..array.len()).map(moment).collect()
}

/// What the events of a column say; none for no rating or label, and for what is none.
pub(super) fn values(array: &ArrayRef, source: EventSource) -> Vec<Option<f64>> {
    let column = Column::of(array);
    let value = |row| match source {
        EventSource::Reviews => column.cell(row).into_rating().ok().flatten().map(Rating::stars),
        EventSource::Feedback => column.cell(row).into_label().ok().flatten().map(value_of_label),
    };
    (0..array.len()).map(value).collect()
}

/// What a feature's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Integer,
    Number,
    Boolean,
}

impl Kind {
    /// What a column of features holds; none where it holds no features.
    pub(super) fn of(kind: &DataType) -> Option<Self> {
        match kind {
            DataType::Boolean => Some(Self::Boolean),
            DataType::Float32 | DataType::Float64 | DataType::Decimal128(_, _) | DataType::Null => Some(Self::Number),
            kind if kind.is_integer() => Some(Self::Integer),
            _ => None,
        }
    }

    /// What one feature holds whose files differ: pandas makes doubles of whole numbers with gaps.
    pub(super) fn together(self, other: Self) -> Option<Self> {
        match (self, other) {
            (one, other) if one == other => Some(one),
            (Self::Boolean, _) | (_, Self::Boolean) => None,
            _ => Some(Self::Number),
        }
    }

    /// The type in the output.
    pub(super) fn data_type(self) -> DataType {
        match self {
            Self::Integer => DataType::Int64,
            Self::Number => DataType::Float64,
            Self::Boolean => DataType::Boolean,
        }
    }
}

/// The values of a feature in a batch, eight bytes each.
pub(super) struct Values {
    column: Column,
    kind: Kind,
}

impl Values {
    /// Reads a column as values of one kind.
    pub(super) fn of(array: &ArrayRef, kind: Kind) -> Self {
        Self { column: Column::of(array), kind }
    }

    /// The bits of a value; none for no value. An error is a whole number too large for 63 bits.
    pub(super) fn bits(&self, row: usize) -> Result<Option<u64>, NoFit> {
        Ok(match (self.column.cell(row), self.kind) {
            (Cell::Null, _) => None,
            (Cell::Integer(value), Kind::Number) => Some((value as f64).to_bits()),
            (Cell::Integer(value), _) => Some(value.cast_unsigned()),
            (Cell::Number(value), _) => Some(value.to_bits()),
            (Cell::Boolean(value), _) => Some(u64::from(value)),
            // Unsigned integers above 63 bits are text to the reader.
            _ => return Err(NoFit),
        })
    }
}

/// A value that eight bytes of its kind cannot hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct NoFit;
