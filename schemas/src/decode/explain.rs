//! Why a record did not decode: reads it again, slowly, with its path tracked. The message names the field, what is there and
//! what was expected; it never holds a value of the record, nor a key that the record made up, since both may be a
//! person's words.

use super::{Cause, DecodeError, strict};
use serde::de::value::Error as NoValue;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment, Track};

/// Says what is wrong with a record that did not decode as `T`.
pub(super) fn explain<T: DeserializeOwned>(text: &str) -> DecodeError {
    if text.trim().is_empty() {
        return DecodeError::new(Cause::Empty, "", "the record is empty");
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let mut track = Track::new();
    let error = match strict::object::<_, T>(serde_path_to_error::Deserializer::new(&mut json, &mut track)) {
        Err(error) => error,
        // The value itself reads well, so bytes follow it.
        Ok(_) => return DecodeError::new(Cause::NotJson, "", "the record has bytes after its JSON value"),
    };
    let field = field_at(&track.path(), fields_of::<T>(), error.classify());
    let message = error.to_string();
    match error.classify() {
        Category::Data => explain_value(&field, without_position(&message)),
        // JSON has no bounds on numbers, so this is no fault of syntax, though serde_json files it there.
        _ if message.starts_with("number out of range") => {
            DecodeError::invalid(&field, "is a number too large for 64 bits of floating point")
        }
        // These messages are serde_json's own fixed sentences with line and column.
        Category::Eof => DecodeError::new(Cause::NotJson, &field, format!("{} is cut off: {message}", place(&field))),
        _ => DecodeError::new(Cause::NotJson, &field, format!("{} is not valid JSON: {message}", place(&field))),
    }
}

/// Well-formed JSON that is not the record. serde gives sentences, of a few known forms, that quote the offending value:
/// the type that was found and the expectation are kept.
fn explain_value(field: &str, message: &str) -> DecodeError {
    let within = |name: &str| if field.is_empty() { name.to_owned() } else { format!("{field}.{name}") };
    let quoted = |prefix: &str| message.strip_prefix(prefix).and_then(|rest| rest.strip_suffix('`'));
    if let Some(name) = quoted("missing field `") {
        return DecodeError::missing(&within(name));
    }
    if let Some(name) = quoted("duplicate field `") {
        return DecodeError::invalid(&within(name), "is there twice");
    }
    // The last one is ours: the value stands before it.
    let expected = message.rsplit_once("expected ").map_or("another value", |(_, expected)| in_json_words(expected));
    let (cause, found) = if let Some(found) = message.strip_prefix("invalid type: ") {
        match json_type(found) {
            "null" if !field.is_empty() => (Cause::MissingField, "null".to_owned()),
            "null" => (Cause::WrongType, "null".to_owned()),
            found => (Cause::WrongType, format!("{} {found}", article(found))),
        }
    } else if let Some(found) = message.strip_prefix("invalid value: ") {
        (Cause::InvalidValue, format!("an unfit {}", json_type(found)))
    } else if message.starts_with("unknown variant ") {
        (Cause::InvalidValue, "an unfit string".to_owned())
    } else {
        (Cause::InvalidValue, "an unfit value".to_owned())
    };
    DecodeError::new(cause, field, format!("{} is {found}, expected {expected}", place(field)))
}

fn place(field: &str) -> String {
    if field.is_empty() { "the record".to_owned() } else { format!("field `{field}`") }
}

fn without_position(message: &str) -> &str {
    message.rsplit_once(" at line ").map_or(message, |(message, _)| message)
}

/// serde's name for what it found, in the words of JSON.
fn json_type(found: &str) -> &'static str {
    let types = [
        ("string", "string"),
        ("integer", "number"),
        ("floating point", "number"),
        ("boolean", "boolean"),
        ("null", "null"),
        ("sequence", "array"),
        ("map", "object"),
    ];
    types.iter().find(|(serde_name, _)| found.starts_with(serde_name)).map_or("value", |(_, json_name)| json_name)
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

/// What serde expected, where it speaks of Rust's types, in the words of JSON.
fn in_json_words(expected: &str) -> &str {
    match expected {
        "u64" => "a whole number from 0 that fits 64 bits",
        "i64" => "a whole number that fits 64 bits",
        "i32" => "a whole number that fits 32 bits",
        "f64" => "a number",
        "a map" => "an object",
        _ if expected.starts_with("struct ") => "an object",
        _ => expected,
    }
}

/// The path of the field at fault, as far as it may be shown: to the first key that is not a field of the record type. Below
/// that, a key of a well-formed record is a field of a nested type or the name of a feature; what broken JSON holds as a key
/// may be anything.
fn field_at(path: &Path, fields: &[&str], category: Category) -> String {
    let names = path.iter().map_while(|segment| match segment {
        Segment::Map { key } => Some(key.as_str()),
        _ => None,
    });
    let depth = if category == Category::Data { usize::MAX } else { 1 };
    let may_be_shown =
        |(i, name): &(usize, &str)| if *i == 0 { fields.contains(name) } else { looks_like_a_name(name) };
    let shown: Vec<&str> = names.take(depth).enumerate().take_while(may_be_shown).map(|(_, name)| name).collect();
    shown.join(".")
}

fn looks_like_a_name(key: &str) -> bool {
    (1..=64).contains(&key.len())
        && key.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'.' | b':'))
}

/// The fields that a record type knows, asked of its own `Deserialize`.
fn fields_of<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut fields: &'static [&'static str] = &[];
    // It is always an error, since there is no value: the question is what the type asks for.
    let _ = T::deserialize(FieldNames(&mut fields));
    fields
}

/// A deserializer without a value that notes which fields are asked for.
struct FieldNames<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for FieldNames<'_> {
    type Error = NoValue;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NoValue> {
        *self.0 = fields;
        self.deserialize_any(visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NoValue> {
        Err(NoValue::custom("there is no value"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
