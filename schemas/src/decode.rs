//! Bytes of a record to a value. The fast path is serde_json alone; only when that fails is the record read a second time
//! with its path tracked, so that a good record never pays for the error message of a bad one.

mod explain;
mod strict;

pub(crate) use strict::{object, variant};

use serde::de::DeserializeOwned;
use std::fmt;

/// Why a record cannot be read: a closed set, fit for a metric's label and a dead letter's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The record has no value (a tombstone) or no bytes.
    Empty,
    /// The bytes are not UTF-8.
    NotUtf8,
    /// The bytes are not JSON, or cut off, or go on after the value.
    NotJson,
    /// A field that must be there is absent or null.
    MissingField,
    /// A field is there with another type.
    WrongType,
    /// A field has the right type and a value that makes no sense, or is there twice.
    InvalidValue,
}

impl Cause {
    /// The cause as it stands in headers, logs and metric labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::Empty => "empty",
            Cause::NotUtf8 => "not_utf8",
            Cause::NotJson => "not_json",
            Cause::MissingField => "missing_field",
            Cause::WrongType => "wrong_type",
            Cause::InvalidValue => "invalid_value",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A record that cannot be read: the cause, and a message that names the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DecodeError {
    /// The closed-set cause.
    pub cause: Cause,
    /// The path of the field, such as `created_at` or `model.version`; empty when the whole record is at fault.
    pub field: String,
    /// One sentence that names the field and what is wrong with it; never any of the record's text.
    pub message: String,
}

impl DecodeError {
    pub(crate) fn new(cause: Cause, field: &str, message: impl Into<String>) -> Self {
        Self { cause, field: field.to_owned(), message: message.into() }
    }

    pub(crate) fn missing(field: &str) -> Self {
        Self::new(Cause::MissingField, field, format!("field `{field}` is missing"))
    }

    pub(crate) fn invalid(field: &str, reason: impl fmt::Display) -> Self {
        Self::new(Cause::InvalidValue, field, format!("field `{field}` {reason}"))
    }
}

/// Reads one JSON record.
pub(crate) fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    // The whole record is checked, fields that are ignored included: serde_json would check only the strings that it keeps.
    let text = simdutf8::compat::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        DecodeError::new(Cause::NotUtf8, "", format!("the record is not UTF-8 at byte {at}"))
    })?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    object(&mut deserializer)
        .and_then(|record| deserializer.end().map(|()| record))
        .map_err(|_| explain::explain::<T>(text))
}
