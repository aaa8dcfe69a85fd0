//! The log of a model: who moved which alias, and who wrote what beside which version. What follows from the lines is
//! computed here: what each alias stands for and stood for before, and which version was deleted.

use crate::{Alias, Verdict};
use schemas::{ModelVersion, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogEntry {
    /// The line's number, counted from 1 without a gap.
    pub sequence: u64,
    /// What was done.
    #[serde(flatten)]
    pub action: Action,
    /// The version that it was done with; for an alias, the one that it stands for from here on.
    pub version: ModelVersion,
    /// Who did it.
    pub who: String,
    /// Their reason.
    pub why: String,
    /// When, by the writer's clock; the order of the lines is that of `sequence`.
    pub at: Timestamp,
}

impl LogEntry {
    /// The alias that was moved, if one was.
    pub fn alias(&self) -> Option<&Alias> {
        match &self.action {
            Action::Set { alias, .. } | Action::Rollback { alias, .. } => Some(alias),
            _ => None,
        }
    }

    /// The version that the alias stood for until here, if any.
    pub fn previous(&self) -> Option<ModelVersion> {
        match self.action {
            Action::Set { previous, .. } | Action::Rollback { previous, .. } => previous,
            _ => None,
        }
    }
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "lowercase")]
pub enum Action {
    /// An alias was moved to a version of somebody's choice.
    Set {
        /// The alias.
        alias: Alias,
        /// The version that it stood for until here, if any.
        previous: Option<ModelVersion>,
        /// The comparison that the choice stands on, where there was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        verdict: Option<Box<Verdict>>,
    },
    /// An alias was moved back to the version before.
    Rollback {
        /// The alias.
        alias: Alias,
        /// The version that it stood for until here.
        previous: Option<ModelVersion>,
    },
    /// A version was given a tag, or lost it.
    Tag {
        /// The tag.
        key: String,
        /// Its value from here on; without one the tag is gone.
        value: Option<String>,
    },
    /// A version was described.
    Describe {
        /// In these words, which take the place of earlier ones.
        text: String,
    },
    /// A version was deleted.
    Delete,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Set { .. } => "set",
            Self::Rollback { .. } => "rollback",
            Self::Tag { .. } => "tag",
            Self::Describe { .. } => "describe",
            Self::Delete => "delete",
        })
    }
}

/// How an alias has come to stand for a version.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// The line that says so.
    pub entry: LogEntry,
    /// Whether it is new; otherwise the alias stood for that version before.
    pub is_new: bool,
}

/// What every alias stands for after the lines of a log.
///
/// Each alias has a stack: setting it pushes a version, rolling back takes one off. So after v1, v2, v3 two rollbacks lead to
/// v1 and a third is refused; and after v1, v2, rollback, v3 a rollback leads to v1, never to the v2 that was rolled back. A
/// version that was deleted is in no stack.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Aliases(BTreeMap<Alias, Vec<ModelVersion>>);

impl Aliases {
    pub(crate) fn after(entries: &[LogEntry]) -> Self {
        let mut stacks: BTreeMap<Alias, Vec<ModelVersion>> = BTreeMap::new();
        for entry in entries {
            if entry.action == Action::Delete {
                stacks.values_mut().for_each(|stack| without(stack, entry.version));
            }
            let Some(alias) = entry.alias() else { continue };
            let stack = stacks.entry(alias.clone()).or_default();
            if matches!(entry.action, Action::Rollback { .. }) {
                stack.pop();
            }
            // Setting an alias to what it is leaves no step to undo. A rollback finds its version on top already.
            if stack.last() != Some(&entry.version) {
                stack.push(entry.version);
            }
        }
        Self(stacks)
    }

    pub(crate) fn current(&self, alias: &Alias) -> Option<ModelVersion> {
        self.0.get(alias)?.last().copied()
    }

    /// Where a rollback leads.
    pub(crate) fn before(&self, alias: &Alias) -> Option<ModelVersion> {
        let [.., before, _current] = self.0.get(alias)?.as_slice() else { return None };
        Some(*before)
    }

    /// An alias that stands for the version.
    pub(crate) fn of(&self, version: ModelVersion) -> Option<&Alias> {
        self.0.iter().find(|(_, stack)| stack.last() == Some(&version)).map(|(alias, _)| alias)
    }

    pub(crate) fn into_current(self) -> BTreeMap<Alias, ModelVersion> {
        self.0.into_iter().filter_map(|(alias, stack)| Some((alias, *stack.last()?))).collect()
    }
}

/// Takes a version out of a stack; what stood on both sides of it is one step.
fn without(stack: &mut Vec<ModelVersion>, version: ModelVersion) {
    stack.retain(|other| *other != version);
    stack.dedup();
}

/// The line that deleted a version, if one did.
pub(crate) fn deletion(entries: &[LogEntry], version: ModelVersion) -> Option<&LogEntry> {
    entries.iter().find(|entry| entry.version == version && entry.action == Action::Delete)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn production() -> Alias {
        "production".parse().unwrap()
    }

    fn line(sequence: u64, action: Action, version: u64) -> LogEntry {
        let (who, at) = ("a test".into(), Timestamp::now());
        LogEntry { sequence, action, version: ModelVersion(version), who, why: String::new(), at }
    }

    fn set(alias: &str, version: u64) -> LogEntry {
        line(1, Action::Set { alias: alias.parse().unwrap(), previous: None, verdict: None }, version)
    }

    /// Plays `moves` (a version to set, or 0 for a rollback) and answers the current version after each.
    fn play(moves: &[u64]) -> Vec<Option<u64>> {
        let mut entries: Vec<LogEntry> = Vec::new();
        let mut answers = Vec::new();
        for &number in moves {
            let aliases = Aliases::after(&entries);
            let (alias, previous) = (production(), aliases.current(&production()));
            let (action, version) = match number {
                0 => (Action::Rollback { alias, previous }, aliases.before(&production())),
                _ => (Action::Set { alias, previous, verdict: None }, Some(ModelVersion(number))),
            };
            answers.push(version.map(|version| version.0));
            let Some(version) = version else { continue };
            entries.push(line(entries.len() as u64 + 1, action, version.0));
            assert_eq!(Aliases::after(&entries).current(&production()), Some(version));
        }
        answers
    }

    #[test]
    fn rolling_back_twice_goes_two_steps_back_and_ends_at_the_first() {
        assert_eq!(play(&[1, 2, 3, 0, 0, 0]), [Some(1), Some(2), Some(3), Some(2), Some(1), None]);
    }

    #[test]
    fn a_version_that_was_rolled_back_is_not_returned_to() {
        assert_eq!(play(&[1, 2, 0, 3, 0]), [Some(1), Some(2), Some(1), Some(3), Some(1)]);
    }

    #[test]
    fn setting_an_alias_to_what_it_is_leaves_no_step() {
        assert_eq!(play(&[1, 2, 2, 2, 0]), [Some(1), Some(2), Some(2), Some(2), Some(1)]);
    }

    #[test]
    fn a_version_may_return_by_choice() {
        assert_eq!(play(&[1, 2, 1, 0, 0]), [Some(1), Some(2), Some(1), Some(2), Some(1)]);
    }

    #[test]
    fn aliases_have_histories_of_their_own() {
        let aliases = Aliases::after(&[set("canary", 1), set("production", 2), set("canary", 3)]);
        assert_eq!(aliases.before(&"canary".parse().unwrap()), Some(ModelVersion(1)));
        assert_eq!(aliases.before(&production()), None);
        assert_eq!(aliases.into_current().into_values().collect::<Vec<_>>(), [ModelVersion(3), ModelVersion(2)]);
    }
    #[test]
    fn a_rollback_skips_what_was_deleted() {
        let moves = [1, 2, 1, 3].map(|version| set("production", version));
        let delete = |version| line(5, Action::Delete, version);
        let before = |deleted: &[u64]| {
            let lines: Vec<_> = moves.iter().cloned().chain(deleted.iter().map(|version| delete(*version))).collect();
            Aliases::after(&lines).before(&production()).map(|version| version.0)
        };
        assert_eq!((before(&[]), before(&[2]), before(&[1]), before(&[1, 2])), (Some(1), Some(1), Some(2), None));
        assert_eq!(Aliases::after(&moves).of(ModelVersion(3)), Some(&production()));
        assert_eq!(Aliases::after(&moves).of(ModelVersion(1)), None);
    }

    #[test]
    fn a_line_is_read_as_it_was_always_written() {
        let text = r#"{"sequence": 2, "action": "set", "alias": "production", "version": "v2", "previous": "v1",
            "who": "ann", "why": "+2 %", "at": "2026-05-01T10:00:00.000Z"}"#;
        let entry: LogEntry = serde_json::from_str(text).unwrap();
        assert_eq!((entry.alias(), entry.previous()), (Some(&production()), Some(ModelVersion(1))));
        assert_eq!(serde_json::to_value(&entry).unwrap(), serde_json::from_str::<serde_json::Value>(text).unwrap());
        let tag = line(3, Action::Tag { key: "team".into(), value: Some("search".into()) }, 2);
        let read: LogEntry = serde_json::from_value(serde_json::to_value(&tag).unwrap()).unwrap();
        assert_eq!(read, tag);
    }
}
