//! The record of a search: JSON Lines, the first of which says which search it is, each other what became of one trial on
//! one share of the rows. A line counts when it is whole; what a killed process left of one is cut off. The file is locked
//! as long as a search writes it.

use super::tuned::TrialSummary;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A journal that cannot be gone on with.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The system failed.
    #[error("cannot write the journal `{}`: {source}", path.display())]
    Io {
        /// The journal.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another process writes it.
    #[error("another search writes `{}`: wait for it, or give --tuning another folder", path.display())]
    Busy {
        /// The journal.
        path: PathBuf,
    },
    /// It holds another search.
    #[error(
        "`{}` is the journal of another search, with other {what}: give --tuning another folder, or remove that one",
        path.display()
    )]
    OfAnother {
        /// The journal.
        path: PathBuf,
        /// What is different.
        what: String,
    },
    /// A line that no search wrote.
    #[error("line {line} of the journal `{}` cannot be read ({reason}): remove the file to search anew", path.display())]
    Broken {
        /// The journal.
        path: PathBuf,
        /// The line's number, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}

/// What makes one search another than the next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchIdentity {
    /// Of this file.
    pub(super) format: u32,
    /// The version of the program, whose trials are drawn in its own way.
    pub(super) program: String,
    /// The files, for people: the same rows in other files are the same search.
    pub(super) data: String,
    /// The rows, by their number and a hash of them all.
    pub(super) rows: u64,
    pub(super) fingerprint: String,
    /// How the rows were divided.
    pub(super) validation: String,
    /// The settings that were given, the seed among them.
    pub(super) settings: BTreeMap<String, Value>,
}

impl SearchIdentity {
    /// A name for a folder.
    pub(super) fn folder_name(&self) -> String {
        let whole = serde_json::to_string(&Self { data: String::new(), ..self.clone() }).unwrap_or_default();
        model::sha256_hex(whole.as_bytes())[..12].to_owned()
    }

    /// What is different in another, in words.
    fn difference(&self, other: &Self) -> Option<String> {
        if *self == (Self { data: self.data.clone(), ..other.clone() }) {
            return None;
        }
        Some(if (self.rows, &self.fingerprint) != (other.rows, &other.fingerprint) {
            format!("rows: {} of {}, here {} of {}", other.rows, other.data, self.rows, self.data)
        } else if self.validation != other.validation {
            format!("validation: by {}, here by {}", other.validation, self.validation)
        } else if let Some(key) = self.settings.iter().find(|(key, value)| other.settings.get(*key) != Some(value)) {
            format!("settings: {} differs", key.0)
        } else {
            format!("settings, or of another program: {}", other.program)
        })
    }
}

/// An open journal.
pub(super) struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Opens a journal, or begins one; answers the trials that are in it.
    pub(super) fn open(path: &Path, identity: &SearchIdentity) -> Result<(Self, Vec<TrialSummary>), JournalError> {
        let failed = |source| JournalError::Io { path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = options.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::Busy { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed)?;
        let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).and_then(|()| file.seek(SeekFrom::End(0)).map(|_| ())).map_err(failed)?;
        let mut journal = Self { path: path.to_owned(), file };
        if whole == 0 {
            journal.line(identity)?;
            return Ok((journal, Vec::new()));
        }
        let trials = journal.trials(&text[..whole - 1], identity)?;
        Ok((journal, trials))
    }

    fn trials(&self, text: &[u8], identity: &SearchIdentity) -> Result<Vec<TrialSummary>, JournalError> {
        let broken = |line: usize, error: serde_json::Error| JournalError::Broken {
            path: self.path.clone(),
            line,
            reason: error.to_string(),
        };
        let mut lines = text.split(|&byte| byte == b'\n').zip(1..);
        let Some((first, _)) = lines.next() else { return Ok(Vec::new()) };
        let of_file: SearchIdentity = serde_json::from_slice(first).map_err(|error| broken(1, error))?;
        if let Some(what) = identity.difference(&of_file) {
            return Err(JournalError::OfAnother { path: self.path.clone(), what });
        }
        lines.map(|(line, number)| serde_json::from_slice(line).map_err(|error| broken(number, error))).collect()
    }

    /// Adds a trial. When this returns, no crash takes it away.
    pub(super) fn add(&mut self, trial: &TrialSummary) -> Result<(), JournalError> {
        self.line(trial)
    }

    fn line(&mut self, value: &impl Serialize) -> Result<(), JournalError> {
        let failed = |source| JournalError::Io { path: self.path.clone(), source };
        let mut line = serde_json::to_vec(value).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        self.file.write_all(&line).and_then(|()| self.file.sync_data()).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(rows: u64) -> SearchIdentity {
        SearchIdentity {
            format: 1,
            program: "plaudit 0".to_owned(),
            data: "a.csv".to_owned(),
            rows,
            fingerprint: "f".to_owned(),
            validation: "hash".to_owned(),
            settings: BTreeMap::from([("train.c".to_owned(), 30.0.into())]),
        }
    }

    fn trial(number: u32) -> TrialSummary {
        TrialSummary {
            trial: number,
            share: 1.0 / 9.0,
            train_rows: 10,
            settings: BTreeMap::from([("train.c".to_owned(), 0.1.into())]),
            metrics: None,
            error: Some("too large".to_owned()),
            seconds: 0.25,
        }
    }

    fn with_two() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/journal.jsonl");
        let (mut journal, none) = Journal::open(&path, &identity(5)).unwrap();
        assert!(none.is_empty());
        journal.add(&trial(1)).unwrap();
        journal.add(&trial(2)).unwrap();
        (folder, path)
    }

    #[test]
    fn trials_come_back_and_half_a_line_is_cut_off() {
        let (_folder, path) = with_two();
        let whole = std::fs::read(&path).unwrap();
        for cut in 1..40 {
            std::fs::write(&path, &whole[..whole.len() - cut]).unwrap();
            let (mut journal, trials) = Journal::open(&path, &identity(5)).unwrap();
            assert_eq!(trials, [trial(1)]);
            journal.add(&trial(2)).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), whole);
        }
        // Half of the first line is no search yet.
        std::fs::write(&path, &whole[..20]).unwrap();
        assert!(Journal::open(&path, &identity(5)).unwrap().1.is_empty());
    }

    #[test]
    fn the_journal_of_another_search_is_refused_with_what_differs() {
        let (_folder, path) = with_two();
        let refusal = |identity: SearchIdentity| Journal::open(&path, &identity).err().unwrap().to_string();
        assert!(refusal(identity(6)).contains("other rows: 5 of a.csv"), "{}", refusal(identity(6)));
        let validation = SearchIdentity { validation: "time".to_owned(), ..identity(5) };
        assert!(refusal(validation).contains("by hash, here by time"));
        let settings = BTreeMap::from([("train.c".to_owned(), 3.0.into())]);
        assert!(refusal(SearchIdentity { settings, ..identity(5) }).contains("train.c differs"));
        let moved = SearchIdentity { data: "b.csv".to_owned(), ..identity(5) };
        assert_eq!(moved.folder_name(), identity(5).folder_name());
        assert_eq!(Journal::open(&path, &moved).unwrap().1.len(), 2);
    }

    #[test]
    fn a_line_that_no_search_wrote_is_named() {
        let (_folder, path) = with_two();
        let whole = std::fs::read_to_string(&path).unwrap();
        for (line, broken) in [(1, "hello\n".to_owned()), (2, whole.replacen("\"trial\":1", "\"trial\":\"x\"", 1))] {
            std::fs::write(&path, broken).unwrap();
            let message = Journal::open(&path, &identity(5)).err().unwrap().to_string();
            assert!(message.starts_with(&format!("line {line} of the journal")), "{message}");
        }
    }

    #[test]
    fn two_searches_never_write_one_journal() {
        let (_folder, path) = with_two();
        let first = Journal::open(&path, &identity(5)).unwrap();
        assert!(matches!(Journal::open(&path, &identity(5)), Err(JournalError::Busy { .. })));
        drop(first);
        assert!(Journal::open(&path, &identity(5)).is_ok());
    }
}
