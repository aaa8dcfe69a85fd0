//! What `plaudit models log` prints: the lines of the log, or what an alias stood for and when.

use super::report::on_one_line;
use crate::output::Table;
use registry::{Action, Alias, LogEntry, Tenure, tenures};
use schemas::{ModelName, Timestamp};
use serde::Serialize;
use std::fmt;

/// The log of a model, or of one of its aliases.
#[derive(Serialize)]
pub struct History {
    name: ModelName,
    #[serde(skip_serializing_if = "Option::is_none")]
    alias: Option<Alias>,
    entries: Entries,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Entries {
    All(Vec<LogEntry>),
    Of(Vec<Tenure>),
}

impl History {
    pub fn new(name: ModelName, entries: Vec<LogEntry>, alias: Option<&Alias>) -> Self {
        let entries = match alias {
            Some(alias) => Entries::Of(tenures(&entries, alias)),
            None => Entries::All(entries),
        };
        Self { name, alias: alias.cloned(), entries }
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.entries {
            Entries::All(entries) if entries.is_empty() => {
                write!(f, "the log of \"{}\" has no line yet; `plaudit models promote VERSION` writes one", self.name)
            }
            Entries::Of(tenures) if tenures.is_empty() => {
                let alias = self.alias.as_ref().map_or("the alias", Alias::as_str);
                write!(
                    f,
                    "{alias} of \"{}\" was never set; `plaudit models promote VERSION --to {alias}` sets it",
                    self.name
                )
            }
            Entries::All(entries) => {
                let mut table = Table::new(["#", "AT", "ALIAS", "FROM", "TO", "ACTION", "WHO", "WHY"]);
                for entry in entries {
                    table.row([
                        entry.sequence.to_string(),
                        entry.at.to_string(),
                        entry.alias().map_or_else(|| "-".to_owned(), Alias::to_string),
                        entry.previous().map_or_else(|| "-".to_owned(), |previous| previous.to_string()),
                        entry.version.to_string(),
                        what(entry),
                        on_one_line(&entry.who),
                        on_one_line(&entry.why),
                    ]);
                }
                table.fmt(f)
            }
            Entries::Of(tenures) => {
                let mut table = Table::new(["VERSION", "SINCE", "UNTIL", "ACTION", "WHO", "WHY"]);
                for Tenure { entry, until } in tenures {
                    table.row([
                        entry.version.to_string(),
                        entry.at.to_string(),
                        until.map_or_else(|| "now".to_owned(), |until| until.to_string()),
                        what(entry),
                        on_one_line(&entry.who),
                        on_one_line(&entry.why),
                    ]);
                }
                table.fmt(f)
            }
        }
    }
}

/// The action with what it was about.
fn what(entry: &LogEntry) -> String {
    match &entry.action {
        Action::Tag { key, value: Some(value) } => on_one_line(&format!("tag {key}={value}")),
        Action::Tag { key, value: None } => format!("tag {key}-"),
        Action::Set { verdict: Some(verdict), .. } if verdict.forced => "set (forced)".to_owned(),
        Action::Set { verdict: Some(_), .. } => "set (gates held)".to_owned(),
        action => action.to_string(),
    }
}

/// What an alias stood for at a time.
#[derive(Serialize)]
pub struct Moment {
    pub name: ModelName,
    pub alias: Alias,
    /// The time that was asked about.
    #[serde(rename = "asked")]
    pub at: Timestamp,
    /// `null` where it stood for nothing yet.
    pub tenure: Option<Tenure>,
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, alias, at, tenure } = self;
        let Some(Tenure { entry, until }) = tenure else {
            return write!(f, "{alias} of \"{name}\" stood for no version at {at}");
        };
        let LogEntry { version, at: since, who, why, .. } = entry;
        let until = until.map_or_else(|| "and still is".to_owned(), |until| format!("until {until}"));
        let why = if why.is_empty() { String::new() } else { format!(": {}", on_one_line(why)) };
        write!(f, "{alias} of \"{name}\" was {version} at {at}, since {since} by {}{why}, {until}", on_one_line(who))
    }
}
