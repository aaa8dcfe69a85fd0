//! One column of a batch of Arrow, as cells: text in any of Arrow's layouts, numbers of any width, booleans, times of any unit,
//! dates, and dictionaries of these.

use super::cell::Cell;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, BinaryArray, BooleanArray, LargeStringArray, StringArray, StringViewArray};
use arrow_schema::{DataType, TimeUnit};
use std::borrow::Cow;

/// One column of a batch, in the few shapes that cells come from.
pub(crate) enum Column {
    Null,
    Utf8(StringArray),
    LargeUtf8(LargeStringArray),
    Utf8View(StringViewArray),
    /// Bytes that older writers mean as text.
    Binary(BinaryArray),
    Boolean(BooleanArray),
    Integers(Vec<Option<i64>>),
    Numbers(Vec<Option<f64>>),
    /// Epoch milliseconds; the inner none is a moment that is out of range.
    Moments(Vec<Option<Option<i64>>>),
    Dictionary {
        keys: Vec<Option<usize>>,
        values: Box<Column>,
    },
}

/// Whether [`Column::of`] knows the type.
pub(crate) fn is_usable(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, values) => is_usable(values),
        DataType::Null | DataType::Boolean => true,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Binary => true,
        DataType::Float32 | DataType::Float64 | DataType::Decimal128(_, _) => true,
        DataType::Timestamp(_, _) | DataType::Date32 | DataType::Date64 => true,
        kind => kind.is_integer(),
    }
}

/// Whether each value of the type is a number or none.
pub(super) fn is_number(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, values) => is_number(values),
        DataType::Null | DataType::Boolean => true,
        DataType::Float32 | DataType::Float64 | DataType::Decimal128(_, _) => true,
        kind => kind.is_integer(),
    }
}

impl Column {
    pub(crate) fn of(array: &ArrayRef) -> Self {
        match array.data_type() {
            DataType::Utf8 => Column::Utf8(array.as_string().clone()),
            DataType::LargeUtf8 => Column::LargeUtf8(array.as_string().clone()),
            DataType::Utf8View => Column::Utf8View(array.as_string_view().clone()),
            DataType::Binary => Column::Binary(array.as_binary().clone()),
            DataType::Boolean => Column::Boolean(array.as_boolean().clone()),
            DataType::Int8 => integers::<Int8Type>(array),
            DataType::Int16 => integers::<Int16Type>(array),
            DataType::Int32 => integers::<Int32Type>(array),
            DataType::Int64 => integers::<Int64Type>(array),
            DataType::UInt8 => integers::<UInt8Type>(array),
            DataType::UInt16 => integers::<UInt16Type>(array),
            DataType::UInt32 => integers::<UInt32Type>(array),
            DataType::UInt64 => unsigned(array),
            DataType::Float32 => Column::Numbers(each::<Float32Type, _>(array, f64::from)),
            DataType::Float64 => Column::Numbers(each::<Float64Type, _>(array, |value| value)),
            DataType::Decimal128(_, scale) => {
                let unit = 10f64.powi(i32::from(*scale));
                Column::Numbers(each::<Decimal128Type, _>(array, |value| value as f64 / unit))
            }
            DataType::Date32 => moments::<Date32Type>(array, |days| i64::from(days).checked_mul(86_400_000)),
            DataType::Date64 => moments::<Date64Type>(array, Some),
            DataType::Timestamp(TimeUnit::Second, _) => {
                moments::<TimestampSecondType>(array, |seconds| seconds.checked_mul(1000))
            }
            DataType::Timestamp(TimeUnit::Millisecond, _) => moments::<TimestampMillisecondType>(array, Some),
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                moments::<TimestampMicrosecondType>(array, |micros| Some(micros.div_euclid(1000)))
            }
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                moments::<TimestampNanosecondType>(array, |nanos| Some(nanos.div_euclid(1_000_000)))
            }
            DataType::Dictionary(_, _) => dictionary(array),
            // `is_usable` has refused everything else at the opening.
            _ => Column::Null,
        }
    }

    pub(crate) fn cell(&self, row: usize) -> Cell<'_> {
        match self {
            Column::Null => Cell::Null,
            Column::Utf8(texts) if texts.is_valid(row) => Cell::Text(Cow::Borrowed(texts.value(row))),
            Column::LargeUtf8(texts) if texts.is_valid(row) => Cell::Text(Cow::Borrowed(texts.value(row))),
            Column::Utf8View(texts) if texts.is_valid(row) => Cell::Text(Cow::Borrowed(texts.value(row))),
            Column::Binary(texts) if texts.is_valid(row) => match String::from_utf8_lossy(texts.value(row)) {
                Cow::Borrowed(text) => Cell::Text(Cow::Borrowed(text)),
                Cow::Owned(text) => Cell::Repaired(text),
            },
            Column::Boolean(values) if values.is_valid(row) => Cell::Boolean(values.value(row)),
            Column::Utf8(_) | Column::LargeUtf8(_) | Column::Utf8View(_) | Column::Binary(_) | Column::Boolean(_) => {
                Cell::Null
            }
            Column::Integers(values) => values[row].map_or(Cell::Null, Cell::Integer),
            Column::Numbers(values) => values[row].map_or(Cell::Null, Cell::Number),
            Column::Moments(values) => values[row].map_or(Cell::Null, Cell::moment),
            Column::Dictionary { keys, values } => keys[row].map_or(Cell::Null, |key| values.cell(key)),
        }
    }
}

fn each<T: ArrowPrimitiveType, V>(array: &ArrayRef, convert: impl Fn(T::Native) -> V) -> Vec<Option<V>> {
    array.as_primitive::<T>().iter().map(|value| value.map(&convert)).collect()
}

fn integers<T: ArrowPrimitiveType>(array: &ArrayRef) -> Column
where
    i64: From<T::Native>,
{
    Column::Integers(each::<T, _>(array, i64::from))
}

/// Unsigned integers that i64 doesn't hold are kept as text, so that ids of 64 random bits stay exact.
fn unsigned(array: &ArrayRef) -> Column {
    let values = array.as_primitive::<UInt64Type>();
    if values.iter().flatten().all(|value| i64::try_from(value).is_ok()) {
        return Column::Integers(
            values.iter().map(|value| value.and_then(|value| i64::try_from(value).ok())).collect(),
        );
    }
    Column::Utf8(values.iter().map(|value| value.map(|value| value.to_string())).collect())
}

fn moments<T: ArrowPrimitiveType>(array: &ArrayRef, millis: impl Fn(T::Native) -> Option<i64>) -> Column {
    Column::Moments(each::<T, _>(array, millis))
}

fn dictionary(array: &ArrayRef) -> Column {
    let dictionary = array.as_any_dictionary();
    if dictionary.values().is_empty() {
        return Column::Null;
    }
    let keys = dictionary.normalized_keys().into_iter().enumerate();
    let keys = keys.map(|(row, key)| dictionary.keys().is_valid(row).then_some(key)).collect();
    Column::Dictionary { keys, values: Box::new(Column::of(dictionary.values())) }
}
