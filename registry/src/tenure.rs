//! Which version an alias stood for, from when to when.

use crate::{Alias, LogEntry};
use schemas::Timestamp;
use serde::Serialize;

/// The time in which an alias stood for one version.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tenure {
    /// The line with which it began: which version, who and why.
    #[serde(flatten)]
    pub entry: LogEntry,
    /// When it ended; `None` while it goes on.
    pub until: Option<Timestamp>,
}

/// What an alias stood for, one after the other.
pub fn tenures(entries: &[LogEntry], alias: &Alias) -> Vec<Tenure> {
    let lines: Vec<&LogEntry> = entries.iter().filter(|entry| entry.alias() == Some(alias)).collect();
    let ends = lines.iter().skip(1).map(|next| Some(next.at)).chain([None]);
    lines.iter().zip(ends).map(|(entry, until)| Tenure { entry: (*entry).clone(), until }).collect()
}

/// What an alias stood for at a time. The lines' order is what happened, their times are their writers' clocks': of lines
/// whose clocks disagree, the last that claims to be no later counts.
pub fn tenure_at(entries: &[LogEntry], alias: &Alias, at: Timestamp) -> Option<Tenure> {
    tenures(entries, alias).into_iter().rfind(|tenure| tenure.entry.at <= at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Action;
    use schemas::ModelVersion;

    fn alias(name: &str) -> Alias {
        name.parse().unwrap()
    }

    fn set(name: &str, version: u64, at: i64) -> LogEntry {
        LogEntry {
            sequence: 1,
            action: Action::Set { alias: alias(name), previous: None, verdict: None },
            version: ModelVersion(version),
            who: String::new(),
            why: String::new(),
            at: Timestamp::from_epoch_millis(at).unwrap(),
        }
    }

    #[test]
    fn who_was_production_at_a_time_is_told_to_the_millisecond() {
        let log = [set("production", 1, 100), set("canary", 3, 150), set("production", 2, 200)];
        let at = |millis| {
            let tenure = tenure_at(&log, &alias("production"), Timestamp::from_epoch_millis(millis).unwrap())?;
            Some((tenure.entry.version.0, tenure.until.map(Timestamp::epoch_millis)))
        };
        assert_eq!(at(99), None);
        assert_eq!(at(100), Some((1, Some(200))));
        assert_eq!(at(199), Some((1, Some(200))));
        assert_eq!(at(200), Some((2, None)));
        assert_eq!(tenures(&log, &alias("canary")).len(), 1);
    }

    #[test]
    fn a_clock_that_was_behind_does_not_hide_a_later_line() {
        let log = [set("production", 1, 100), set("production", 2, 90)];
        let at = |millis| tenure_at(&log, &alias("production"), Timestamp::from_epoch_millis(millis).unwrap());
        assert_eq!(at(100).unwrap().entry.version, ModelVersion(2));
        assert_eq!(at(95).unwrap().entry.version, ModelVersion(2));
        assert_eq!(at(89), None);
    }
}
