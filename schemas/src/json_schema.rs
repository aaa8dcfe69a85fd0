//! The JSON Schema (2020-12) of each record type: what producers may write. It is made from the types, so it follows them; the
//! copies in `json/` are for people and for other languages. The decoder reads a little more than the schema admits, such as
//! a time without a zone.

use crate::{Alert, Feedback, ModelState, Prediction, Review};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

/// The name and the schema of every record type.
pub fn json_schema() -> Vec<(&'static str, Schema)> {
    vec![
        ("review", schema_of::<Review>("review")),
        ("prediction", schema_of::<Prediction>("prediction")),
        ("feedback", schema_of::<Feedback>("feedback")),
        ("alert", schema_of::<Alert>("alert")),
        ("modelstate", schema_of::<ModelState>("modelstate")),
    ]
}

/// Version 1 of a schema; a change that old records do not fit makes it another version, with golden files of its own.
fn schema_of<T: JsonSchema>(name: &str) -> Schema {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    schema.insert("$id".to_owned(), format!("plaudit:{name}:1").into());
    schema
}
