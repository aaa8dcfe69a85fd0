//! Merging of layers. The defaults give the keys and their types; each later layer is checked against them before it
//! is laid on top, so that an error can name the layer that holds it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::effective::{Effective, join};
use super::error::{ConfigError, Layer};

/// What a configuration is made of, weakest layer first.
#[derive(Debug, Clone, Copy, Default)]
pub struct Layers<'a> {
    /// TOML text with every key and its default.
    pub defaults: &'a str,
    /// Dotted names of tables that take any key; their values become strings, and nested tables in them dotted keys.
    pub open_tables: &'a [&'a str],
    /// Dotted names of tables of which only the caller's struct knows the shape. A layer that gives the table replaces it; one
    /// that gives a key below it sets that key.
    pub free_tables: &'a [&'a str],
    /// Settings that are known to go well together.
    pub preset: Option<Preset<'a>>,
    /// A TOML file that holds some of the keys.
    pub file: Option<&'a Path>,
    /// `APP` in `APP__SECTION__KEY`.
    pub environment_prefix: &'a str,
    /// Variables by name; those without the prefix are passed over. See [`environment`].
    ///
    /// Names are matched without regard to case. In open tables the rest of the name is the key, with a dot for each `_`
    /// or `__`: `APP__KAFKA__PROPERTIES__SASL_PASSWORD` sets `sasl.password`. A property whose own name holds an underscore
    /// or an upper-case letter can be set by file or flag only.
    pub environment: &'a [(String, String)],
    /// Dotted keys and their values from flags.
    pub overrides: &'a [(String, Value)],
}

/// Some of the keys, with values that go well together.
#[derive(Debug, Clone, Copy)]
pub struct Preset<'a> {
    /// What people know it by.
    pub name: &'a str,
    /// TOML text.
    pub settings: &'a str,
}

/// Merges the layers and makes the caller's struct of them.
pub fn load<T: DeserializeOwned>(layers: &Layers<'_>) -> Result<T, ConfigError> {
    merge(layers)?.parse()
}

/// The variables of this process that begin with `PREFIX__`. Those that are not UTF-8 are left out.
pub fn environment(prefix: &str) -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| below_prefix(name, prefix).is_some())
        .collect()
}

/// Parses `section.key=value` as given to a flag such as `--set`. The value is TOML where it reads as TOML, else a
/// string: `scorer.threads=2`, `kafka.brokers=broker:9092`.
pub fn parse_override(text: &str) -> Result<(String, Value), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("`{text}` has no `=`; write section.key=value"))?;
    let (key, value) = (key.trim(), value.trim());
    if key.is_empty() {
        return Err(format!("`{text}` has no key before `=`; write section.key=value"));
    }
    Ok((key.to_owned(), toml_value(value).unwrap_or_else(|| Value::String(value.to_owned()))))
}

/// Merges the layers; [`Effective::parse`] makes a struct of the result, [`Effective::render`] a text.
pub fn merge(layers: &Layers<'_>) -> Result<Effective, ConfigError> {
    let defaults = parse_table(layers.defaults, &Layer::Defaults)?;
    let mut merge = Merge {
        known: Known { defaults: &defaults, open_tables: layers.open_tables, free_tables: layers.free_tables },
        table: defaults.clone(),
        origins: BTreeMap::new(),
    };
    if let Some(Preset { name, settings }) = layers.preset {
        let layer = Layer::Preset(name.to_owned());
        let table = parse_table(settings, &layer)?;
        merge.lay_table("", &table, &layer)?;
    }
    if let Some(path) = layers.file {
        let layer = Layer::File(path.to_owned());
        let table = parse_table(&read(path)?, &layer)?;
        merge.lay_table("", &table, &layer)?;
    }
    for (name, value) in layers.environment {
        if let Some(key) = below_prefix(name, layers.environment_prefix) {
            merge.lay_variable(name, &key, value)?;
        }
    }
    for (key, value) in layers.overrides {
        merge.lay_value(key, value, &Layer::CommandLine)?;
    }
    Ok(Effective { table: merge.table, origins: merge.origins })
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|error| {
        let reason = match error.kind() {
            std::io::ErrorKind::NotFound => "it does not exist".to_owned(),
            std::io::ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
            _ => error.to_string(),
        };
        ConfigError::Unreadable { path: path.to_owned(), reason }
    })
}

fn parse_table(text: &str, layer: &Layer) -> Result<Table, ConfigError> {
    text.parse::<Table>().map_err(|error| {
        let place = error.span().map_or_else(String::new, |span| {
            let before = &text[..span.start.min(text.len())];
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
            format!("line {line}, column {column}: ")
        });
        let reason = error.message().lines().collect::<Vec<_>>().join(", ");
        ConfigError::Syntax { layer: layer.clone(), reason: format!("{place}{reason}") }
    })
}

/// `APP__KAFKA__BROKERS` -> `kafka.brokers`.
fn below_prefix(name: &str, prefix: &str) -> Option<String> {
    let (head, rest) = name.split_once("__")?;
    (head.eq_ignore_ascii_case(prefix) && !rest.is_empty()).then(|| rest.to_ascii_lowercase().replace("__", "."))
}

/// Reads a lone TOML value such as `3`, `true` or `["a", "b"]`.
fn toml_value(text: &str) -> Option<Value> {
    let mut table = format!("value = {text}").parse::<Table>().ok()?;
    // A line break would smuggle in further keys.
    if table.len() == 1 { table.remove("value") } else { None }
}

/// The keys that may be set.
struct Known<'a> {
    defaults: &'a Table,
    open_tables: &'a [&'a str],
    free_tables: &'a [&'a str],
}

impl Known<'_> {
    fn default_of(&self, key: &str) -> Option<&Value> {
        let mut names = key.split('.');
        let mut value = self.defaults.get(names.next()?)?;
        for name in names {
            value = value.as_table()?.get(name)?;
        }
        Some(value)
    }

    /// The open table that holds this key, and the key's name in it.
    fn open<'k>(&self, key: &'k str) -> Option<(&str, &'k str)> {
        self.open_tables.iter().find_map(|table| Some((*table, key.strip_prefix(table)?.strip_prefix('.')?)))
    }

    /// Whether the key is a free table, or below one.
    fn is_free(&self, key: &str) -> bool {
        let rest = |table: &&str| key.strip_prefix(*table);
        self.free_tables.iter().filter_map(rest).any(|rest| rest.is_empty() || rest.starts_with('.'))
    }

    fn nearest(&self, key: &str) -> Option<String> {
        let mut keys = Vec::new();
        dotted_keys("", self.defaults, &mut keys);
        let name = last_name(key);
        let distance_of = |known: &str| {
            let whole = strsim::damerau_levenshtein(known, key);
            // The right name in the wrong section is near too.
            let elsewhere = 1 + strsim::damerau_levenshtein(last_name(known), name);
            whole.min(elsewhere)
        };
        let (distance, nearest) = keys.into_iter().map(|known| (distance_of(&known), known)).min()?;
        (distance <= (name.chars().count() / 3).max(2)).then_some(nearest)
    }
}

fn dotted_keys(path: &str, table: &Table, keys: &mut Vec<String>) {
    for (name, value) in table {
        let key = join(path, name);
        if let Value::Table(table) = value {
            dotted_keys(&key, table, keys);
        }
        keys.push(key);
    }
}

fn last_name(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

struct Merge<'a> {
    known: Known<'a>,
    table: Table,
    origins: BTreeMap<String, Layer>,
}

impl Merge<'_> {
    fn lay_table(&mut self, path: &str, table: &Table, layer: &Layer) -> Result<(), ConfigError> {
        table.iter().try_for_each(|(name, value)| self.lay_value(&join(path, name), value, layer))
    }

    fn lay_value(&mut self, key: &str, value: &Value, layer: &Layer) -> Result<(), ConfigError> {
        if let Some((table, name)) = self.known.open(key) {
            let (table, name) = (table.to_owned(), name.to_owned());
            return self.lay_open(&table, &name, value, layer);
        }
        if self.known.is_free(key) {
            return self.lay_free(key, value.clone(), layer);
        }
        let Some(default) = self.known.default_of(key) else { return Err(self.unknown(key, layer)) };
        match (default, value) {
            (Value::Table(_), Value::Table(table)) => self.lay_table(key, table, layer),
            (default, value) => {
                let value = coerce(default, value).ok_or_else(|| wrong_type(key, layer, default, type_of(value)))?;
                self.put(key, value, layer);
                Ok(())
            }
        }
    }

    fn lay_open(&mut self, table: &str, name: &str, value: &Value, layer: &Layer) -> Result<(), ConfigError> {
        let text = match value {
            Value::Table(nested) => {
                return nested
                    .iter()
                    .try_for_each(|(rest, value)| self.lay_open(table, &join(name, rest), value, layer));
            }
            Value::Array(_) => {
                let key = join(table, name);
                let found = type_of(value).to_owned();
                return Err(ConfigError::WrongType { key, layer: layer.clone(), expected: "a string", found });
            }
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let mut target = &mut self.table;
        for part in table.split('.') {
            let Some(next) = target.get_mut(part).and_then(Value::as_table_mut) else {
                return Err(self.unknown(&join(table, name), layer));
            };
            target = next;
        }
        target.insert(name.to_owned(), Value::String(text));
        self.origins.insert(join(table, name), layer.clone());
        Ok(())
    }

    fn lay_variable(&mut self, variable: &str, key: &str, text: &str) -> Result<(), ConfigError> {
        let layer = Layer::Variable(variable.to_owned());
        if let Some((table, name)) = self.known.open(key) {
            let (table, name) = (table.to_owned(), name.replace('_', "."));
            return self.lay_open(&table, &name, &Value::String(text.to_owned()), &layer);
        }
        if self.known.is_free(key) {
            let value = toml_value(text.trim()).unwrap_or_else(|| Value::String(text.to_owned()));
            return self.lay_free(key, value, &layer);
        }
        let Some(default) = self.known.default_of(key) else { return Err(self.unknown(key, &layer)) };
        let value = match default {
            Value::String(_) => Some(Value::String(text.to_owned())),
            Value::Table(_) => None,
            _ => toml_value(text.trim()).and_then(|value| coerce(default, &value)),
        };
        match value {
            Some(value) => {
                self.put(key, value, &layer);
                Ok(())
            }
            None => Err(wrong_type(key, &layer, default, &format!("`{text}`"))),
        }
    }

    /// Sets a free table, or a key below one, whose tables are made as it needs them.
    fn lay_free(&mut self, key: &str, value: Value, layer: &Layer) -> Result<(), ConfigError> {
        let below = format!("{key}.");
        self.origins.retain(|known, _| !known.starts_with(&below));
        let (tables, name) = key.rsplit_once('.').unwrap_or(("", key));
        let mut table = &mut self.table;
        for part in tables.split('.').filter(|part| !part.is_empty()) {
            let next = table.entry(part).or_insert_with(|| Value::Table(Table::new()));
            table = next.as_table_mut().ok_or_else(|| ConfigError::UnknownKey {
                key: key.to_owned(),
                layer: layer.clone(),
                nearest: None,
            })?;
        }
        table.insert(name.to_owned(), value);
        self.origins.insert(key.to_owned(), layer.clone());
        Ok(())
    }

    /// Sets a key that the defaults hold.
    fn put(&mut self, key: &str, value: Value, layer: &Layer) {
        let mut names = key.split('.').peekable();
        let mut table = &mut self.table;
        while let Some(name) = names.next() {
            if names.peek().is_none() {
                table.insert(name.to_owned(), value);
                self.origins.insert(key.to_owned(), layer.clone());
                return;
            }
            table = table
                .get_mut(name)
                .and_then(Value::as_table_mut)
                .expect("a key of the defaults leads through tables, and no layer replaces a table by a value");
        }
    }

    fn unknown(&self, key: &str, layer: &Layer) -> ConfigError {
        ConfigError::UnknownKey { key: key.to_owned(), layer: layer.clone(), nearest: self.known.nearest(key) }
    }
}

/// The value in the default's type, where that loses nothing.
fn coerce(default: &Value, value: &Value) -> Option<Value> {
    match (default, value) {
        #[expect(clippy::cast_precision_loss, reason = "a whole number written for a fraction is small")]
        (Value::Float(_), Value::Integer(whole)) => Some(Value::Float(*whole as f64)),
        (Value::Array(defaults), Value::Array(values)) => match defaults.first() {
            Some(first) => {
                values.iter().map(|value| coerce(first, value)).collect::<Option<Vec<_>>>().map(Value::Array)
            }
            None => Some(value.clone()),
        },
        _ => default.same_type(value).then(|| value.clone()),
    }
}

fn wrong_type(key: &str, layer: &Layer, default: &Value, found: &str) -> ConfigError {
    let expected = match default {
        Value::Array(items) if items.first().is_some_and(Value::is_str) => "an array of strings",
        _ => type_of(default),
    };
    ConfigError::WrongType { key: key.to_owned(), layer: layer.clone(), expected, found: found.to_owned() }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a string",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "an array",
        Value::Table(_) => "a table",
    }
}
