//! The configuration after all layers: the values, and for each the layer that it comes from.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::error::{ConfigError, Layer};
use super::secret::masked;
use super::words::in_words;

/// The merged configuration, before it becomes the caller's struct.
#[derive(Debug, Clone)]
pub struct Effective {
    pub(super) table: Table,
    /// Dotted key -> layer, for the values that are not defaults.
    pub(super) origins: BTreeMap<String, Layer>,
}

impl Effective {
    /// The caller's struct. A value that it refuses is an error that names key and layer.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        serde_path_to_error::deserialize(Value::Table(self.table.clone())).map_err(|error| {
            let key = error.path().to_string();
            let reason = error.inner().to_string();
            // The text of a TOML error goes over several lines; the first says what is wrong.
            let reason = in_words(reason.lines().next().unwrap_or("not valid"));
            ConfigError::Invalid { layer: self.origin(&key), key, reason }
        })
    }

    /// The layer that decided the value of a dotted key: its own, that of the first changed key below it, or that of what it
    /// is a part of, such as an array.
    pub fn origin(&self, key: &str) -> Layer {
        let below = format!("{key}.");
        let first_below = || {
            let next = self.origins.range(below.clone()..).next();
            next.filter(|(name, _)| name.starts_with(&below)).map(|(_, layer)| layer)
        };
        let mut parts = std::iter::successors(Some(key), |part| part.rfind(['.', '[']).map(|end| &part[..end]));
        let found =
            self.origins.get(key).or_else(first_below).or_else(|| parts.find_map(|part| self.origins.get(part)));
        found.cloned().unwrap_or(Layer::Defaults)
    }

    /// The whole configuration as TOML, secrets masked; behind each value that is not a default stands its layer.
    pub fn render(&self) -> String {
        let mut text = String::new();
        self.render_table("", &self.table, &mut text);
        text
    }

    fn render_table(&self, path: &str, table: &Table, text: &mut String) {
        let (tables, values): (Vec<_>, Vec<_>) = table.iter().partition(|(_, value)| value.is_table());
        if !path.is_empty() && (!values.is_empty() || tables.is_empty()) {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&format!("[{path}]\n"));
        }
        for (name, value) in values {
            let key = join(path, name);
            text.push_str(&format!("{} = {}", quoted_if_needed(name), shown(&key, value)));
            if let Some(layer) = self.origins.get(&key) {
                text.push_str(&format!("  # {layer}"));
            }
            text.push('\n');
        }
        for (name, value) in tables {
            if let Value::Table(table) = value {
                self.render_table(&join(path, name), table, text);
            }
        }
    }
}

pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn quoted_if_needed(name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare { name.to_owned() } else { Value::String(name.to_owned()).to_string() }
}

fn shown(key: &str, value: &Value) -> String {
    match value {
        Value::String(text) => Value::String(masked(key, text).into_owned()).to_string(),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(|item| shown(key, item)).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}
