//! The checked-in JSON Schemas are those of the types.

use serde_json::Value;
use std::path::PathBuf;
use std::{env, fs};

/// Set to write the files in place of comparing them.
const UPDATE: &str = "PLAUDIT_UPDATE_SCHEMAS";

fn file_of(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("json").join(format!("{name}.schema.json"))
}

#[test]
fn the_checked_in_schemas_are_those_of_the_types() {
    let mut files = Vec::new();
    for (name, schema) in schemas::json_schema() {
        let file = file_of(name);
        if env::var_os(UPDATE).is_some() {
            fs::write(&file, format!("{:#}\n", schema.as_value())).unwrap();
        }
        let checked_in = fs::read(&file).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        assert!(
            checked_in.as_ref() == Some(schema.as_value()),
            "{} is not the schema of the type: run `{UPDATE}=1 cargo test -p schemas --test json_schema`",
            file.display()
        );
        files.push(file);
    }
    for entry in fs::read_dir(file_of("any").with_file_name("")).unwrap() {
        let file = entry.unwrap().path();
        assert!(files.contains(&file), "{} is the schema of no type: delete it", file.display());
    }
}

#[test]
fn each_schema_says_what_it_is() {
    for (name, schema) in schemas::json_schema() {
        let text = |key: &str| schema.get(key).and_then(Value::as_str);
        assert_eq!(text("$schema"), Some("https://json-schema.org/draft/2020-12/schema"));
        assert_eq!(text("$id"), Some(format!("plaudit:{name}:1").as_str()));
        assert_eq!(text("title").map(str::to_lowercase).as_deref(), Some(name));
    }
}

#[test]
fn what_must_be_there_is_required() {
    let required = |wanted: &str| {
        let (_, schema) = schemas::json_schema().into_iter().find(|(name, _)| *name == wanted).unwrap();
        let names = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut names: Vec<String> = names.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        names.sort();
        names.join(" ")
    };
    assert_eq!(required("review"), "created_at review_id text");
    assert_eq!(required("feedback"), "created_at label origin review_id");
    assert_eq!(required("alert"), "message monitor since statistic threshold value window");
    assert_eq!(
        required("prediction"),
        "confidence created_at features_status model probability review_id scored_at sentiment source"
    );
}
