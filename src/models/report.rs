//! What `plaudit models` prints.

use crate::output::Table;
use registry::mlflow::Synced;
use registry::{Alias, LogEntry, Manifest, Notes};
use schemas::{ModelName, ModelVersion};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// Every version of a model.
#[derive(Serialize)]
pub struct Versions {
    name: ModelName,
    #[serde(skip)]
    registry: String,
    versions: Vec<Version>,
}

impl Versions {
    pub fn new(
        name: ModelName,
        registry: String,
        manifests: Vec<Manifest>,
        aliases: &BTreeMap<Alias, ModelVersion>,
        mut notes: BTreeMap<ModelVersion, Notes>,
    ) -> Self {
        let of = |manifest: Manifest| {
            let notes = notes.remove(&manifest.version).unwrap_or_default();
            Version::new(manifest, aliases, notes)
        };
        let versions = manifests.into_iter().map(of).collect();
        Self { name, registry, versions }
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.versions.is_empty() {
            let Self { name, registry, .. } = self;
            return write!(f, "no versions of \"{name}\" in {registry}; `plaudit train --input FILE` makes one");
        }
        let mut table = Table::new(["VERSION", "ALIASES", "CREATED", "ROWS", "ACCURACY", "F1", "ROC AUC", "SIZE"]);
        for version in &self.versions {
            let Manifest { run, created_at, size_bytes, .. } = &version.manifest;
            let metric = |name| run.metrics.get(name).and_then(Value::as_f64);
            let shown = |name| metric(name).map_or_else(|| "-".to_owned(), rounded);
            table.row([
                version.manifest.version.to_string(),
                version.aliases(),
                created_at.to_string(),
                run.data.as_ref().map_or_else(|| "-".to_owned(), |data| data.rows.to_string()),
                shown("accuracy"),
                shown("f1"),
                shown("roc_auc"),
                mebibytes(*size_bytes),
            ]);
        }
        table.fmt(f)
    }
}

/// One version, and the aliases that stand for it.
#[derive(Serialize)]
pub struct Version {
    #[serde(flatten)]
    manifest: Manifest,
    aliases: Vec<Alias>,
    #[serde(flatten)]
    notes: Notes,
}

impl Version {
    pub fn new(manifest: Manifest, aliases: &BTreeMap<Alias, ModelVersion>, notes: Notes) -> Self {
        let stands_for_it =
            |(alias, version): (&Alias, &ModelVersion)| (*version == manifest.version).then(|| alias.clone());
        let aliases = aliases.iter().filter_map(stands_for_it).collect();
        Self { manifest, aliases, notes }
    }

    fn aliases(&self) -> String {
        self.aliases.iter().map(Alias::as_str).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Manifest { name, version, sha256, size_bytes, created_at, run } = &self.manifest;
        let mut table = Table::new([name.as_str(), &version.to_string()]);
        let mut row = |key: &str, value: String| table.row([format!("  {key}"), value]);
        row("aliases", if self.aliases.is_empty() { "none".to_owned() } else { self.aliases() });
        if let Some(text) = &self.notes.description {
            row("description", on_one_line(text));
        }
        for (tag, value) in &self.notes.tags {
            row(&format!("tag {tag}"), on_one_line(value));
        }
        row("created", created_at.to_string());
        row("trained by", run.library_version.clone());
        row("size", mebibytes(*size_bytes));
        row("sha256", sha256.clone());
        if let Some(data) = &run.data {
            row("files", data.paths.join(", "));
            row("rows", format!("{} ({} positive, {} negative)", data.rows, data.positives, data.negatives));
            row("schema sha256", data.schema_sha256.clone());
            if let (Some(first), Some(last)) = (data.first_created_at, data.last_created_at) {
                row("time span", format!("{first} to {last}"));
            }
        }
        if !run.features.is_empty() {
            row("features", run.features.join(", "));
        }
        for (key, value) in &run.metrics {
            let fraction = value.as_f64().filter(|_| value.is_f64());
            row(key, fraction.map_or_else(|| value.to_string(), rounded));
        }
        for (key, value) in &run.parameters {
            row(key, value.to_string());
        }
        for (stage, seconds) in &run.seconds {
            row(&format!("{stage} seconds"), format!("{seconds:.3}"));
        }
        table.fmt(f)
    }
}

/// An alias that was moved, or was where it should be.
#[derive(Serialize)]
pub struct Moved {
    pub name: ModelName,
    #[serde(flatten)]
    pub entry: LogEntry,
    /// False where it stood for the version before, by an earlier line of the log.
    pub moved: bool,
}

impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LogEntry { version, at, who, .. } = &self.entry;
        let (alias, previous) = (self.entry.alias().map_or("", Alias::as_str), self.entry.previous());
        if !self.moved {
            let who = on_one_line(who);
            return write!(f, "{alias} of \"{}\" is {version} already, since {at} by {who}: nothing to do", self.name);
        }
        let before = previous.map_or_else(|| "unset".to_owned(), |previous| previous.to_string());
        write!(f, "{alias} of \"{}\" is {version} now, it was {before}", self.name)
    }
}

/// What people wrote beside a version.
#[derive(Serialize)]
pub struct Noted {
    pub name: ModelName,
    pub version: ModelVersion,
    #[serde(flatten)]
    pub notes: Notes,
}

impl fmt::Display for Noted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new([self.name.as_str(), &self.version.to_string()]);
        if let Some(text) = &self.notes.description {
            table.row(["  description".to_owned(), on_one_line(text)]);
        }
        for (tag, value) in &self.notes.tags {
            table.row([format!("  tag {tag}"), on_one_line(value)]);
        }
        table.fmt(f)
    }
}

/// A version that is no more.
#[derive(Serialize)]
pub struct Deleted {
    pub name: ModelName,
    #[serde(flatten)]
    pub entry: LogEntry,
    /// False where it had been deleted before.
    pub deleted: bool,
}

impl fmt::Display for Deleted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LogEntry { version, at, who, .. } = &self.entry;
        if self.deleted {
            write!(f, "{version} of \"{}\" is deleted", self.name)
        } else {
            write!(f, "{version} of \"{}\" was deleted at {at} by {}: nothing to do", self.name, on_one_line(who))
        }
    }
}

/// The registry and MLflow, brought together.
#[derive(Serialize)]
pub struct InStep {
    pub name: ModelName,
    pub url: String,
    #[serde(flatten)]
    pub synced: Synced,
}

impl fmt::Display for InStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, url, synced: Synced { sent, pushed, adopted } } = self;
        let listed = |what: &str, names: Vec<String>| {
            if names.is_empty() { None } else { Some(format!("{what} {}", names.join(", "))) }
        };
        let done: Vec<String> = [
            listed("sent", sent.iter().map(ModelVersion::to_string).collect()),
            listed("told MLflow of", pushed.iter().map(Alias::to_string).collect()),
            listed("took over", adopted.iter().map(Alias::to_string).collect()),
        ]
        .into_iter()
        .flatten()
        .collect();
        let done = if done.is_empty() { "it lacked nothing".to_owned() } else { done.join("; ") };
        write!(f, "\"{name}\" is in step with MLflow at {url}: {done}")
    }
}

/// What people wrote may hold line breaks and control characters, which a table and a terminal must not see.
pub fn on_one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A metric as people read it; its last digits are in the JSON.
fn rounded(value: f64) -> String {
    format!("{value:.4}")
}

pub fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / (1 << 20) as f64)
}
