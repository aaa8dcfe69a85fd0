//! The log of who moved which alias, and what follows from it: what each alias stands for, and what it stood for before.

use crate::Alias;
use schemas::{ModelVersion, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// The line's number, counted from 1 without a gap.
    pub sequence: u64,
    /// Forward or back.
    pub action: Action,
    /// The alias that was moved.
    pub alias: Alias,
    /// The version that it stands for from here on.
    pub version: ModelVersion,
    /// The version that it stood for until here, if any.
    pub previous: Option<ModelVersion>,
    /// Who did it.
    pub who: String,
    /// Their reason.
    pub why: String,
    /// When, by the writer's clock; the order of the lines is that of `sequence`.
    pub at: Timestamp,
}

/// How an alias has come to stand for a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The line that says so.
    pub entry: LogEntry,
    /// Whether it is new; otherwise the alias stood for that version before.
    pub is_new: bool,
}

/// Whether an alias was moved to a version of somebody's choice, or back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// To a version of somebody's choice.
    Set,
    /// Back to the version before.
    Rollback,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Set => "set",
            Self::Rollback => "rollback",
        })
    }
}

/// What every alias stands for after the lines of a log.
///
/// Each alias has a stack: setting it pushes a version, rolling back takes one off. So after v1, v2, v3 two rollbacks lead to
/// v1 and a third is refused; and after v1, v2, rollback, v3 a rollback leads to v1, never to the v2 that was rolled back.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Aliases(BTreeMap<Alias, Vec<ModelVersion>>);

impl Aliases {
    pub(crate) fn after(entries: &[LogEntry]) -> Self {
        let mut stacks: BTreeMap<Alias, Vec<ModelVersion>> = BTreeMap::new();
        for entry in entries {
            let stack = stacks.entry(entry.alias.clone()).or_default();
            if entry.action == Action::Rollback {
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

    pub(crate) fn into_current(self) -> BTreeMap<Alias, ModelVersion> {
        self.0.into_iter().filter_map(|(alias, stack)| Some((alias, *stack.last()?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn production() -> Alias {
        "production".parse().unwrap()
    }

    /// Plays `moves` (a version to set, or 0 for a rollback) and answers the current version after each.
    fn play(moves: &[u64]) -> Vec<Option<u64>> {
        let mut entries: Vec<LogEntry> = Vec::new();
        let mut answers = Vec::new();
        for &number in moves {
            let aliases = Aliases::after(&entries);
            let (action, version) = match number {
                0 => (Action::Rollback, aliases.before(&production())),
                _ => (Action::Set, Some(ModelVersion(number))),
            };
            answers.push(version.map(|version| version.0));
            let Some(version) = version else { continue };
            entries.push(LogEntry {
                sequence: entries.len() as u64 + 1,
                action,
                alias: production(),
                version,
                previous: aliases.current(&production()),
                who: "a test".into(),
                why: String::new(),
                at: Timestamp::now(),
            });
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
        let entry = |alias: &str, version| LogEntry {
            sequence: 1,
            action: Action::Set,
            alias: alias.parse().unwrap(),
            version: ModelVersion(version),
            previous: None,
            who: String::new(),
            why: String::new(),
            at: Timestamp::now(),
        };
        let aliases = Aliases::after(&[entry("canary", 1), entry("production", 2), entry("canary", 3)]);
        assert_eq!(aliases.before(&"canary".parse().unwrap()), Some(ModelVersion(1)));
        assert_eq!(aliases.before(&production()), None);
        assert_eq!(aliases.into_current().into_values().collect::<Vec<_>>(), [ModelVersion(3), ModelVersion(2)]);
    }
}
