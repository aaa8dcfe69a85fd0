//! What a row of a view looks like in a hash, whoever wrote it: its fields, and reading them.

use super::reply::{Value as Stored, Values as Fields};
use crate::online::feast::{self, Value};
use crate::views::{Feature, View};
use schemas::Timestamp;

/// Something stands there, and it is no row.
pub(super) struct Undecodable;

/// The names of a view's fields: its features, then the event time.
pub(super) fn fields(view: &View) -> Vec<Vec<u8>> {
    let field = |feature: &Feature| feast::feature_field(view.name(), feature.name()).to_vec();
    let event_time = feast::event_time_field(view.name()).into_bytes();
    view.features().iter().map(field).chain([event_time]).collect()
}

/// Reads a view's row from the values of its fields, the next ones of the reply, into `values`, with NaN where there is none;
/// answers the time of the latest event, or none when there is no row, or one that holds nothing but Feast's nulls.
pub(super) fn decode(
    view: &View,
    fields: &mut Fields<'_>,
    values: &mut Vec<f64>,
) -> Result<Option<Timestamp>, Undecodable> {
    let (mut is_empty, mut has_value, mut is_decodable) = (true, false, true);
    values.clear();
    for _ in view.features() {
        let field = fields.next().unwrap_or(Stored::Nil);
        is_empty &= field == Stored::Nil;
        let value = value(field).unwrap_or_else(|Undecodable| {
            is_decodable = false;
            None
        });
        has_value |= value.is_some();
        values.push(value.unwrap_or(f64::NAN));
    }
    let event_time = match fields.next() {
        // The time of a row is written with it: without one, whatever else is there is not ours nor Feast's.
        Some(Stored::Nil) if is_empty => return Ok(None),
        Some(Stored::Bytes(bytes)) if is_decodable => feast::decode_timestamp(bytes).ok_or(Undecodable)?,
        _ => return Err(Undecodable),
    };
    Ok(has_value.then_some(event_time))
}

/// A number of any of Feast's types; none where the field is absent or null.
fn value(field: Stored<'_>) -> Result<Option<f64>, Undecodable> {
    let bytes = match field {
        Stored::Nil => return Ok(None),
        Stored::Bytes(bytes) => bytes,
        _ => return Err(Undecodable),
    };
    let number = match Value::decode(bytes).ok_or(Undecodable)? {
        Value::Null => return Ok(None),
        Value::Int32(number) => f64::from(number),
        Value::Int64(number) => number as f64,
        Value::Float(number) => f64::from(number),
        Value::Double(number) => number,
        Value::Bool(boolean) => f64::from(u8::from(boolean)),
        Value::String(_) | Value::Int64List(_) | Value::FloatList(_) => return Err(Undecodable),
    };
    if number.is_finite() { Ok(Some(number)) } else { Err(Undecodable) }
}
